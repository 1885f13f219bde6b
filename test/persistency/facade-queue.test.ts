import { describe, expect, test } from '@jest/globals'
import { EventBroker, type Job, key, PersistEvent, type PutOp, type TxOp } from 'persistency'
import { deaf } from '../support/odd-signals.js'
import { HAS_THREADS, useStorage } from '../support/storage-folder.js'
import { errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { holdLock } from '../support/storage-sqlite.js'

const storage = useStorage()

const put = (n: number, size = 1): TxOp => ({
  kind: 'put',
  category: 'c',
  key: key(n),
  payload: new Uint8Array(size).fill(n)
})

/** The position of each write, as it is accepted. */
function acceptedBy(job: Job): number[] {
  const seen: number[] = []
  new EventBroker(undefined, job.context).on(PersistEvent).subscribe(({ seq }) => seen.push(seq))
  return seen
}

describe('a full queue that waits', () => {
  test('accepts what fits at once and the rest in order as room is made', async () => {
    const { job } = await storage.open({ maxQueueOps: 3 })
    const accepted = acceptedBy(job)
    const order: number[] = []
    const writes = Array.from({ length: 50 }, (_, n) => job.persist(put(n)).map(() => order.push(n)))
    expect(accepted).toEqual([1, 2, 3])
    expect(job.queued.ops).toBe(3)
    await Promise.all(writes.map((write) => okOf(write)))
    expect(order).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(accepted).toEqual(order.map((n) => n + 1))
    expect(await okOf(job.count('c', keyOf()))).toBe(50)
  })

  test.each([{ maxQueueOps: 4 }, { maxQueueBytes: 1000 }])(
    'holds what its limit %j allows, and never more, for a producer that awaits',
    async (limit) => {
      const { job } = await storage.open(limit)
      const batch = (n: number): TxOp[] => [put(n, 100), put(n + 1000, 100)]
      await okOf(job.persist(batch(0)))
      const { ops, bytes } = job.queued
      const deepest = { ops, bytes }
      for (let n = 1; n < 300; n++) {
        await okOf(job.persist(batch(n)))
        deepest.ops = Math.max(deepest.ops, job.queued.ops)
        deepest.bytes = Math.max(deepest.bytes, job.queued.bytes)
      }
      // Two batches fit, and no third.
      expect(deepest).toEqual({ ops: ops * 2, bytes: bytes * 2 })
      expect(await okOf(job.count('c', keyOf()))).toBe(600)
    }
  )

  test('lets in one at a time where few fit', async () => {
    const { job } = await storage.open({ maxQueueOps: 4 })
    let deepest = 0
    new EventBroker(undefined, job.context).on(PersistEvent).subscribe(() => {
      deepest = Math.max(deepest, job.queued.ops)
    })
    const answers = Array.from({ length: 400 }, (_, n) => job.persist(put(n)))
    for (const answer of answers) await okOf(answer)
    expect(deepest).toBe(4)
    expect(await okOf(job.count('c', keyOf()))).toBe(400)
  })

  test('lets in those that wait next to each other together, in order and within its limits', async () => {
    const limits = { maxQueueOps: 320, maxQueueBytes: 100_000 }
    const { job } = await storage.open(limits)
    const stored: number[] = []
    const deepest = { ops: 0, bytes: 0 }
    new EventBroker(undefined, job.context).on(PersistEvent).subscribe(({ ops: [op] }) => {
      stored.push((op as PutOp).payload[0] as number)
      deepest.ops = Math.max(deepest.ops, job.queued.ops)
      deepest.bytes = Math.max(deepest.bytes, job.queued.bytes)
    })
    const offered = Array.from({ length: 5000 }, (_, n) => (n % 97 === 0 ? 1000 : 1))
    const answers = offered.map((size, n) =>
      n % 501 === 500 ? job.persistAcked(put(n, size)).map(() => undefined) : job.persist(put(n, size))
    )
    for (const answer of answers) await okOf(answer)
    await okOf(job.flush())
    expect(stored).toEqual(offered.map((_, n) => n % 256))
    expect(deepest.ops).toBeLessThanOrEqual(limits.maxQueueOps)
    expect(deepest.bytes).toBeLessThanOrEqual(limits.maxQueueBytes)
    expect(await okOf(job.count('c', keyOf()))).toBe(5000)
  })

  test('puts behind all that wait what somebody writes who hears of one of them', async () => {
    const { job } = await storage.open({ maxQueueOps: 100 })
    const accepted: number[] = []
    const echoes: Promise<unknown>[] = []
    new EventBroker(undefined, job.context).on(PersistEvent).subscribe(({ ops: [op] }) => {
      const [n] = (op as PutOp).payload as unknown as [number]
      accepted.push(n)
      if (n < 100 && n % 10 === 0) echoes.push(okOf(job.persist(put(n + 100))))
    })
    for (let n = 0; n < 100; n++) void job.persist(put(n))
    for (let n = 200; n < 250; n++) void job.persist(put(n))
    await okOf(job.flush())
    await Promise.all(echoes)
    const first = Array.from({ length: 100 }, (_, n) => n)
    const echoed = first.filter((n) => n % 10 === 0).map((n) => n + 100)
    const rest = Array.from({ length: 50 }, (_, n) => n + 200)
    // The queue filled up with echoes, so the last of the first hundred waited too.
    expect(accepted.filter((n) => n < 100)).toEqual(first)
    expect(accepted.filter((n) => n >= 200)).toEqual(rest)
    expect(accepted.filter((n) => n >= 100 && n < 200)).toEqual(echoed)
    expect(new Set(accepted).size).toBe(160)
  })

  test('lets in alone a write that is larger than the whole queue', async () => {
    const { job } = await storage.open({ maxQueueOps: 2, maxQueueBytes: 100 })
    const large = Array.from({ length: 10 }, (_, n) => put(n, 1000))
    await Promise.all([job.persist(large), job.persist(put(100)), job.persist(large)].map((one) => okOf(one)))
    expect(await okOf(job.count('c', keyOf()))).toBe(11)
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  })

  test('answers reads in line: they see the writes that waited before them and none after', async () => {
    const { job } = await storage.open({ maxQueueOps: 1 })
    const reads = Array.from({ length: 50 }, (_, n) => {
      void job.persistPut('c', key('k'), utf8(String(n)))
      return job.get('c', key('k'))
    })
    const seen = await Promise.all(reads.map(async (read) => textOf(await okOf(read))))
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => String(n)))
  })

  test('answers persistAcked and flush after what waits before them', async () => {
    const { job } = await storage.open({ maxQueueOps: 2 })
    for (let n = 0; n < 20; n++) void job.persist(put(n))
    const acked = job.persistAcked(put(20))
    const flushed = job.flush().andThen(() => job.count('c', keyOf()))
    expect(await okOf(acked)).toEqual({ seq: 21, ops: 1 })
    expect(await okOf(flushed)).toBe(21)
  })

  test('gives up on a read in line when its time is over, and the writes go on', async () => {
    const { job, file } = await storage.open({ maxQueueOps: 1, busyTimeoutMs: 20_000 })
    const held = holdLock(file)
    const writes = [1, 2, 3].map((n) => job.persist(put(n)))
    const error = await errorOf(job.count('c', keyOf(), { timeoutMs: 20 }))
    expect(error).toMatchObject({ kind: 'timeout', code: 'ERR_TIMEOUT' })
    const aborted = job.count('c', keyOf(), { signal: AbortSignal.abort() })
    expect((await errorOf(aborted)).code).toBe('ERR_ABORTED')
    held.release()
    await Promise.all(writes.map((write) => okOf(write)))
    expect(await okOf(job.count('c', keyOf()))).toBe(3)
  })
})

describe('a full queue that refuses', () => {
  test('tells so, stores nothing of the refused write, and takes writes again later', async () => {
    const { job } = await storage.open({ maxQueueOps: 3, whenFull: 'refuse' })
    const accepted = acceptedBy(job)
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => job.persist(put(n))))
    expect(answers.map((answer) => answer.isOk())).toEqual([...Array(3).fill(true), ...Array(7).fill(false)])
    const error = answers[3]!._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'overloaded', code: 'ERR_OVERLOADED' })
    expect(error.message).toMatch(/"tenant".*3 of 3 operations/)
    expect(accepted).toEqual([1, 2, 3])
    await okOf(job.flush())
    await okOf(job.persist([put(20), put(21), put(22)]))
    expect(await okOf(job.count('c', keyOf()))).toBe(6)
  })

  test('refuses persistAcked and batches that do not fit beside what is there', async () => {
    const { job } = await storage.open({ maxQueueBytes: 500, whenFull: 'refuse' })
    await okOf(job.persist(put(1, 100)))
    expect((await errorOf(job.persistAcked(put(2, 400)))).code).toBe('ERR_OVERLOADED')
    expect((await errorOf(job.persist([put(3, 200), put(4, 200)]))).code).toBe('ERR_OVERLOADED')
    await okOf(job.flush())
    expect(await okOf(job.count('c', keyOf()))).toBe(1)
  })
})

test('the queue is empty again after writes that failed', async () => {
  const { job, file } = await storage.open({ busyTimeoutMs: 1, maxQueueOps: 5 })
  const held = holdLock(file)
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => job.persistAcked(put(n))))
  held.release()
  expect(new Set(answers.map((answer) => answer._unsafeUnwrapErr().backendCode))).toEqual(
    new Set(['SQLITE_BUSY'])
  )
  expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  expect(await okOf(job.persistAcked(put(1)))).toEqual({ seq: 21, ops: 1 })
})

test('a signal of another make that waits in a full queue keeps nobody out', async () => {
  const { job } = await storage.open({ maxQueueOps: 2 })
  const signal = { aborted: false, reason: undefined, addEventListener() {}, removeEventListener() {} }
  const writes = Array.from({ length: 10 }, (_, n) => job.persist(put(n)))
  const read = job.get('c', key(9), { signal: signal as never })
  expect(await okOf(read)).toEqual(new Uint8Array([9]))
  await Promise.all(writes.map((write) => okOf(write)))
  await okOf(job.persistAcked(put(10)))
  await okOf(job.close())
})

test('a read in line whose signal cannot be listened to ends as aborted, and the writes go on', async () => {
  const { job } = await storage.open({ maxQueueOps: 2 })
  const writes = Array.from({ length: 10 }, (_, n) => job.persist(put(n)))
  const read = job.get('c', key(9), { signal: deaf })
  expect((await errorOf(read)).code).toBe('ERR_ABORTED')
  await Promise.all(writes.map((write) => okOf(write)))
  expect(await okOf(job.count('c', keyOf()))).toBe(10)
})

test.each([false, true])(
  'a payload whose memory was given away is refused (restart: %s)',
  async (restart) => {
    const { job } = await storage.open(HAS_THREADS ? { restart } : {})
    const given = put(1) as PutOp
    structuredClone(given.payload, { transfer: [given.payload.buffer as ArrayBuffer] })
    expect((await errorOf(job.persist(given))).code).toBe('ERR_PAYLOAD')
    expect((await errorOf(job.persist([put(2), given]))).code).toBe('ERR_PAYLOAD')
    await okOf(job.persist({ ...given, payload: new Uint8Array(0) }))
    expect(await okOf(job.get('c', key(1)))).toEqual(new Uint8Array(0))
    expect(await okOf(job.count('c', keyOf()))).toBe(1)
  }
)
