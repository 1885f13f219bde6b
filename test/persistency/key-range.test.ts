import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  bool,
  compareKeys,
  int64,
  type Key,
  type KeyPart,
  type KeyRange,
  key,
  prefixRange,
  rangeAfter,
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

describe('rangeAfter', () => {
  /** The start, an arrow, and the stop if there is one. */
  const shown = (range: KeyRange | undefined): string | undefined =>
    range && `${range.start}>${range.stop ?? ''}`
  const rangeOf = (text: string): KeyRange => {
    const [start = '', stop] = text.split('>')
    return { start: raw(start), stop: stop === undefined ? undefined : raw(stop) }
  }

  it.each([
    ['behind the key, up to the stop', '01>05', '02ff', '02ff00>05'],
    ['behind the key, without an end', '01', 'ff', 'ff00>'],
    ['an empty stop counts as none', '01>', '03', '0300>'],
    ['all of it behind a key in front', '01>05', '', '01>05'],
    ['nothing behind the last key there can be', '01>0200', '02', undefined],
    ['nothing behind a key further on', '01>05', '07', undefined],
    ['nothing of a range without keys', '05>01', '00', undefined]
  ])('forwards, %s', (_, range, last, rest) => {
    expect(shown(rangeAfter(rangeOf(range), raw(last)))).toBe(rest)
  })

  it.each([
    ['before the key', '01>05', '0200', '01>0200'],
    ['before the key, without an end', '01', 'ff', '01>ff'],
    ['an empty stop counts as none', '01>', '03', '01>03'],
    ['all of it before a key further on', '01>05', '07', '01>05'],
    ['nothing before the first key there can be', '01>05', '01', undefined],
    ['nothing before a key in front', '01>05', '00', undefined],
    ['nothing before the empty key', '', '', undefined],
    ['nothing of a range without keys', '05>01', '07', undefined]
  ])('backwards, %s', (_, range, last, rest) => {
    expect(shown(rangeAfter(rangeOf(range), raw(last), { reverse: true }))).toBe(rest)
  })

  it('takes a prefix for a range', () => {
    const last = key('a', 7)
    expect(shown(rangeAfter(key('a'), last))).toBe(`${last}00>000162`)
    expect(shown(rangeAfter(key('a'), last, { reverse: true }))).toBe(`${key('a')}>${last}`)
    expect(rangeAfter(key('a'), key('b'))).toBe(undefined)
    expect(shown(rangeAfter(key(), last))).toBe(`${last}00>`)
  })

  it('does not keep the memory of the key', () => {
    const page = new Uint8Array([0, 1, 2, 0])
    const last = rawKey(page)
    const rest = rangeAfter({ start: key() }, last, { reverse: true })
    expect(rest?.stop?.bytes.buffer).not.toBe(last.bytes.buffer)
  })

  it('holds the keys of the range that come later, and exists only where there can be some', () => {
    const few = fc.array(fc.constantFrom(0, 1, 0xff), { maxLength: 3 }).map((b) => rawKey(new Uint8Array(b)))
    const range = fc.record({ start: few, stop: fc.option(few, { nil: undefined }) })
    fc.assert(
      fc.property(fc.oneof(range, few), few, few, fc.boolean(), (whole, last, candidate, reverse) => {
        const rest = rangeAfter(whole, last, { reverse })
        const isLater = reverse ? candidate.compare(last) < 0 : candidate.compare(last) > 0
        const isIn = rangeIncludes('start' in whole ? whole : prefixRange(whole), candidate)
        expect(rest !== undefined && rangeIncludes(rest, candidate)).toBe(isLater && isIn)
        expect(rest === undefined || rangeIncludes(rest, rest.start)).toBe(true)
      }),
      { numRuns: 5000 }
    )
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
