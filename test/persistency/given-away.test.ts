import { describe, expect, test } from '@jest/globals'
import {
  EventBroker,
  type Job,
  type KvRow,
  key,
  PersistFailed,
  payload,
  rawKey,
  rest,
  type WatchItem
} from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

const { open } = useStorage()

/** What `postMessage` with a transfer list does to the memory of bytes. */
function giveAway({ buffer }: Uint8Array): void {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
}
const put = (n: number, bytes = utf8('x')) =>
  ({ kind: 'put', category: 'c', key: key(n), payload: bytes }) as const
const fill = (job: Job, rows: number) =>
  okOf(job.persistAcked(Array.from({ length: rows }, (_, n) => put(n))))

describe('a key whose memory was given away', () => {
  test('is no empty key', async () => {
    const { job } = await open()
    await fill(job, 5)
    const [row] = await okOf(job.scan('c', key()))
    const { key: gone, payload: bytes } = row as KvRow
    giveAway(bytes)
    for (const answer of [
      job.persistAcked({ kind: 'deletePrefix', category: 'c', prefix: gone }),
      job.persistAcked({ kind: 'put', category: 'c', key: gone, payload: utf8('x') }),
      job.get('c', gone),
      job.scan('c', gone),
      job.getMany('c', [key(1), gone])
    ]) {
      const { code, message } = await errorOf<{ code: string; message: string }>(answer as never)
      expect([code, message]).toEqual([
        expect.stringMatching(/^ERR_(KEY|RANGE)$/),
        expect.stringContaining('given to another thread')
      ])
    }
    expect(() => key('x', gone)).toThrow(TypeError)
    expect(() => rest.encode(gone)).toThrow(TypeError)
    expect(await okOf(job.count('c', key()))).toBe(5)
  })
})

test('bytes that a resizing has put out of bounds are no empty bytes', async () => {
  // Later than the types that this is compiled with.
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number }
  ) => ArrayBuffer & { resize(length: number): void }
  const buffer = new Resizable(8, { maxByteLength: 8 })
  const view = new Uint8Array(buffer, 4, 4)
  buffer.resize(2)
  const { job } = await open()
  expect((await errorOf(job.persistPut('c', key(1), view))).code).toBe('ERR_PAYLOAD')
  expect(() => key(view)).toThrow(TypeError)
  expect(() => payload(view)).toThrow(TypeError)
  expect(() => rawKey(view)).toThrow()
})

test('a stream backwards goes on behind a page that was given away', async () => {
  const { job } = await open()
  await fill(job, 100)
  let rows = 0
  let page: ArrayBufferLike | undefined
  for await (const row of job.stream('c', key(), { reverse: true, pageSize: 10 })) {
    rows++
    if (page !== undefined && page !== row.payload.buffer && page.byteLength > 0) {
      structuredClone(page, { transfer: [page as ArrayBuffer] })
    }
    page = row.payload.buffer
  }
  expect(rows).toBe(100)
})

test('the operations of a failed write are those of who hears of it', async () => {
  const { job } = await open()
  new EventBroker().in(job.context).listen(PersistFailed, ({ ops }) => {
    for (const op of ops) if (op.kind === 'put') giveAway(op.payload)
  })
  const check = { kind: 'check', category: 'c', key: key('none'), equals: utf8('y') } as const
  const failing = Array.from({ length: 20 }, (_, n) => job.persist([check, put(n)]))
  const fine = Array.from({ length: 20 }, (_, n) => job.persistAcked(put(100 + n)))
  await Promise.all([...failing, ...fine].map((answer) => okOf(answer as ReturnType<Job['persist']>)))
  expect(job.running).toBe(true)
  expect(await okOf(job.count('c', key()))).toBe(20)
})

describe('bytes that are given away while their write waits for room', () => {
  test.each([false, true])('are an error of the write, not empty bytes (restart: %p)', async (restart) => {
    const { job } = await open({ maxQueueOps: 1, restart })
    const failed: (readonly [number, string])[] = []
    new EventBroker().in(job.context).listen(PersistFailed, ({ seq, error }) => {
      failed.push([seq, error.code])
    })
    const bytes = [utf8('one'), utf8('two')] as const
    void job.persistPut('c', key(0), utf8('x'))
    const acked = job.persistAcked(put(1, bytes[0]))
    const accepted = job.persist(put(2, bytes[1]))
    const behind = job.persistAcked(put(3, utf8('three')))
    for (const given of bytes) giveAway(given)
    if (restart) {
      for (const answer of [acked, behind]) await okOf(answer)
      await okOf(accepted)
      expect((await okOf(job.scan('c', key()))).map(({ payload }) => payload.length)).toEqual([1, 3, 3, 5])
      return
    }
    expect((await errorOf(acked)).code).toBe('ERR_PAYLOAD')
    await okOf(accepted)
    expect(await okOf(behind)).toEqual({ seq: 4, ops: 1 })
    expect((await errorOf(job.flush())).code).toBe('ERR_WRITES_LOST')
    expect(failed).toEqual([
      [2, 'ERR_PAYLOAD'],
      [3, 'ERR_PAYLOAD']
    ])
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
    expect((await okOf(job.scan('c', key()))).map(({ key: of }) => of.toString())).toHaveLength(2)
  })
})

test('a watcher misses no acknowledged delete behind a write that was given away before it was sent', async () => {
  const { job } = await open({ maxQueueOps: 2 })
  await fill(job, 2)
  const bytes = utf8('three')
  const writes = [job.persist(put(7)), job.persist(put(8)), job.persistAcked(put(9, bytes))] as const
  giveAway(bytes)
  expect((await errorOf(writes[2])).code).toBe('ERR_PAYLOAD')
  await okOf(job.flush())
  const items = job.watch('c', key(), { initial: true })[Symbol.asyncIterator]()
  await items.next()
  const next = items.next()
  expect(await okOf(job.deleteAcked('c', key(1)))).toBe(true)
  await okOf(job.putAcked('c', key(2), utf8('y')))
  expect((await next).value).toMatchObject({ changes: [{ kind: 'delete', key: key(1) }] })
})

test('each watcher may give away what it is told', async () => {
  const { job } = await open()
  const watchers = [0, 1].map(() => job.watch('c', key())[Symbol.asyncIterator]())
  const items = watchers.map((watcher) => watcher.next())
  await okOf(job.flush())
  await okOf(job.persistAcked(put(1, utf8('hello'))))
  const lengths: number[] = []
  for (const item of items) {
    const { value } = (await item) as IteratorYieldResult<WatchItem>
    if (value.kind !== 'changes') continue
    const [change] = value.changes
    if (change?.kind !== 'put') continue
    lengths.push(change.payload.length)
    giveAway(change.payload)
  }
  expect(lengths).toEqual([5, 5])
  for (const watcher of watchers) await watcher.return?.()
})
