import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  defineTable,
  integer,
  type Job,
  type Key,
  KvScan,
  key,
  type PagedStream,
  type Persistency,
  type PersistencyError,
  type RequestTrace,
  type StreamOptions,
  string
} from 'persistency'
import { lastValueFrom, take, toArray } from 'rxjs'
import { useChannels } from '../support/channels.js'
import { all } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { hexOf, keyOf, okOf, utf8 } from '../support/storage-results.js'
import { execute } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
const channels = useChannels()

const KEYS = [keyOf(), keyOf(0), keyOf(0, 0), keyOf(1), keyOf(1, 0xff), keyOf(0xff), keyOf(0xff, 0xff)]
const HEX = KEYS.map((one) => hexOf(one.bytes))

async function openWith(keys: readonly Key[], { open } = storage): Promise<{ job: Job; file: string }> {
  const { job, file } = await open()
  await okOf(
    job.persistAcked(keys.map((one) => ({ kind: 'put', category: 'c', key: one, payload: one.bytes })))
  )
  return { job, file }
}

async function streamed(job: Job, options?: StreamOptions, from: Key = keyOf()): Promise<string[]> {
  const keys: string[] = []
  for await (const row of job.stream('c', from, options)) keys.push(hexOf(row.key.bytes))
  return keys
}

describe.each([1, 2, 7, 8, 512])('with %i rows to a page', (pageSize) => {
  const lasting = useStorage(afterAll)
  let job: Job
  beforeAll(async () => {
    job = (await openWith(KEYS, lasting)).job
  })

  test('the whole category comes in order, in both directions', async () => {
    expect(await streamed(job, { pageSize })).toEqual(HEX)
    expect(await streamed(job, { pageSize, reverse: true })).toEqual([...HEX].reverse())
  })

  test.each([0, 1, 3, 7, 100])('a limit of %i ends it', async (limit) => {
    expect(await streamed(job, { pageSize, limit })).toEqual(HEX.slice(0, limit))
    const reversed = [...HEX].reverse().slice(0, limit)
    expect(await streamed(job, { pageSize, limit, reverse: true })).toEqual(reversed)
  })

  test('a prefix and a range hold only their own rows', async () => {
    expect(await streamed(job, { pageSize }, keyOf(0))).toEqual(['00', '0000'])
    expect(await streamed(job, { pageSize, reverse: true }, keyOf(0xff))).toEqual(['ffff', 'ff'])
    const inRange: string[] = []
    const range = { start: keyOf(0, 0), stop: keyOf(0xff) }
    for await (const row of job.stream('c', range, { pageSize, reverse: true })) {
      inRange.push(hexOf(row.key.bytes))
    }
    expect(inRange).toEqual(['01ff', '01', '0000'])
  })
})

test('a category with the empty key alone is streamed in both directions', async () => {
  const { job } = await openWith([keyOf()])
  expect(await streamed(job, { pageSize: 1 })).toEqual([''])
  expect(await streamed(job, { pageSize: 1, reverse: true })).toEqual([''])
})

test('an empty category ends at once', async () => {
  const { job } = await openWith([])
  expect(await streamed(job)).toEqual([])
  expect(await streamed(job, { reverse: true, pageSize: 1 })).toEqual([])
})

test('keysOnly leaves the payloads out', async () => {
  const { job } = await openWith(KEYS)
  const keys = await all(job.stream('c', keyOf(), { keysOnly: true, pageSize: 2 }))
  expect(keys.map(({ payload }) => hexOf(payload))).toEqual(KEYS.map(() => ''))
  const rows = await all(job.stream('c', keyOf(), { pageSize: 2 }))
  expect(rows.map(({ payload }) => hexOf(payload))).toEqual(HEX)
})

test('payloads larger than a page come one by one', async () => {
  const { job } = await storage.open()
  const sizes = [3_000_000, 1, 2_000_000, 1_048_576, 0, 5]
  for (const [at, size] of sizes.entries()) void job.persistPut('c', key(at), new Uint8Array(size).fill(at))
  const seen: number[] = []
  for await (const row of job.stream('c', keyOf())) seen.push(row.payload.length)
  expect(seen).toEqual(sizes)
})

test.each([
  ['first page reads no other', 1, 1],
  ['second page reads only the one ahead', 3, 3]
])('leaving the loop within the %s, and the job goes on', async (_, rows, pages) => {
  const { job } = await openWith(KEYS)
  let read = 0
  channels.on<RequestTrace>('tracing:persistency:request:start', ({ request }) => {
    if (request === KvScan.name) read++
  })
  const seen: string[] = []
  for await (const row of job.stream('c', keyOf(), { pageSize: 2 })) {
    seen.push(hexOf(row.key.bytes))
    if (seen.length === rows) break
  }
  expect(seen).toEqual(HEX.slice(0, rows))
  await okOf(job.persistPut('c', key(9), utf8('x')))
  expect(await okOf(job.count('c', keyOf()))).toBe(KEYS.length + 1)
  expect(read).toBe(pages)
})

test('leaving it while a page is awaited does not wait for that page', async () => {
  const { job, file } = await storage.open({ maxQueueOps: 1 })
  const lock = holdLock(file)
  const written = [job.persistPut('c', key(1), utf8('x')), job.persistPut('c', key(2), utf8('x'))]
  let released = false
  setTimeout(() => {
    released = true
    lock.release()
  }, 500)
  // Stands in line behind a write that waits for room.
  const rows = job.stream('c', keyOf())[Symbol.asyncIterator]()
  const next = rows.next()
  expect(await rows.return?.()).toEqual({ done: true, value: undefined })
  expect(await next).toEqual({ done: true, value: undefined })
  expect(released).toBe(false)
  await Promise.all(written.map(okOf))
  expect(await okOf(job.count('c', keyOf()))).toBe(2)
})

test('writes between two pages show in the later one', async () => {
  const { job } = await openWith([keyOf(1), keyOf(2), keyOf(3)])
  const seen: string[] = []
  for await (const row of job.stream('c', keyOf(), { pageSize: 1 })) {
    seen.push(hexOf(row.key.bytes))
    if (seen.length > 1) continue
    void job.persistDelete('c', keyOf(2))
    void job.persistPut('c', keyOf(4), utf8('x'))
    // Behind the reader: not seen.
    void job.persistPut('c', keyOf(0), utf8('x'))
  }
  expect(seen).toEqual(['01', '03', '04'])
})

test('a signal that fires between two pages ends it with an error', async () => {
  const { job } = await openWith(KEYS)
  const controller = new AbortController()
  const seen: string[] = []
  const reading = (async () => {
    for await (const row of job.stream('c', keyOf(), { pageSize: 2, signal: controller.signal })) {
      seen.push(hexOf(row.key.bytes))
      if (seen.length === 2) controller.abort()
    }
  })()
  await expect(reading).rejects.toMatchObject({ name: 'PersistencyError', code: 'ERR_ABORTED' })
  expect(seen).toEqual(HEX.slice(0, 2))
})

test('a signal that has fired already ends it before the first row', async () => {
  const { job } = await openWith(KEYS)
  await expect(streamed(job, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ERR_ABORTED' })
})

test('a page that cannot be read ends it with the error of the storage', async () => {
  const { job, file } = await openWith(KEYS)
  execute(file, 'ALTER TABLE kv RENAME TO elsewhere')
  await expect(streamed(job)).rejects.toMatchObject({ kind: 'backend', code: 'ERR_STORAGE' })
})

test('closing the job between two pages ends it with an error', async () => {
  const { job } = await openWith(KEYS)
  const rows = job.stream('c', keyOf(), { pageSize: 1 })[Symbol.asyncIterator]()
  await rows.next()
  await okOf(job.close())
  await expect(rows.next()).rejects.toMatchObject({ code: 'ERR_JOB_CLOSED' })
})

test('two streams at once do not disturb each other', async () => {
  const { job } = await openWith(Array.from({ length: 100 }, (_, n) => key(n)))
  const both = await Promise.all([
    streamed(job, { pageSize: 3 }),
    streamed(job, { pageSize: 7, reverse: true })
  ])
  expect(both[0]).toHaveLength(100)
  expect(both[1]).toEqual([...(both[0] as string[])].reverse())
})

const Counts = defineTable('counts', { key: integer, value: integer })
/** Reads the same rows wrongly: their values are no texts. */
const Texts = defineTable('counts', { key: integer, value: string })

type StreamOf = (opened: Opened, options?: StreamOptions) => PagedStream<unknown>
type Opened = { readonly job: Job; readonly persistency: Persistency }

const STREAMS: readonly (readonly [string, StreamOf])[] = [
  ['of a job', ({ job }, options) => job.stream('counts', keyOf(), options)],
  ['by id', ({ persistency }, options) => persistency.stream('tenant', 'counts', keyOf(), options)],
  ['of a table', ({ job }, options) => job.table(Counts).stream(keyOf(), options)],
  ['of the past', ({ job }, options) => job.at(3).stream('counts', keyOf(), options)],
  ['of a table of the past', ({ job }, options) => job.at(3).table(Counts).stream(keyOf(), options)]
]

describe.each(STREAMS)('a stream %s', (_, streamOf) => {
  async function openCounts(): Promise<Opened> {
    const { job, persistency } = await storage.open({ journal: true })
    for (let n = 0; n < 3; n++) await okOf(job.table(Counts).putAcked(n, n))
    return { job, persistency }
  }

  test('is an Observable as well, for as long as somebody is subscribed', async () => {
    const stream = streamOf(await openCounts(), { pageSize: 1 })
    const iterated = await all(stream)
    expect(iterated).toHaveLength(3)
    expect(await lastValueFrom(stream.toObservable().pipe(toArray()))).toEqual(iterated)
    expect(await lastValueFrom(stream.toObservable().pipe(take(1)))).toEqual(iterated[0])
  })

  test('ends for a caller that waits when it is left', async () => {
    const rows = streamOf(await openCounts())[Symbol.asyncIterator]()
    const next = rows.next()
    expect(await rows.return?.()).toEqual({ done: true, value: undefined })
    expect([await next, await rows.next()]).toEqual(Array(2).fill({ done: true, value: undefined }))
  })

  test('ends with an error when its signal fires, both ways', async () => {
    const opened = await openCounts()
    const stream = streamOf(opened, { signal: AbortSignal.abort() })
    await expect(all(stream)).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(lastValueFrom(stream.toObservable())).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })
})

test('a row that cannot be decoded ends a stream of a table with an error, both ways', async () => {
  const { job } = await storage.open()
  await okOf(job.persistAcked([0, 1, 2].map((n) => Texts.put(n, 'x'))))
  await okOf(job.persistPut('counts', Counts.key(1), Uint8Array.of(0xff)))
  const stream = job.table(Texts).stream()
  const rows = stream[Symbol.asyncIterator]()
  expect(await rows.next()).toEqual({ done: false, value: { key: 0, value: 'x' } })
  const [bad, behind] = [rows.next(), rows.next()]
  await expect(bad).rejects.toMatchObject({ code: 'ERR_VALUE' })
  expect([await behind, await rows.next()]).toEqual(Array(2).fill({ done: true, value: undefined }))
  const seen: unknown[] = []
  const failed = await new Promise<PersistencyError>((resolve) => {
    stream.toObservable().subscribe({ next: (row) => seen.push(row.key), error: resolve })
  })
  expect([seen, failed.code]).toEqual([[0], 'ERR_VALUE'])
})
