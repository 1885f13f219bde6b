import { describe, expect, test } from '@jest/globals'
import { type Job, type Key, key, rawKey } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

const EVERYTHING = { start: rawKey(new Uint8Array(0)) }
const EMPTY_KEY = keyOf()

/** The keys of a whole category, in hex. */
async function keysOf(job: Job, category: string): Promise<string[]> {
  return (await okOf(job.scan(category, EVERYTHING))).map((row) => hexOf(row.key.bytes))
}

async function putAll(job: Job, category: string, keys: readonly Key[]): Promise<void> {
  for (const one of keys) await okOf(job.persistPut(category, one, utf8(hexOf(one.bytes))))
}

describe.each(['in a file', 'in memory'])('rows %s', (place) => {
  const open = async (): Promise<Job> =>
    (await storage.open({}, place === 'in memory' ? ':memory:' : undefined)).job

  test('the last put of a key wins', async () => {
    const job = await open()
    for (const text of ['first', 'second', 'third']) await okOf(job.persistPut('c', key(1), utf8(text)))
    expect(textOf(await okOf(job.get('c', key(1))))).toBe('third')
    expect(await okOf(job.count('c', EVERYTHING))).toBe(1)
  })

  test('a key that is not there has no payload and does not exist', async () => {
    const job = await open()
    expect(await okOf(job.get('c', key('missing')))).toBeUndefined()
    expect(await okOf(job.exists('c', key('missing')))).toBe(false)
    await okOf(job.persistPut('c', key('there'), utf8('x')))
    expect(await okOf(job.exists('c', key('there')))).toBe(true)
    expect(await okOf(job.exists('c', key('ther')))).toBe(false)
  })

  test('a delete removes one row and tells whether it was there', async () => {
    const job = await open()
    await putAll(job, 'c', [key(1), key(2)])
    expect(await okOf(job.deleteAcked('c', key(1)))).toBe(true)
    expect(await okOf(job.deleteAcked('c', key(1)))).toBe(false)
    expect(await okOf(job.count('c', EVERYTHING))).toBe(1)
    expect(textOf(await okOf(job.get('c', key(2))))).toBe(hexOf(key(2).bytes))
  })

  test('keys sort by unsigned bytes, a shorter key before its extensions', async () => {
    const job = await open()
    const sorted = [EMPTY_KEY, keyOf(0), keyOf(0, 0), keyOf(0x7f), keyOf(0x80), keyOf(0xff), keyOf(0xff, 0)]
    await putAll(job, 'c', [...sorted].reverse())
    const hex = sorted.map((one) => hexOf(one.bytes))
    expect(await keysOf(job, 'c')).toEqual(hex)
    const backwards = await okOf(job.scan('c', EVERYTHING, { reverse: true }))
    expect(backwards.map((row) => hexOf(row.key.bytes))).toEqual(hex.reverse())
  })

  test('a range holds its start and not its stop, in both directions', async () => {
    const job = await open()
    await putAll(job, 'c', [keyOf(1), keyOf(2), keyOf(3), keyOf(4)])
    const range = { start: keyOf(2), stop: keyOf(4) }
    const forwards = await okOf(job.scan('c', range))
    expect(forwards.map((row) => hexOf(row.key.bytes))).toEqual(['02', '03'])
    const backwards = await okOf(job.scan('c', range, { reverse: true }))
    expect(backwards.map((row) => hexOf(row.key.bytes))).toEqual(['03', '02'])
    expect(await okOf(job.count('c', range))).toBe(2)
  })

  test.each([
    ['no stop', { start: keyOf(2) }, 3],
    ['an empty stop', { start: keyOf(2), stop: EMPTY_KEY }, 3],
    ['a start behind its stop', { start: keyOf(4), stop: keyOf(2) }, 0],
    ['a start that is its stop', { start: keyOf(2), stop: keyOf(2) }, 0],
    ['a start behind the last key', { start: keyOf(9) }, 0]
  ])('a range with %s', async (_, range, rows) => {
    const job = await open()
    await putAll(job, 'c', [keyOf(1), keyOf(2), keyOf(3), keyOf(4)])
    expect(await okOf(job.scan('c', range))).toHaveLength(rows)
    expect(await okOf(job.scan('c', range, { reverse: true }))).toHaveLength(rows)
    expect(await okOf(job.count('c', range))).toBe(rows)
  })

  test('a category that was never written is empty', async () => {
    const job = await open()
    expect(await okOf(job.count('nothing', EVERYTHING))).toBe(0)
    expect(await okOf(job.scan('nothing', EVERYTHING))).toEqual([])
  })

  test('categories are separate key spaces, whatever text they are', async () => {
    const job = await open()
    const categories = [
      'c',
      'C',
      'cc',
      'ä',
      'a\u0308',
      '日本',
      '\u0000',
      'c\u0000',
      '😀',
      "x'; DROP TABLE kv; --"
    ]
    for (const category of categories) await okOf(job.persistPut(category, key(1), utf8(category)))
    for (const category of categories) {
      expect(textOf(await okOf(job.get(category, key(1))))).toBe(category)
      expect(await keysOf(job, category)).toHaveLength(1)
    }
    await okOf(job.persistDeletePrefix('c', EMPTY_KEY))
    expect(await keysOf(job, 'c')).toEqual([])
    expect(await keysOf(job, 'cc')).toHaveLength(1)
  })

  test('an empty payload, an empty key and an empty category are stored and read', async () => {
    const job = await open()
    const nothing = new Uint8Array(0)
    await okOf(job.persistPut('', EMPTY_KEY, nothing))
    await okOf(job.persistPut('', key(1), utf8('full')))
    expect(await okOf(job.get('', EMPTY_KEY))).toEqual(nothing)
    expect(await okOf(job.exists('', EMPTY_KEY))).toBe(true)
    expect((await okOf(job.scan('', EVERYTHING))).map((row) => row.payload.length)).toEqual([0, 4])
    expect(await okOf(job.deleteAcked('', EMPTY_KEY))).toBe(true)
    expect(await keysOf(job, '')).toEqual([hexOf(key(1).bytes)])
  })

  test('an empty prefix means the whole category and no other', async () => {
    const job = await open()
    await putAll(job, 'c', [EMPTY_KEY, keyOf(0), keyOf(0xff, 0xff)])
    await putAll(job, 'd', [keyOf(0)])
    expect(await okOf(job.scanPrefix('c', EMPTY_KEY))).toHaveLength(3)
    expect(await okOf(job.count('c', EMPTY_KEY))).toBe(3)
    await okOf(job.persistDeletePrefix('c', EMPTY_KEY))
    expect(await okOf(job.count('c', EMPTY_KEY))).toBe(0)
    expect(await okOf(job.count('d', EMPTY_KEY))).toBe(1)
  })

  test.each([
    ['an ordinary prefix', keyOf(1), ['01', '0100', '01ff', '01ffff']],
    ['a prefix that ends in FF', keyOf(1, 0xff), ['01ff', '01ffff']],
    ['a prefix of FF only', keyOf(0xff), ['ff', 'ff00', 'ffff']],
    ['a prefix of several FF', keyOf(0xff, 0xff), ['ffff']],
    ['a prefix that nothing starts with', keyOf(3), []]
  ])('%s covers exactly the keys that start with it', async (_, prefix, covered) => {
    const job = await open()
    const all = ['00', '00ff', '01', '0100', '01ff', '01ffff', '02', 'ff', 'ff00', 'ffff']
    await putAll(
      job,
      'c',
      all.map((hex) => rawKey(Buffer.from(hex, 'hex')))
    )
    const found = await okOf(job.scanPrefix('c', prefix))
    expect(found.map((row) => hexOf(row.key.bytes))).toEqual(covered)
    expect(await okOf(job.count('c', prefix))).toBe(covered.length)
    await okOf(job.persistDeletePrefix('c', prefix))
    expect(await keysOf(job, 'c')).toEqual(all.filter((hex) => !covered.includes(hex)))
  })

  test('payloads of every length around the sizes of frames come back unchanged', async () => {
    const job = await open()
    const lengths = [1, 47, 48, 49, 65_535, 65_536, 65_537, 1_048_576, 5_000_001]
    const payloads = lengths.map((length) => new Uint8Array(length).map((_, at) => (at * 31 + length) & 0xff))
    for (const [at, payload] of payloads.entries()) await okOf(job.persistPut('c', key(at), payload))
    for (const [at, payload] of payloads.entries()) {
      expect(Buffer.compare(Buffer.from(payload), (await okOf(job.get('c', key(at)))) as Uint8Array)).toBe(0)
    }
    const rows = await okOf(job.scan('c', EVERYTHING))
    expect(rows.map((row) => row.payload.length)).toEqual(lengths)
  })

  test('a long key comes back unchanged', async () => {
    const job = await open()
    const long = rawKey(new Uint8Array(200_000).fill(0xab))
    await okOf(job.persistPut('c', long, utf8('x')))
    expect((await okOf(job.scan('c', long)))[0]?.key.equals(long)).toBe(true)
    expect(await okOf(job.deleteAcked('c', long))).toBe(true)
  })

  test('the bytes of an answer belong to the caller', async () => {
    const job = await open()
    const given = utf8('stored')
    await okOf(job.persistPut('c', key(1), given))
    given.fill(0)
    const first = await okOf(job.get('c', key(1)))
    expect(textOf(first)).toBe('stored')
    first?.fill(0)
    expect(textOf(await okOf(job.get('c', key(1))))).toBe('stored')
  })
})
