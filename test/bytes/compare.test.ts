import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { bytesEqual, compareBytes, fromHex, startsWithBytes, toHex } from '../../dist/bytes/compare.js'

const someBytes = fc.uint8Array({ maxLength: 6 })

describe('compareBytes', () => {
  it.each([
    ['', '', 0],
    ['', '00', -1],
    ['7f', '80', -1],
    ['ff', '00ff', 1],
    ['6161', '62', -1],
    ['61', '6100', -1],
    ['0102', '0102', 0]
  ])('%p against %p is %p', (a, b, expected) => {
    expect(compareBytes(fromHex(a), fromHex(b))).toBe(expected)
  })

  it('agrees with the order of memcmp', () => {
    fc.assert(
      fc.property(someBytes, someBytes, (a, b) => {
        expect(compareBytes(a, b)).toBe(Buffer.compare(a, b))
        expect(bytesEqual(a, b)).toBe(Buffer.compare(a, b) === 0)
      })
    )
  })
})

describe('startsWithBytes', () => {
  it('holds for every beginning and nothing else', () => {
    expect(startsWithBytes(fromHex('0102'), fromHex(''))).toBe(true)
    expect(startsWithBytes(fromHex('0102'), fromHex('01'))).toBe(true)
    expect(startsWithBytes(fromHex('0102'), fromHex('0102'))).toBe(true)
    expect(startsWithBytes(fromHex('0102'), fromHex('010203'))).toBe(false)
    expect(startsWithBytes(fromHex('0102'), fromHex('02'))).toBe(false)
  })
})

describe('hex', () => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(fromHex(toHex(bytes))).toEqual(bytes)
      })
    )
  })

  it('is read in either case', () => {
    expect([...fromHex('aBFf')]).toEqual([0xab, 0xff])
  })

  it.each(['a', '0g', '0x11', ' 1', '1é'])('refuses %p', (text) => {
    expect(() => fromHex(text)).toThrow(RangeError)
  })
})
