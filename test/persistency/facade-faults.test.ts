import { existsSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { EventBroker, type Job, JobFailed, key, PersistFailed, type TxOp } from 'persistency'
import { describeThreads, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWarnings, useWorkers } from '../support/storage-process.js'
import { type Answer, errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()
const warnings = useWarnings()

const put = (n: number, text = `payload ${n}`): TxOp => ({
  kind: 'put',
  category: 'c',
  key: key(n),
  payload: utf8(text)
})

describe('while another connection holds the write lock', () => {
  test('writes fail with the code of the storage, reads go on, and later writes succeed', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 1 })
    await okOf(job.persistAcked(put(1)))
    const held = holdLock(file)
    const [acked, deleted, read] = await Promise.all([
      job.persistAcked(put(2)),
      job.deleteAcked('c', key(1)),
      job.get('c', key(1))
    ])
    for (const answer of [acked, deleted]) {
      const error = (answer as typeof acked)._unsafeUnwrapErr()
      expect(error).toMatchObject({ kind: 'backend', code: 'ERR_STORAGE', backendCode: 'SQLITE_BUSY' })
      expect(error.message).toContain(file)
    }
    expect(textOf(read._unsafeUnwrap())).toBe('payload 1')
    held.release()
    expect(await okOf(job.persistAcked(put(3)))).toEqual({ seq: 3, ops: 1 })
    expect(await okOf(job.count('c', keyOf()))).toBe(2)
  })

  test('a write fails when it has waited for busyTimeoutMs, and not before', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 300 })
    const held = holdLock(file)
    const started = performance.now()
    const error = await errorOf(job.persistAcked(put(1)))
    held.release()
    expect(error.backendCode).toBe('SQLITE_BUSY')
    expect(performance.now() - started).toBeGreaterThanOrEqual(300)
  })

  test('a write waits for the lock and succeeds once it is released', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 20_000 })
    const held = holdLock(file)
    const writing = job.persistAcked(put(1))
    expect((await errorOf(job.get('c', key(1), { timeoutMs: 50 }))).kind).toBe('timeout')
    held.release()
    expect(await okOf(writing)).toEqual({ seq: 1, ops: 1 })
  })

  test('calls that time out leave no answer that a later call could take for its own', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 20_000, requestTimeoutMs: 50 })
    for (let n = 0; n < 100; n++) void job.persist(put(n))
    await okOf(job.flush())
    for (let round = 0; round < 3; round++) {
      const held = holdLock(file)
      void job.persist(put(1000 + round))
      const timedOut = await Promise.all(Array.from({ length: 50 }, (_, n) => job.get('c', key(n))))
      const kinds = new Set(timedOut.map((answer) => answer._unsafeUnwrapErr().code))
      expect(kinds).toEqual(new Set(['ERR_TIMEOUT']))
      held.release()
      const later = await Promise.all(
        Array.from({ length: 100 }, (_, n) => okOf(job.get('c', key(99 - n), { timeoutMs: 20_000 })))
      )
      expect(later.map(textOf)).toEqual(Array.from({ length: 100 }, (_, n) => `payload ${99 - n}`))
    }
    expect(await okOf(job.count('c', keyOf()))).toBe(103)
  })

  test('persistAcked and flush give up in their time, and the write still lands', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 20_000 })
    const held = holdLock(file)
    const [acked, flushed] = await Promise.all([
      errorOf(job.persistAcked(put(1), { timeoutMs: 30 })),
      errorOf(job.flush({ timeoutMs: 30 }))
    ])
    expect([acked.code, flushed.code]).toEqual(['ERR_TIMEOUT', 'ERR_TIMEOUT'])
    expect(acked.message).toContain('"tenant"')
    held.release()
    await okOf(job.flush())
    expect(await okOf(job.exists('c', key(1)))).toBe(true)
  })

  test('closing waits for the lock and loses nothing', async () => {
    const { job, file, persistency } = await storage.open({ busyTimeoutMs: 20_000 })
    const held = holdLock(file)
    void job.persist(put(1))
    expect((await errorOf(job.get('c', key(1), { timeoutMs: 50 }))).kind).toBe('timeout')
    const closing = job.close()
    held.release()
    await okOf(closing)
    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.exists('c', key(1)))).toBe(true)
  })
})

describeThreads('when the storage thread dies', () => {
  const end = (job: Job): Promise<string> =>
    new Promise((resolve) => {
      new EventBroker(undefined, job.context).listen(JobFailed, ({ error }) => resolve(error.code))
    })

  test('every call under way fails, the job fails, and others work on', async () => {
    const sibling = await storage.open()
    const { job, persistency } = await storage.open({ maxQueueOps: 4 })
    await okOf(job.persistAcked(put(1)))
    const failed: string[] = []
    new EventBroker(undefined, job.context).listen(PersistFailed, ({ seq, error }) => {
      failed.push(`${seq} ${error.code}`)
    })
    const ended = end(job)
    // From here on the thread does nothing any more; that it is gone is known only later.
    const killing = workers.killLast()
    const accepted = [job.persist(put(2)), job.persist(put(3))]
    const answers: Answer<unknown>[] = [
      job.persistAcked([put(4), put(5)]),
      job.get('c', key(1)),
      job.persist(put(6)),
      job.persistAcked(put(7)),
      job.get('c', key(1)),
      job.flush()
    ]
    expect(job.running).toBe(true)
    await killing
    expect(await ended).toBe('ERR_STORAGE_DIED')
    expect((await Promise.all(accepted)).every((answer) => answer.isOk())).toBe(true)
    const codes = (await Promise.all(answers)).map((answer) => answer._unsafeUnwrapErr().code)
    expect(codes).toEqual(answers.map(() => 'ERR_STORAGE_DIED'))
    expect(failed).toEqual(['2 ERR_STORAGE_DIED', '3 ERR_STORAGE_DIED', '4 ERR_STORAGE_DIED'])
    expect([job.running, persistency.hasJob('tenant'), job.queued.ops]).toEqual([false, false, 0])
    const after = await errorOf(job.get('c', key(1)))
    expect(after).toMatchObject({ kind: 'closed', code: 'ERR_JOB_CLOSED' })
    await okOf(sibling.job.persistAcked(put(1)))
  })

  test('openJob starts it again with everything that was committed', async () => {
    const { job, persistency } = await storage.open()
    await okOf(job.persistAcked(put(1)))
    const ended = end(job)
    await workers.killLast()
    await ended
    const again = await okOf(persistency.openJob('tenant'))
    expect(again).not.toBe(job)
    expect(textOf(await okOf(again.get('c', key(1))))).toBe('payload 1')
    await okOf(again.persistAcked(put(2)))
    // The old handle has no power over the new job.
    await job.close()
    expect([again.running, workers.alive]).toEqual([true, 1])
  })

  test('accepted writes that nobody watches are reported as a process warning', async () => {
    const { job } = await storage.open()
    const warned = warnings.next()
    const killing = workers.killLast()
    void job.persist(put(1))
    await killing
    const { code, message } = await warned
    expect(code).toBe('PERSISTENCY_WRITE_LOST')
    expect(message).toContain('"tenant"')
  })

  test('during closing, the close fails, tells what is lost, and forgets the job', async () => {
    const { job, persistency } = await storage.open()
    const failed: number[] = []
    new EventBroker(undefined, job.context).listen(PersistFailed, ({ seq }) => failed.push(seq))
    const killing = workers.killLast()
    void job.persist(put(1))
    const error = await errorOf(job.close())
    await killing
    expect(error).toMatchObject({ kind: 'backend', code: 'ERR_STORAGE_DIED' })
    expect(error.message).toContain('"tenant"')
    expect(failed).toEqual([1])
    expect(persistency.hasJob('tenant')).toBe(false)
    expect((await persistency.openJob('tenant')).isOk()).toBe(true)
  })

  test('during opening, the opening fails and can be repeated', async () => {
    const persistency = storage.owner()
    const killing = workers.killNext()
    const error = await errorOf(persistency.openJob('tenant'))
    await killing
    expect(error).toMatchObject({ kind: 'backend', code: 'ERR_STORAGE_DIED' })
    expect(error.message).toContain('"tenant"')
    expect((await persistency.openJob('tenant')).isOk()).toBe(true)
  })

  test('during dropping, the drop fails and can be repeated', async () => {
    const { job, file, persistency } = await storage.open()
    await okOf(job.close())
    const killing = workers.killNext()
    expect((await errorOf(persistency.dropJob('tenant'))).code).toBe('ERR_STORAGE_DIED')
    await killing
    expect(existsSync(file)).toBe(true)
    await okOf(persistency.dropJob('tenant'))
    expect(existsSync(file)).toBe(false)
  })
})
