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
