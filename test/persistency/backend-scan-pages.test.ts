import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Job, type KvRow, key, rawKey, type TxOp } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute } from '../support/storage-sqlite.js'

const storage = useStorage()
const EVERYTHING = rawKey(new Uint8Array(0))

/** Bytes that text functions could trip over: zeros, line ends, halves of characters, all values. */
const AWKWARD: readonly Uint8Array[] = [
  new Uint8Array(0),
  new Uint8Array([0]),
  new Uint8Array([0, 0, 0]),
  new Uint8Array([0xff, 0xfe, 0xfd]),
  new Uint8Array([0xc3]),
  new Uint8Array([0xe2, 0x82]),
  new Uint8Array([0xed, 0xa0, 0x80]),
  new Uint8Array([0x27, 0x22, 0x5c, 0x0a, 0x25, 0x73]),
  Uint8Array.from({ length: 256 }, (_, n) => n),
  Uint8Array.from({ length: 5000 }, (_, n) => (n * 7) % 256)
]

const put = (bytes: Uint8Array, payload: Uint8Array): TxOp => ({
  kind: 'put',
  category: 'c',
  key: rawKey(bytes),
  payload
})

const hexRows = (rows: readonly KvRow[]): string[] =>
  rows.map(({ key, payload }) => `${hexOf(key.bytes)}=${hexOf(payload)}`)

async function collect(rows: AsyncIterable<KvRow>): Promise<KvRow[]> {
  const all: KvRow[] = []
  for await (const row of rows) all.push(row)
  return all
}

/** Call it in a `describe`: the job that all of its tests read, with that many rows. */
function jobOfRows(count: number): () => Job {
  const lasting = useStorage(afterAll)
  let job: Job
  beforeAll(async () => {
    job = (await lasting.open()).job
    await okOf(job.persist(Array.from({ length: count }, (_, n) => put(key(n).bytes, utf8(`row ${n}`)))))
  })
  return () => job
}

describe('a scan', () => {
  test('brings keys and payloads of any bytes', async () => {
    const { job } = await storage.open()
    const ops = AWKWARD.flatMap((bytes, n) => [put(bytes, AWKWARD[AWKWARD.length - 1 - n] as Uint8Array)])
    await okOf(job.persist(ops))
    const expected = ops
      .map((op) => op.kind === 'put' && `${hexOf(op.key.bytes)}=${hexOf(op.payload)}`)
      .sort()
    const found = await okOf(job.scan('c', EVERYTHING))
    expect(hexRows(found).sort()).toEqual(expected)
    expect(hexRows(await okOf(job.scan('c', EVERYTHING, { reverse: true })))).toEqual(
      hexRows(found).reverse()
    )
    const keys = await okOf(job.scan('c', EVERYTHING, { keysOnly: true }))
    expect(hexRows(keys)).toEqual(found.map((row) => `${hexOf(row.key.bytes)}=`))
    for (const pageSize of [1, 3, 100]) {
      expect(hexRows(await collect(job.stream('c', EVERYTHING, { pageSize })))).toEqual(hexRows(found))
      const back = await collect(job.stream('c', EVERYTHING, { pageSize, reverse: true }))
      expect(hexRows(back)).toEqual(hexRows(found).reverse())
    }
  })

  describe('of 9000 rows', () => {
    const job = jobOfRows(9000)

    test.each([0, 1, 4095, 4096, 4097, 9000])('finds the first %d, in order', async (limit) => {
      const rows = await okOf(job().scan('c', EVERYTHING, { limit }))
      expect(rows.map((row) => textOf(row.payload))).toEqual(
        Array.from({ length: limit }, (_, n) => `row ${n}`)
      )
    })
  })

  test('goes through rows that differ much in size, in pages of about a mebibyte', async () => {
    const { job } = await storage.open()
    const size = (n: number): number => (n % 50 === 7 ? 3_000_000 : n % 10 === 3 ? 200_000 : 40)
    for (let n = 0; n < 120; n++) await okOf(job.persist(put(key(n).bytes, new Uint8Array(size(n)).fill(n))))
    for (const reverse of [false, true]) {
      const rows = await collect(job.stream('c', EVERYTHING, { reverse }))
      expect(rows).toHaveLength(120)
      const pages = new Map<ArrayBufferLike, number>()
      for (const [at, { payload }] of rows.entries()) {
        const n = reverse ? 119 - at : at
        expect([payload.length, payload[0]]).toEqual([size(n), n])
        pages.set(payload.buffer, payload.buffer.byteLength)
      }
      expect(Math.max(...pages.values())).toBeLessThan(1024 * 1024 + 3_000_000 + 100_000)
      expect(pages.size).toBeGreaterThan(2)
    }
    expect(await okOf(job.scan('c', EVERYTHING))).toHaveLength(120)
  })

  test('ends a page with what fits, also where the rows behind it are larger or smaller', async () => {
    const { job } = await storage.open()
    const sizes = [
      ...Array(40).fill(2000),
      ...Array(40).fill(60_000),
      ...Array(400).fill(1100),
      2_500_000,
      10
    ]
    for (const [n, size] of sizes.entries())
      await okOf(job.persist(put(key(n).bytes, new Uint8Array(size).fill(n))))
    for (const pageSize of [undefined, 1, 7, 100, 1000]) {
      for (const reverse of [false, true]) {
        const how = { reverse, ...(pageSize !== undefined && { pageSize }) }
        const rows = await collect(job.stream('c', EVERYTHING, how))
        const expected = sizes.map((size, n) => [n % 256, size])
        expect(rows.map(({ payload }) => [payload[0], payload.length])).toEqual(
          reverse ? expected.reverse() : expected
        )
      }
    }
    const limited = await okOf(job.scan('c', EVERYTHING, { limit: 481 }))
    expect(limited.map(({ payload }) => payload.length)).toEqual(sizes.slice(0, 481))
  })

  test('gives each row memory of its own when asked to copy', async () => {
    const { job } = await storage.open()
    await okOf(job.persist([put(key(1).bytes, utf8('one')), put(key(2).bytes, utf8('two'))]))
    const buffers = (rows: readonly KvRow[]): number =>
      new Set(rows.flatMap(({ key, payload }) => [key.bytes.buffer, payload.buffer])).size
    expect(buffers(await okOf(job.scan('c', EVERYTHING)))).toBe(1)
    const copied = await okOf(job.scan('c', EVERYTHING, { copy: true }))
    expect(buffers(copied)).toBe(4)
    expect(copied.map((row) => textOf(row.payload))).toEqual(['one', 'two'])
    expect(buffers(await collect(job.stream('c', EVERYTHING, { copy: true })))).toBe(4)
    expect((await errorOf(job.scan('c', EVERYTHING, { copy: 1 as never }))).code).toBe('ERR_OPTION')
  })

  test('reads what another program stored as text or numbers', async () => {
    const root = storage.folder()
    const { job, persistency, file } = await storage.open({}, root)
    await okOf(job.persist(put(utf8('a'), utf8('blob'))))
    await okOf(persistency.close())
    execute(file, "INSERT INTO kv VALUES (x'63', x'62', 'grüße'), (x'63', x'64', 42)")
    const again = (await storage.open({}, root)).job
    const rows = await okOf(again.scan('c', EVERYTHING))
    expect(rows.map((row) => textOf(row.payload))).toEqual(['blob', 'grüße', '42'])
  })
})

describe('a stream', () => {
  test('answers calls that are made at once one after the other', async () => {
    const { job } = await storage.open()
    await okOf(job.persist(Array.from({ length: 10 }, (_, n) => put(key(n).bytes, utf8(String(n))))))
    const rows = job.stream('c', EVERYTHING, { pageSize: 3 })[Symbol.asyncIterator]()
    const seen = await Promise.all(Array.from({ length: 12 }, () => rows.next()))
    expect(seen.map(({ value }) => textOf(value?.payload))).toEqual([
      ...Array.from({ length: 10 }, (_, n) => String(n)),
      undefined,
      undefined
    ])
    expect(seen.map(({ done }) => done)).toEqual([...Array<boolean>(10).fill(false), true, true])
  })

  test('ends for good when its loop is left', async () => {
    const { job } = await storage.open()
    await okOf(job.persist(Array.from({ length: 10 }, (_, n) => put(key(n).bytes, utf8(String(n))))))
    const rows = job.stream('c', EVERYTHING, { pageSize: 3 })[Symbol.asyncIterator]()
    await rows.next()
    expect(await rows.return?.()).toEqual({ done: true, value: undefined })
    expect(await rows.next()).toEqual({ done: true, value: undefined })
  })
})

describe('rows that are read together', () => {
  const jobOf300 = jobOfRows(300)

  test.each([0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 100, 500])('come in the order of %d keys', async (count) => {
    const job = jobOf300()
    // With gaps, repeats, and in no order.
    const wanted = Array.from({ length: count }, (_, n) => (n * 7919) % 400)
    const expected = wanted.map((n) => (n < 300 ? `row ${n}` : undefined))
    const many = await okOf(
      job.getMany(
        'c',
        wanted.map((n) => key(n))
      )
    )
    expect(many.map(textOf)).toEqual(expected)
    const each = await Promise.all(wanted.map((n) => okOf(job.get('c', key(n)))))
    expect(each.map(textOf)).toEqual(expected)
  })

  test('see the writes that were made between them', async () => {
    const { job } = await storage.open()
    const answers: Promise<Uint8Array | undefined>[] = []
    for (let n = 0; n < 200; n++) {
      void job.persist(put(key('counter').bytes, utf8(String(n))))
      for (let again = 0; again <= n % 3; again++) answers.push(okOf(job.get('c', key('counter'))))
    }
    const expected = Array.from({ length: 200 }, (_, n) => Array<string>((n % 3) + 1).fill(String(n))).flat()
    expect((await Promise.all(answers)).map(textOf)).toEqual(expected)
  })

  test('keep categories apart', async () => {
    const { job } = await storage.open()
    for (const category of ['a', 'b', 'grüße']) {
      await okOf(job.persistPut(category, key(1), utf8(`in ${category}`)))
    }
    const asked = Array.from({ length: 60 }, (_, n) => ['a', 'b', 'grüße'][Math.floor(n / 7) % 3] as string)
    const found = await Promise.all(asked.map((category) => okOf(job.get(category, key(1)))))
    expect(found.map(textOf)).toEqual(asked.map((category) => `in ${category}`))
  })

  test('hold no more than a little memory besides their own', async () => {
    const { job } = await storage.open()
    await okOf(job.persist(Array.from({ length: 64 }, (_, n) => put(key(n).bytes, new Uint8Array(4096)))))
    const found = await Promise.all(Array.from({ length: 64 }, (_, n) => okOf(job.get('c', key(n)))))
    for (const payload of found) expect(payload?.buffer.byteLength).toBeLessThanOrEqual(16 * 1024)
  })
})

describe('rows that are stored together', () => {
  test.each([1, 15, 16, 17, 40, 333])('are all there, %d of them, the last one winning', async (count) => {
    const { job } = await storage.open()
    for (let n = 0; n < count; n++) void job.persistPut('c', key(n % 10), utf8(`write ${n}`))
    const rows = await okOf(job.scan('c', keyOf()))
    expect(rows).toHaveLength(Math.min(10, count))
    for (const [n, row] of rows.entries()) {
      const last = count - 1 - ((count - 1 - n) % 10)
      expect(textOf(row.payload)).toBe(`write ${last}`)
    }
  })
})
