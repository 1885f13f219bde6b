import { describe, expect, test } from '@jest/globals'
import {
  BrokerHub,
  EventBroker,
  type Job,
  JobClosed,
  JobFailed,
  JobOpened,
  key,
  PersistCommitted,
  type PersistCommittedPayload,
  PersistEvent,
  type PersistEventPayload,
  PersistFailed,
  type PersistFailedPayload,
  type TxOp
} from 'persistency'
import { firstValueFrom } from 'rxjs'
import { testOfThreads, useStorage } from '../support/storage-folder.js'
import { useWarnings, useWorkers } from '../support/storage-process.js'
import { errorOf, hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { refusePayload } from '../support/storage-sqlite.js'

const storage = useStorage()
const warnings = useWarnings()
const workers = useWorkers()

const put = (name: string): TxOp => ({ kind: 'put', category: 'c', key: key(name), payload: utf8(name) })

/** Everything that is emitted in the context of a job from now on. */
function observe(job: Job) {
  const events = new EventBroker(undefined, job.context)
  const accepted: PersistEventPayload[] = []
  const committed: PersistCommittedPayload[] = []
  const failed: PersistFailedPayload[] = []
  const ends: string[] = []
  events.on(PersistEvent).subscribe((event) => accepted.push(event))
  events.on(PersistCommitted).subscribe((event) => committed.push(event))
  events.on(PersistFailed).subscribe((event) => failed.push(event))
  events.on(JobClosed).subscribe(({ jobId }) => ends.push(`closed ${jobId}`))
  events.on(JobFailed).subscribe(({ jobId }) => ends.push(`failed ${jobId}`))
  return { events, accepted, committed, failed, ends }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

describe('observers', () => {
  test('see each accepted write within the call, in order, with its operations', async () => {
    const { job } = await storage.open()
    const { accepted } = observe(job)
    void job.persist([put('a'), { kind: 'delete', category: 'd', key: key('b') }])
    expect(accepted).toHaveLength(1)
    void job.persistDeletePrefix('e', key('p'))
    void job.persistAcked(put('z'))
    expect(accepted.map(({ jobId, seq }) => `${jobId} ${seq}`)).toEqual(['tenant 1', 'tenant 2', 'tenant 3'])
    const seen = accepted.flatMap(({ ops }) => ops)
    expect(seen.map((op) => `${op.kind} ${op.category}`)).toEqual([
      'put c',
      'delete d',
      'deletePrefix e',
      'put c'
    ])
    expect(accepted[0]?.bytes).toBe(sum([job.queued.bytes, -accepted[1]!.bytes, -accepted[2]!.bytes]))
  })

  test('see every write committed exactly once, in order, with totals that add up', async () => {
    const { job } = await storage.open()
    const { accepted, committed, failed } = observe(job)
    for (let n = 0; n < 3000; n++) {
      void job.persist(n % 3 === 0 ? [put(`a${n}`), put(`b${n}`)] : put(`c${n}`))
      if (n % 500 === 0) await okOf(job.flush())
    }
    await okOf(job.flush())
    expect(failed).toEqual([])
    expect(sum(committed.map(({ writes }) => writes))).toBe(3000)
    expect(sum(committed.map(({ ops }) => ops))).toBe(4000)
    expect(sum(committed.map(({ bytes }) => bytes))).toBe(sum(accepted.map(({ bytes }) => bytes)))
    let next = 1
    for (const { firstSeq, lastSeq, writes, jobId, commitMs } of committed) {
      expect([firstSeq, lastSeq, jobId]).toEqual([next, next + writes - 1, 'tenant'])
      expect(commitMs).toBeGreaterThanOrEqual(0)
      next = lastSeq + 1
    }
    // Writes of one burst share transactions.
    expect(committed.length).toBeLessThan(1000)
  })

  test('see a failed write with its operations and error, and not as committed', async () => {
    const { job, file } = await storage.open()
    refusePayload(file, utf8('bad'), 'ABORT')
    const { committed, failed } = observe(job)
    void job.persist(put('good'))
    void job.persist([put('x'), put('bad')])
    void job.persistAcked(put('bad'))
    await errorOf(job.flush())
    expect(failed.map(({ jobId, seq }) => `${jobId} ${seq}`)).toEqual(['tenant 2', 'tenant 3'])
    expect(failed[0]?.error).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_CONSTRAINT_TRIGGER' })
    const [, bad] = failed[0]!.ops as [TxOp, Extract<TxOp, { kind: 'put' }>]
    expect([bad.kind, bad.category, hexOf(bad.key.bytes), textOf(bad.payload)]).toEqual([
      'put',
      'c',
      hexOf(key('bad').bytes),
      'bad'
    ])
    expect(sum(committed.map(({ writes }) => writes))).toBe(1)
    expect(warnings.seen).toEqual([])
  })

  test('see the commit before the flush is answered and before the job is closed', async () => {
    const { job } = await storage.open()
    const { committed, ends } = observe(job)
    const order: string[] = []
    new EventBroker(undefined, job.context).on(PersistCommitted).subscribe(() => order.push('committed'))
    void job.persist(put('a'))
    await okOf(job.flush())
    order.push('flushed')
    void job.persist(put('b'))
    await okOf(job.close())
    order.push(...ends)
    expect(order).toEqual(['committed', 'flushed', 'committed', 'closed tenant'])
    expect(committed).toHaveLength(2)
  })

  test('see nothing of a batch without operations', async () => {
    const { job } = await storage.open()
    const { accepted, committed } = observe(job)
    await okOf(job.persist([]))
    await okOf(job.persistAcked([]))
    await okOf(job.flush())
    expect([accepted, committed]).toEqual([[], []])
  })

  test('that throw disturb neither the write nor each other', async () => {
    const { job } = await storage.open()
    const { events, accepted, committed } = observe(job)
    const thrown: unknown[] = []
    events.listenerErrors.subscribe(({ error }) => thrown.push(error))
    events.listen(PersistEvent, () => {
      throw new Error('in listener')
    })
    events.listen(PersistCommitted, async () => {
      throw new Error('in async listener')
    })
    await okOf(job.persistAcked(put('a')))
    expect([accepted.length, committed.length]).toEqual([1, 1])
    expect(thrown).toEqual([new Error('in listener'), new Error('in async listener')])
    expect(await okOf(job.exists('c', key('a')))).toBe(true)
  })

  test('may write from within an event', async () => {
    const { job } = await storage.open()
    const { events, accepted } = observe(job)
    events.listen(PersistEvent, ({ seq }) => {
      if (seq < 10) void job.persist(put(`echo ${seq}`))
    })
    await okOf(job.persistAcked(put('first')))
    await okOf(job.flush())
    expect(await okOf(job.count('c', keyOf()))).toBe(10)
    expect(accepted.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })
})

test('the opening and closing of every job is told in the context of its owner', async () => {
  const persistency = storage.owner()
  const events = new EventBroker(undefined, persistency.context)
  const seen: string[] = []
  events
    .on(JobOpened)
    .subscribe(({ jobId }) => seen.push(`opened ${persistency.job(jobId)._unsafeUnwrap().id}`))
  events.on(JobClosed).subscribe(({ jobId }) => {
    seen.push(`${persistency.hasJob(jobId) ? 'closing' : 'closed'} ${jobId}`)
  })
  const a = await okOf(persistency.openJob('a'))
  expect(a.context.parent).toBe(persistency.context)
  await okOf(a.close())
  await okOf(persistency.openJob('b'))
  expect(seen).toEqual(['opened a', 'closed a', 'opened b'])
})

testOfThreads('the failing of a job is told in the context of its owner', async () => {
  const persistency = storage.owner()
  const failed = firstValueFrom(new EventBroker(undefined, persistency.context).on(JobFailed))
  await okOf(persistency.openJob('tenant'))
  await workers.killLast()
  expect(await failed).toMatchObject({ jobId: 'tenant', error: { code: 'ERR_STORAGE_DIED' } })
})

describe('a write that others emit', () => {
  test('is stored', async () => {
    const { job } = await storage.open()
    const { events } = observe(job)
    events.emit(PersistEvent, { jobId: job.id, seq: 0, ops: [put('foreign')], bytes: 0 })
    expect(await okOf(job.exists('c', key('foreign')))).toBe(true)
  })

  test('does not keep the job from learning of its own commit', async () => {
    const { job } = await storage.open()
    const { events } = observe(job)
    const acked = job.persistAcked(put('own'), { timeoutMs: 2000 })
    events.emit(PersistEvent, { jobId: job.id, seq: 0, ops: [put('foreign')], bytes: 0 })
    await okOf(job.flush())
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
    expect(await okOf(acked)).toEqual({ seq: 1, ops: 1 })
  })

  test('and that is no write at all is reported and hurts nobody', async () => {
    const { job } = await storage.open()
    const { events, failed } = observe(job)
    const thrown: unknown[] = []
    events.listenerErrors.subscribe(({ error }) => thrown.push(error))
    events.emit(PersistEvent, { jobId: job.id, seq: 0, ops: 'nonsense' as never, bytes: 0 })
    expect(thrown).toHaveLength(1)
    await okOf(job.persistAcked(put('own')))
    expect(failed).toEqual([])
  })
})

describe('a lost write', () => {
  test('with nobody listening is reported as a process warning', async () => {
    const { job, file } = await storage.open()
    refusePayload(file, utf8('bad'), 'ABORT')
    const warned = warnings.next()
    void job.persist(put('bad'))
    const { code, message } = await warned
    expect(code).toBe('PERSISTENCY_WRITE_LOST')
    expect(message).toContain('"tenant"')
    expect(message).toContain('refused by trigger')
  })

  test('makes the next flush fail, once, with the first cause and the number of losses', async () => {
    const { job, file } = await storage.open()
    observe(job)
    refusePayload(file, utf8('bad'), 'ABORT')
    for (const name of ['bad', 'good', 'bad', 'bad']) void job.persist(put(name))
    const error = await errorOf(job.flush())
    expect(error).toMatchObject({
      kind: 'backend',
      code: 'ERR_WRITES_LOST',
      backendCode: 'SQLITE_CONSTRAINT_TRIGGER',
      cause: { code: 'ERR_STORAGE' }
    })
    expect(error.message).toContain('lost 3')
    await okOf(job.flush())
    void job.persist(put('bad'))
    expect((await errorOf(job.flush({ durable: true }))).message).toContain('lost 1')
  })

  test('whose caller was told makes no flush fail and no warning', async () => {
    const { job, file } = await storage.open()
    refusePayload(file, utf8('bad'), 'ABORT')
    expect((await errorOf(job.persistAcked(put('bad')))).code).toBe('ERR_STORAGE')
    await okOf(job.flush())
    expect(warnings.seen).toEqual([])
  })
})

test('the events of jobs on a hub of its own are seen through the hub of the persistency', async () => {
  const persistency = storage.owner({ rootDir: ':memory:', threads: 'none', hub: new BrokerHub() })
  const seen: string[] = []
  new EventBroker(persistency.hub, persistency.context).listen(JobOpened, ({ jobId }) => seen.push(jobId))
  const job = await okOf(persistency.openJob('tenant'))
  new EventBroker(persistency.hub, job.context).listen(PersistEvent, ({ seq }) => seen.push(`write ${seq}`))
  await okOf(job.persist(put('a')))
  expect(seen).toEqual(['tenant', 'write 1'])
  expect(storage.owner(':memory:').hub).toBe(BrokerHub.default)
})
