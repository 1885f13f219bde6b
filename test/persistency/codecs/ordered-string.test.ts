import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compareKeys, key, orderedString, prefixRange, rangeIncludes } from 'persistency'

const fromHex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))

describe('orderedString', () => {
  // Characters where UTF-16 order, UTF-8 order and the escape could disagree.
  const text = fc.string({
    unit: fc.constantFrom('\0', '\u0001', 'a', 'b', 'é', '\uffff', '😀'),
    maxLength: 4
  })
  const byCodePoint = (a: string, b: string): number =>
    Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const points = (value: string): number[] => [...value].map((character) => character.codePointAt(0) ?? 0)

  it('sorts by code point, where string sorts by length first', () => {
    const words = ['b', 'aa', 'a', '', 'a\0', '\uffff', '😀', 'é']
    const sorted = words.toSorted((a, b) => compareKeys(orderedString(a), orderedString(b)))
    expect(sorted).toEqual(['', 'a', 'a\0', 'aa', 'b', 'é', '\uffff', '😀'])
    expect(compareKeys(key('b'), key('aa'))).toBe(-1)
  })

  it('sorts any two texts by code point', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [left, right] = [points(a), points(b)]
        const at = left.findIndex((point, index) => point !== right[index])
        const expected =
          at === -1
            ? Math.sign(left.length - right.length)
            : Math.sign(left[at]! - (right[at] ?? Number.NEGATIVE_INFINITY))
        expect(compareKeys(orderedString(a), orderedString(b))).toBe(expected)
        expect(expected).toBe(byCodePoint(a, b))
      }),
      { numRuns: 2000 }
    )
  })

  it('keeps the order of composite keys, part by part', () => {
    fc.assert(
      fc.property(text, text, fc.integer(), fc.integer(), (a, b, m, n) => {
        const order = compareKeys(key(orderedString(a), m), key(orderedString(b), n))
        expect(order).toBe(byCodePoint(a, b) || Math.sign(m - n))
      }),
      { numRuns: 2000 }
    )
  })

  it('finds every text with a beginning, and no other', () => {
    fc.assert(
      fc.property(text, text, fc.boolean(), (beginning, other, related) => {
        const candidate = related ? beginning + other : other
        const range = prefixRange(key('names', orderedString.prefix(beginning)))
        expect(rangeIncludes(range, key('names', orderedString(candidate), 5))).toBe(
          candidate.startsWith(beginning)
        )
      }),
      { numRuns: 2000 }
    )
  })

  it('holds text of any length', () => {
    const long = 'x\0'.repeat(100_000)
    expect(orderedString.decode(orderedString.encode(long))).toBe(long)
  })

  it.each([
    ['no end', '6162'],
    ['an escape at the end', '6100'],
    ['an unknown escape', '61000262'],
    ['bytes behind the end', '61000161'],
    ['bytes that are not UTF-8', 'ff0001']
  ])('refuses to decode bytes with %s', (_, digits) => {
    expect(() => orderedString.decode(fromHex(digits))).toThrow(RangeError)
  })

  it('refuses a lone surrogate, in a prefix as well', () => {
    expect(() => orderedString('\ud800')).toThrow(RangeError)
    expect(() => orderedString.prefix('\ud800')).toThrow(RangeError)
    expect(() => orderedString.prefix(5 as never)).toThrow(TypeError)
  })
})
