import { expect, test } from '@jest/globals'
import { EventBroker, key, PersistCommitted } from 'persistency'
import { countOfEvents, journalOf, put, requireGapless, shown } from '../support/journal.js'
import { runScript } from '../support/run-script.js'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

test('two owners of one file share its numbers, and neither takes the other for a stranger', async () => {
  const { job: one, root } = await storage.open({ journal: true })
  const { job: other } = await storage.open({ journal: true }, root)
  for (let n = 0; n < 50; n++) {
    await okOf(one.persistAcked(put(n, 'one')))
    await okOf(other.append({ type: 'noted', data: utf8(`${n}`) }, { stream: 's', ops: put(`${n}`) }))
  }
  await Promise.all(
    [one, other].map(async (job, index) => {
      for (let n = 0; n < 200; n++) await okOf(job.persistPut(`c${index}`, key(n), utf8('x')))
      await okOf(job.flush())
    })
  )
  for (const job of [one, other]) {
    const events = await journalOf(job)
    expect(events).toHaveLength(500)
    requireGapless(events, 1)
    expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 500 })
    expect(await okOf(job.compareWithJournal())).toMatchObject({ differing: 0 })
    expect(await okOf(job.at(2).count('c', keyOf()))).toBe(2)
  }
})

test('a subscription that polls hears of what another owner writes, without a commit of its own', async () => {
  const { job: writer, root } = await storage.open({ journal: true })
  const { job: worker } = await storage.open({ journal: true }, root)
  let heard: (type: string) => void = () => {}
  const subscription = await okOf(worker.subscription('s', ({ type }) => heard(type), { pollMs: 5 }))
  for (const type of ['a', 'b', 'c']) {
    const come = new Promise<string>((resolve) => {
      heard = resolve
    })
    await okOf(writer.append({ type }))
    expect(await come).toBe(type)
  }
  await subscription.stop()
})

test('so does a projection', async () => {
  const { job: writer, root } = await storage.open({ journal: true })
  const { job: worker } = await storage.open({ journal: true }, root)
  const projection = await okOf(worker.projection(countOfEvents, { pollMs: 5 }))
  const stored = new Promise((resolve) => {
    new EventBroker().in(worker.context).listen(PersistCommitted, resolve)
  })
  await okOf(writer.append({ type: 'placed' }))
  await stored
  expect(await okOf(projection.state())).toBe(1)
})

test.each([0, 1.5, 2 ** 31, '5'])('pollMs of %p is refused', async (pollMs) => {
  const { job } = await storage.open({ journal: true })
  const error = await errorOf(job.subscription('s', () => {}, { pollMs: pollMs as number }))
  expect(error).toMatchObject({ code: 'ERR_OPTION' })
})

test('a subscription that polls keeps no process alive', async () => {
  const { code, output } = await runScript(`
    import { Persistency, unwrap } from 'persistency'
    const persistency = unwrap(Persistency.open(':memory:'))
    const job = await unwrap(persistency.openJob('tenant', { journal: true }))
    const subscription = await unwrap(job.subscription('s', () => {}, { pollMs: 10 }))
    await unwrap(job.append({ type: 'a' }))
    await unwrap(subscription.caughtUp())
    console.log(JSON.stringify('done'))`)
  expect([code, output]).toEqual([0, 'done'])
})

test('a database in memory has a journal as well', async () => {
  const job = await okOf(storage.owner(':memory:').openJob('tenant', { journal: { maxEvents: 3 } }))
  for (let n = 0; n < 5; n++) await okOf(job.persistAcked(put(1, `${n}`)))
  expect(shown(await journalOf(job))).toEqual(['3 write', '4 write', '5 write'])
  expect(textOf(await okOf(job.at(3).get('c', key(1))))).toBe('2')
})

testOnce('a job whose database is closed in between goes on with its journal', async () => {
  const owner = storage.owner({
    rootDir: storage.folder(),
    threads: { shared: 1 },
    maxOpenJobs: 1,
    whenIdle: 'close',
    journal: true
  })
  const [one, other] = [await okOf(owner.openJob('one')), await okOf(owner.openJob('other'))]
  for (let n = 0; n < 20; n++) {
    await okOf(one.persistAcked(put(n)))
    await okOf(other.append({ type: 'noted' }, { stream: 's', expectedSeq: n }))
    expect(await okOf(one.at(n + 1).count('c', keyOf()))).toBe(n + 1)
  }
  for (const job of [one, other]) requireGapless(await journalOf(job), 1)
  expect(await okOf(one.compareWithJournal())).toMatchObject({ rows: 20, differing: 0 })
})
