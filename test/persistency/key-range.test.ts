import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  bool,
  compareKeys,
  int64,
  type Key,
  type KeyPart,
  key,
  prefixRange,
  rangeIncludes,
  rawKey,
  uint64
} from 'persistency'

const hex = (...parts: KeyPart[]): string => key(...parts).toString()
const raw = (digits: string): Key => rawKey(Buffer.from(digits, 'hex'))
const INT64_LOW = -(2n ** 63n)
const INT64_HIGH = 2n ** 63n - 1n

describe('prefixRange', () => {
  it.each([
    ['000161', '000162'],
    ['00ff', '01'],
    ['01ffff', '02'],
    ['fe', 'ff'],
    ['ff00', 'ff01']
  ])('of %s stops at %s', (prefix, stop) => {
    const range = prefixRange(raw(prefix))
    expect(String(range.start)).toBe(prefix)
    expect(String(range.stop)).toBe(stop)
  })

  it.each(['', 'ff', 'ffff'])('of %p has no stop', (prefix) => {
    expect(prefixRange(raw(prefix))).not.toHaveProperty('stop')
  })

  it('does not change the prefix', () => {
    const prefix = raw('01ff')
    prefixRange(prefix)
    expect(String(prefix)).toBe('01ff')
  })

  it('of a string leaves out longer strings', () => {
    const range = prefixRange(key('a'))
    expect(rangeIncludes(range, key('a'))).toBe(true)
    expect(rangeIncludes(range, key('a', 5))).toBe(true)
    expect(rangeIncludes(range, key('ab'))).toBe(false)
  })

  it('holds exactly the keys that start with the prefix', () => {
    // Few distinct bytes, so that prefixes match often and FF is frequent.
    const few = fc.array(fc.constantFrom(0, 1, 0x7f, 0xfe, 0xff), { maxLength: 4 })
    fc.assert(
      fc.property(few, few, fc.boolean(), (prefixBytes, other, related) => {
        const prefix = rawKey(new Uint8Array(prefixBytes))
        const candidate = rawKey(new Uint8Array(related ? [...prefixBytes, ...other] : other))
        expect(rangeIncludes(prefixRange(prefix), candidate)).toBe(candidate.startsWith(prefix))
      }),
      { numRuns: 2000 }
    )
  })
})

describe('rangeIncludes', () => {
  it('takes the start in and leaves the stop out', () => {
    const range = { start: key(1), stop: key(3) }
    expect([0, 1, 2, 3].map((n) => rangeIncludes(range, key(n)))).toEqual([false, true, true, false])
  })

  it('takes an empty stop for none', () => {
    expect(rangeIncludes({ start: key(1), stop: key() }, key(INT64_HIGH))).toBe(true)
    expect(rangeIncludes({ start: key(1) }, key(INT64_HIGH))).toBe(true)
  })
})

describe('the order of composite keys', () => {
  it('is the order of their parts, field by field', () => {
    const tuple = fc.tuple(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\0'), maxLength: 3 }),
      fc.oneof(fc.bigInt(-3n, 3n), fc.bigInt(INT64_LOW, INT64_HIGH)),
      fc.uint8Array({ maxLength: 2 }),
      fc.boolean(),
      fc.bigInt(0n, 2n ** 64n - 1n)
    )
    const asKey = ([s, i, b, f, u]: [string, bigint, Uint8Array, boolean, bigint]): Key =>
      key(s, [i, b], f, uint64(u))
    const byLength = (a: Uint8Array, b: Uint8Array): number => a.length - b.length || Buffer.compare(a, b)
    fc.assert(
      fc.property(tuple, tuple, (a, b) => {
        const expected =
          byLength(Buffer.from(a[0]), Buffer.from(b[0])) ||
          Number(a[1] > b[1]) - Number(a[1] < b[1]) ||
          byLength(a[2], b[2]) ||
          Number(a[3]) - Number(b[3]) ||
          Number(a[4] > b[4]) - Number(a[4] < b[4])
        expect(compareKeys(asKey(a), asKey(b))).toBe(Math.sign(expected))
      }),
      { numRuns: 2000 }
    )
  })

  it('stays that of the original when parts come from codecs', () => {
    expect(hex(int64(-1), bool(true))).toBe(hex(-1, true))
  })
})
