import { inspect } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  byte,
  char,
  compareKeys,
  enumeration,
  int64,
  Key,
  type KeyPart,
  key,
  keyFromHex,
  rawKey,
  toKey,
  uint64
} from 'persistency'

const hex = (...parts: KeyPart[]): string => key(...parts).toString()
const raw = (digits: string): Key => rawKey(Buffer.from(digits, 'hex'))
const INT64_LOW = -(2n ** 63n)
const INT64_HIGH = 2n ** 63n - 1n

describe('the parts of a key', () => {
  it('encodes strings and bytes as a 2-byte length and their bytes', () => {
    expect(hex('hello')).toBe('000568656c6c6f')
    expect(hex('é')).toBe('0002c3a9')
    expect(hex('')).toBe('0000')
    expect(hex(new Uint8Array([0xde, 0xad]))).toBe('0002dead')
    expect(hex(Buffer.from('hello'))).toBe(hex('hello'))
  })

  it('encodes equal content to equal keys', () => {
    expect(key('topic', 5, true).equals(key('topic', 5n, true))).toBe(true)
    expect(hex('x'.repeat(300))).toBe(hex(['x'.repeat(300)]))
  })

  it('accepts text of 65535 bytes and refuses more, counted in bytes and not in characters', () => {
    expect(key('x'.repeat(65535))).toHaveLength(65537)
    expect(key(new Uint8Array(65535))).toHaveLength(65537)
    expect(key('é'.repeat(32767))).toHaveLength(65536)
    expect(() => key('x'.repeat(65536))).toThrow(/at most 65535 bytes, got 65536/)
    expect(() => key('é'.repeat(32768))).toThrow(/at most 65535 bytes, got 65536/)
    expect(() => key('a', new Uint8Array(70000))).toThrow(/part 1: .* at most 65535 bytes, got 70000/)
    expect(() => key('x'.repeat(65536))).toThrow(RangeError)
  })

  it('encodes signed integers as 8 bytes with the sign bit flipped', () => {
    expect(hex(INT64_LOW)).toBe('0000000000000000')
    expect(hex(-1)).toBe('7fffffffffffffff')
    expect(hex(0)).toBe('8000000000000000')
    expect(hex(-0)).toBe('8000000000000000')
    expect(hex(1n)).toBe('8000000000000001')
    expect(hex(INT64_HIGH)).toBe('ffffffffffffffff')
  })

  it('orders signed integers across zero', () => {
    const ascending = [INT64_LOW, -(2n ** 53n), -1, 0, 1, 2n ** 53n, INT64_HIGH].map((n) => key(n))
    expect(ascending.toReversed().toSorted(compareKeys).map(String)).toEqual(ascending.map(String))
  })

  it('gives a number and the same bigint one encoding', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (n) => expect(hex(n)).toBe(hex(BigInt(n)))))
  })

  it('encodes unsigned integers as 8 plain bytes', () => {
    expect(hex(uint64(5))).toBe('0000000000000005')
    expect(hex(uint64(2n ** 64n - 1n))).toBe('ffffffffffffffff')
  })

  it('encodes bytes, characters and booleans as 1 byte', () => {
    expect(hex(byte(254), char('K'), false, true)).toBe('fe4b0001')
  })

  it('encodes enums as their ordinal, negative ones as well', () => {
    const level = enumeration({ low: -5, high: 7 })
    expect(hex(level('low'))).toBe(hex(-5))
    expect(hex(level('high'))).toBe(hex(7))
  })

  it('takes a key as it is, without a length', () => {
    expect(hex('a', raw('00ff'), 1)).toBe('00016100ff8000000000000001')
    expect(key(rawKey(new Uint8Array(70000)))).toHaveLength(70000)
  })

  it('encodes arrays as their items in order, nested or not', () => {
    expect(hex(['a', 7])).toBe(hex('a', 7))
    expect(hex([['a', [7]], [], true])).toBe(hex('a', 7, true))
    expect(hex([])).toBe('')
  })

  it('carries no type tags, so equal bytes of different types are equal keys', () => {
    expect(hex(byte(1))).toBe(hex(true))
    expect(hex(enumeration('a', 'b', 'c')('c'))).toBe(hex(2))
    expect(hex('ab')).toBe(hex(new Uint8Array([0x61, 0x62])))
    expect(hex(INT64_HIGH)).toBe(hex(uint64(2n ** 64n - 1n)))
    expect(hex('ab')).not.toBe(hex('a', 'b'))
  })
})

describe('what cannot be a part', () => {
  it.each<[string, unknown, RegExp]>([
    ['null', null, /part 1: expected a string.* got null/],
    ['undefined', undefined, /got undefined/],
    ['an object', { a: 1 }, /got an object/],
    ['a Date', new Date(), /got a Date/],
    ['a function', () => 1, /got a function/],
    ['a codec without a value', int64, /got a function/],
    ['a symbol', Symbol('s'), /got a symbol/],
    ['another typed array', new Uint16Array(2), /got an? Uint16Array/],
    ['an ArrayBuffer', new ArrayBuffer(2), /got an ArrayBuffer/],
    ['an array with a hole', new Array(1), /got undefined/],
    ['an array with null', ['a', null], /got null/]
  ])('refuses %s with a TypeError', (_, value, message) => {
    const attempt = () => key('first', value as KeyPart)
    expect(attempt).toThrow(TypeError)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(/^part 1: /)
  })

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])(
    'refuses the number %p with a RangeError',
    (n) => {
      expect(() => key(n)).toThrow(RangeError)
      expect(() => key(n)).toThrow(`part 0: ${n} is not a safe integer; use a bigint`)
    }
  )

  it.each([2n ** 63n, -(2n ** 63n) - 1n])('refuses %p, which is over 64 bits', (n) => {
    expect(() => key(n)).toThrow(RangeError)
    expect(() => key(n)).toThrow(`${n}n`)
    expect(() => key(n)).toThrow('uint64(...)')
  })

  it.each(['\ud800', 'a\udc00', '\ud83d', `${'x'.repeat(100)}\ude00`, '\ude00\ud83d'])(
    'refuses the lone surrogate in %j',
    (text) => {
      expect(() => key(text)).toThrow(RangeError)
      expect(() => key(text)).toThrow(/lone surrogate/)
    }
  )

  it('leaves nothing behind in the next key', () => {
    expect(() => key('a', 'b', 1.5)).toThrow(RangeError)
    expect(hex('c')).toBe('000163')
  })

  it('fails on an array that holds itself', () => {
    const endless: KeyPart[] = []
    endless.push(endless)
    expect(() => key(endless)).toThrow(RangeError)
    expect(hex('c')).toBe('000163')
  })
})

describe('making keys', () => {
  it('concatenates the parts', () => {
    expect(hex('a', 1)).toBe(hex('a') + hex(1))
    expect(key()).toHaveLength(0)
  })

  it('makes the same key of one value with toKey', () => {
    for (const value of ['a', 1, 2n, true, new Uint8Array(3), key('x'), ['a', 1]]) {
      expect(toKey(value).equals(key(value))).toBe(true)
    }
  })

  it('appends parts to a new key and leaves the old one alone', () => {
    const base = key('a')
    const longer = base.append(1, [uint64(2), true], raw('09'))
    expect(longer.toString()).toBe(hex('a', 1, uint64(2), true, raw('09')))
    expect(base.toString()).toBe(hex('a'))
    expect(() => base.append('b', null as never)).toThrow(/part 1/)
  })

  it('copies the bytes of a raw key', () => {
    const bytes = new Uint8Array([1, 2])
    const fromRaw = rawKey(bytes)
    const fromOf = Key.of(bytes)
    bytes[0] = 9
    expect(String(fromRaw)).toBe('0102')
    expect(String(fromOf)).toBe('0102')
  })

  it('makes plain Uint8Array keys of buffers', () => {
    expect(Object.getPrototypeOf(rawKey(Buffer.from('ab')).bytes)).toBe(Uint8Array.prototype)
  })

  it.each(['text', 5, null, undefined, [1, 2], key('a')])('refuses a raw key of %p', (value) => {
    expect(() => rawKey(value as never)).toThrow(TypeError)
  })

  it('makes the key again of its hex', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const made = rawKey(bytes)
        expect(keyFromHex(String(made)).equals(made)).toBe(true)
      })
    )
    expect(String(keyFromHex('00fF'))).toBe('00ff')
    expect(keyFromHex('')).toHaveLength(0)
  })

  it.each([
    ['0', 'an even number of digits, got 1'],
    ['00ff0', 'an even number of digits, got 5'],
    ['0x01', 'not a hex digit: "x" at 1'],
    ['00 ff0', 'not a hex digit: " " at 2'],
    ['00zz', 'not a hex digit: "z" at 2'],
    ['00\n0', 'not a hex digit: "\\n" at 2']
  ])('refuses %j as the hex of a key with a RangeError', (text, names) => {
    expect(() => keyFromHex(text)).toThrow(RangeError)
    expect(() => keyFromHex(text)).toThrow(names)
  })

  it.each([null, undefined, 5, ['00'], new Uint8Array(1), key('a')])('refuses %p as hex', (value) => {
    expect(() => keyFromHex(value as never)).toThrow(TypeError)
    expect(() => keyFromHex(value as never)).toThrow(/^expected hex, got /)
  })

  it('owns its bytes', () => {
    const { bytes } = key('abc')
    expect(bytes.buffer.byteLength).toBe(bytes.length)
    expect(hex('zzzzzzz')).toBe('00077a7a7a7a7a7a7a')
    expect(Buffer.from(bytes).toString('hex')).toBe('0003616263')
  })

  it('encodes keys within getters that are read while a key is encoded', () => {
    const part = ['x']
    Object.defineProperty(part, 0, { get: () => String(key('inner', 'value')) })
    expect(hex('outer', part, 1)).toBe(hex('outer', hex('inner', 'value'), 1))
  })

  it('keeps out what a getter failed to encode', () => {
    const part = ['x']
    const failing = (): string => {
      expect(() => key('inner', 1.5)).toThrow(RangeError)
      return 'caught'
    }
    Object.defineProperty(part, 0, { get: failing })
    expect(hex('outer', part, 1)).toBe(hex('outer', 'caught', 1))
  })
})

describe('Key', () => {
  it('is equal to a key of the same bytes', () => {
    expect(key('a').equals(key('a'))).toBe(true)
    expect(key('a').equals(key('b'))).toBe(false)
    expect(key('a').equals(key('a', 'b'))).toBe(false)
  })

  it('sorts by unsigned bytes, a beginning before what goes on', () => {
    expect(raw('7f').compare(raw('80'))).toBe(-1)
    expect(raw('ff').compare(raw('0000'))).toBe(1)
    expect(key('a').compare(key('a', ''))).toBe(-1)
    expect(compareKeys(key('a'), key('a'))).toBe(0)
  })

  it('sorts strings by length first, then by bytes', () => {
    const sorted = ['aa', 'b', '', 'ab', 'a'].map((text) => key(text)).toSorted(compareKeys)
    expect(sorted.map(String)).toEqual(['', 'a', 'b', 'aa', 'ab'].map((text) => hex(text)))
  })

  it('knows its beginnings', () => {
    expect(key('a', 1).startsWith(key('a'))).toBe(true)
    expect(key('a', 1).startsWith(key())).toBe(true)
    expect(key('a').startsWith(key('a', 1))).toBe(false)
  })

  it('prints as hex', () => {
    expect(`${key('a')}`).toBe('000161')
    expect(JSON.stringify({ key: key('a') })).toBe('{"key":"000161"}')
    expect(inspect(key('a'))).toBe('Key(0001 61)')
    expect(inspect([key()])).toBe('[ Key() ]')
    expect(inspect(rawKey(new Uint8Array(4)))).toBe('Key(0000 0000)')
    expect(inspect(rawKey(new Uint8Array(500)))).toMatch(/^Key\(0000 .* \.\.\. 500 bytes\)$/)
  })

  it('is recognised when another copy of the package made it', () => {
    class ForeignKey {
      readonly bytes = new Uint8Array([7])
      get [Symbol.for('persistency.Key')](): true {
        return true
      }
    }
    const foreign: unknown = new ForeignKey()
    expect(Key.isKey(foreign)).toBe(true)
    expect(hex('a', foreign as Key)).toBe('00016107')
    expect(rawKey(new Uint8Array([7])).equals(foreign as Key)).toBe(true)
  })

  it.each([null, undefined, 'text', new Uint8Array(1), { bytes: new Uint8Array(1) }, {}, Key])(
    'is not %p',
    (value) => {
      expect(Key.isKey(value)).toBe(false)
    }
  )
})
