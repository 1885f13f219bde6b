import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { journalOf, put, requireGapless, shown } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

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

test('a database in memory has a journal as well', async () => {
  const job = await okOf(storage.owner(':memory:').openJob('tenant', { journal: { maxEvents: 3 } }))
  for (let n = 0; n < 5; n++) await okOf(job.persistAcked(put(1, `${n}`)))
  expect(shown(await journalOf(job))).toEqual(['3 write', '4 write', '5 write'])
  expect(textOf(await okOf(job.at(3).get('c', key(1))))).toBe('2')
})

test('a job whose database is closed in between goes on with its journal', async () => {
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
