import { describe, expect, test } from '@jest/globals'
import { type Key, rawKey } from 'persistency'
import { NOWHERE, RowCache } from '../../dist/persistency/storage/row-cache.js'
import { hexOf, utf8 } from '../support/storage-results.js'

const CATEGORY = utf8('rows')
const MIB = 1024 * 1024

const keyOf = (n: number, length = 16): Key => rawKey(utf8(String(n).padStart(length, '0')))

const placeOf = (cache: RowCache, category: Uint8Array, key: Key): number =>
  cache.find(category, [key])[0] as number

/** The value of a row in hex, if it is kept. */
function valueIn(cache: RowCache, category: Uint8Array, key: Key): string | undefined {
  const place = placeOf(cache, category, key)
  if (place === NOWHERE) return undefined
  const length = cache.valueLength(place)
  const target = new Uint8Array(length + 8).fill(0xee)
  expect(cache.copyValue(place, new DataView(target.buffer), 5)).toBe(5 + length)
  const copied = hexOf(target)
  expect([copied.slice(0, 10), copied.slice(-6)]).toEqual(['eeeeeeeeee', 'eeeeee'])
  return copied.slice(10, -6)
}

/** Numbers from 0 up to a limit that follow from the seed. */
function numbers(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

const seed = Number(process.env['PERSISTENCY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

describe('a row is', () => {
  test.each([0, 1, 3, 4, 5, 100, 255, 256, 257, 1000])('found with a value of %i bytes', (length) => {
    const cache = new RowCache(MIB)
    const value = Uint8Array.from({ length: length + 7 }, (_, at) => at * 7)
    cache.add(CATEGORY, keyOf(1).bytes, value, 3, 3 + length)
    expect(valueIn(cache, CATEGORY, keyOf(1))).toBe(hexOf(value.subarray(3, 3 + length)))
  })

  test.each([0, 1, 3, 4, 5, 8, 300])('told from others by a key of %i bytes', (length) => {
    const cache = new RowCache(MIB)
    const bytes = new Uint8Array(length)
    cache.add(CATEGORY, bytes, utf8('this'))
    // Whole words are compared, and are filled up with zeros.
    cache.add(CATEGORY, new Uint8Array(length + 1), utf8('longer'))
    cache.add(utf8('rows\0'), bytes, utf8('elsewhere'))
    expect(valueIn(cache, CATEGORY, rawKey(bytes))).toBe(hexOf(utf8('this')))
    expect(valueIn(cache, CATEGORY, rawKey(new Uint8Array(length + 1)))).toBe(hexOf(utf8('longer')))
    expect(valueIn(cache, utf8('rows\0'), rawKey(bytes))).toBe(hexOf(utf8('elsewhere')))
    expect(valueIn(cache, utf8('row'), rawKey(bytes))).toBeUndefined()
  })

  test('the last one that was added under its key, and gone at once when it is dropped', () => {
    const cache = new RowCache(MIB)
    for (const text of ['first', 'second']) cache.add(CATEGORY, keyOf(1).bytes, utf8(text))
    expect(valueIn(cache, CATEGORY, keyOf(1))).toBe(hexOf(utf8('second')))
    cache.drop(CATEGORY, keyOf(1).bytes)
    expect(valueIn(cache, CATEGORY, keyOf(1))).toBeUndefined()
  })

  test('forgotten with all others', () => {
    const cache = new RowCache(MIB)
    expect(cache.isEmpty).toBe(true)
    cache.add(CATEGORY, keyOf(1).bytes, utf8('x'))
    expect(cache.isEmpty).toBe(false)
    cache.clear()
    expect(cache.isEmpty).toBe(true)
    expect(valueIn(cache, CATEGORY, keyOf(1))).toBeUndefined()
    cache.add(CATEGORY, keyOf(2).bytes, utf8('y'))
    expect(valueIn(cache, CATEGORY, keyOf(1))).toBeUndefined()
    expect(valueIn(cache, CATEGORY, keyOf(2))).toBe(hexOf(utf8('y')))
  })

  test.each([
    ['a value of more than a 64th of the memory', 16, MIB / 64],
    ['a key of 64 KiB', 65_536, 1]
  ])('not kept with %s', (_, keyLength, valueLength) => {
    const cache = new RowCache(8 * MIB)
    const small = new RowCache(MIB)
    for (const one of [cache, small]) {
      for (let time = 0; time < 2; time++) {
        one.add(CATEGORY, keyOf(1, keyLength).bytes, new Uint8Array(valueLength))
      }
    }
    expect(valueIn(small, CATEGORY, keyOf(1, keyLength))).toBeUndefined()
    expect(small.isEmpty).toBe(true)
    if (keyLength < 65_536) expect(valueIn(cache, CATEGORY, keyOf(1, keyLength))).toBeDefined()
  })
})

test('a key or category that is too long is not taken for a short one', () => {
  const cache = new RowCache(8 * MIB)
  // In a word for both lengths, the seventeenth bit of one would fall into the other.
  cache.add(utf8('c'), new Uint8Array(8), new Uint8Array(65_536))
  const long = rawKey(new Uint8Array(65_536 + 8))
  expect(valueIn(cache, utf8('c'), long)).toBeUndefined()
  expect(valueIn(cache, new Uint8Array(65_536 + 1), rawKey(new Uint8Array(8)))).toBeUndefined()
})

test('a row that changes again and again takes no more memory', () => {
  const cache = new RowCache(MIB)
  for (let n = 0; n < 3; n++) cache.add(CATEGORY, keyOf(n).bytes, new Uint8Array(1000))
  for (let n = 0; n < 10_000; n++) {
    cache.drop(CATEGORY, keyOf(3).bytes)
    cache.add(CATEGORY, keyOf(3).bytes, new Uint8Array(1000 - (n % 4)))
  }
  for (let n = 0; n < 3; n++) expect(valueIn(cache, CATEGORY, keyOf(n))).toBeDefined()
})

test.each([0, 1, 100])('a cache of %i bytes holds nothing', (bytes) => {
  const cache = new RowCache(bytes)
  cache.add(CATEGORY, keyOf(1).bytes, utf8('x'))
  cache.drop(CATEGORY, keyOf(1).bytes)
  expect(valueIn(cache, CATEGORY, keyOf(1))).toBeUndefined()
})

test('nearly all rows are found that fit, and of more the last ones', () => {
  const cache = new RowCache(4 * MIB)
  const value = new Uint8Array(100)
  const add = (from: number, to: number): void => {
    for (let n = from; n < to; n++) cache.add(CATEGORY, keyOf(n).bytes, value)
  }
  const found = (from: number, to: number): number => {
    const keys = Array.from({ length: to - from }, (_, n) => keyOf(from + n))
    return cache.find(CATEGORY, keys).filter((place) => place !== NOWHERE).length
  }
  add(0, 25_000)
  expect(found(0, 25_000)).toBeGreaterThan(24_800)
  add(25_000, 100_000)
  expect(found(75_000, 100_000)).toBeGreaterThan(24_800)
  expect(found(0, 70_000)).toBe(0)
})

test.each([2000, 20_000, 200_000])(
  `in %i bytes no row is found but as it was added last (seed ${seed})`,
  (bytes) => {
    const below = numbers(seed + bytes)
    const cache = new RowCache(bytes)
    const categories = [CATEGORY, utf8(''), utf8('another')]
    const model = new Map<string, string>()
    let hits = 0
    for (let step = 0; step < 20_000; step++) {
      const number = below(3)
      const category = categories[number] as Uint8Array
      const key = keyOf(below(400), below(2) === 0 ? 3 : 16)
      const name = `${number} ${hexOf(key.bytes)}`
      const what = below(1000)
      if (what === 0) {
        cache.clear()
        model.clear()
      } else if (what < 200) {
        cache.drop(category, key.bytes)
        model.delete(name)
      } else if (what < 600) {
        const value = Uint8Array.from({ length: below(Math.min(300, bytes / 100)) }, () => below(256))
        cache.add(category, key.bytes, value)
        model.set(name, hexOf(value))
      } else {
        const value = valueIn(cache, category, key)
        if (value === undefined) continue
        expect(value).toBe(model.get(name))
        hits++
      }
    }
    expect(hits).toBeGreaterThan(20)
  }
)

test('a large row is kept when it comes again, soon', () => {
  const cache = new RowCache(MIB)
  const value = new Uint8Array(1024)
  const add = (n: number): string | undefined => {
    cache.add(CATEGORY, keyOf(n).bytes, value)
    return valueIn(cache, CATEGORY, keyOf(n))
  }
  expect(add(1)).toBeUndefined()
  expect(add(1)).toBe(hexOf(value))
  expect(add(2)).toBeUndefined()
  for (let n = 0; n < 20_000; n++) add(10 + n)
  expect(add(2)).toBeUndefined()
})

test('more is added than places have numbers for', () => {
  const cache = new RowCache(64 * MIB)
  const value = new Uint8Array(850_000)
  const rows = 5100
  expect(rows * value.length).toBeGreaterThan(2 ** 32)
  for (let n = 0; n < rows; n++) {
    value.fill(n)
    cache.add(CATEGORY, keyOf(n).bytes, value)
    cache.add(CATEGORY, keyOf(n).bytes, value)
    const place = placeOf(cache, CATEGORY, keyOf(n))
    expect(place).not.toBe(NOWHERE)
    if (n % 100 > 0) continue
    expect(cache.valueLength(place)).toBe(value.length)
    expect(valueIn(cache, CATEGORY, keyOf(n))?.slice(-4)).toBe(hexOf(value.subarray(-2)))
    expect(placeOf(cache, CATEGORY, keyOf(n - 100))).toBe(NOWHERE)
  }
})
