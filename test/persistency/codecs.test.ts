import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  type AnyCodec,
  bool,
  byte,
  bytes,
  type Codec,
  char,
  defineCodec,
  enumeration,
  int64,
  integer,
  json,
  Key,
  key,
  orderedString,
  payload,
  rest,
  string,
  struct,
  tuple,
  uint64
} from 'persistency'

const fromHex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const toHex = (content: Uint8Array): string => Buffer.from(content).toString('hex')
const UINT64_HIGH = 2n ** 64n - 1n

describe('every codec', () => {
  const cases: [AnyCodec, unknown, string][] = [
    [int64, -1n, '7fffffffffffffff'],
    [uint64, 5n, '0000000000000005'],
    [integer, -257, '7ffffffffffffeff'],
    [byte, 254, 'fe'],
    [char, 'é', 'e9'],
    [bool, true, '01'],
    [string, 'zürich', '00077ac3bc72696368'],
    [bytes, fromHex('cafe'), '0002cafe'],
    [rest, fromHex('cafe'), 'cafe'],
    [enumeration('red', 'green'), 'green', '8000000000000001'],
    [tuple(string, bool), ['a', true], '00016101'],
    [struct({ s: string, n: tuple(byte) }), { s: 'a', n: [9] }, '00016109'],
    [json(), { a: [1, null] }, toHex(Buffer.from('{"a":[1,null]}'))],
    [orderedString, 'a\0b', '6100ff620001']
  ]

  it.each(cases.map(([codec, value, hex]) => [codec.label, codec as Codec<unknown>, value, hex] as const))(
    '%s encodes, decodes and makes key parts',
    (_label, codec, value, hex) => {
      const encoded = codec.encode(value)
      expect(toHex(encoded)).toBe(hex)
      expect(encoded.buffer.byteLength).toBe(encoded.length)
      expect(codec.decode(encoded)).toEqual(value)
      expect(codec.decode(Buffer.from(encoded))).toEqual(value)
      expect(Key.isKey(codec(value))).toBe(true)
      expect(String(key('x', codec(value)))).toBe(`000178${hex}`)
      expect(toHex(payload('x', codec(value)))).toBe(`000178${hex}`)
    }
  )

  it.each(cases.map(([codec, value]) => [codec.label, codec as Codec<unknown>, value] as const))(
    '%s refuses truncated and overlong bytes',
    (_label, codec, value) => {
      if (codec.greedy) return expect(codec.decode(codec.encode(value))).toEqual(value)
      const encoded = codec.encode(value)
      for (let length = 0; length < encoded.length; length++) {
        expect(() => codec.decode(encoded.subarray(0, length))).toThrow(RangeError)
      }
      const overlong = new Uint8Array([...encoded, 0])
      expect(() => codec.decode(overlong)).toThrow(RangeError)
      expect(() => codec.decode(overlong)).toThrow(/cannot decode .*: 1 of \d+ bytes are left over/)
    }
  )

  it.each(cases.map(([codec]) => [codec.label, codec as Codec<unknown>] as const))(
    '%s refuses values of other types with a TypeError or RangeError',
    (_label, codec) => {
      for (const value of [undefined, Symbol('s'), () => 1]) {
        expect(() => codec.encode(value)).toThrow(/expected|is not in|cannot express/)
      }
      expect(() => codec.decode(undefined as never)).toThrow(/expected a Uint8Array, got undefined/)
    }
  )

  it('decodes bytes that share no memory with the input', () => {
    for (const codec of [bytes, rest]) {
      const input = codec.encode(fromHex('010203'))
      const decoded = codec.decode(input)
      input.fill(0xff)
      expect(toHex(decoded)).toBe('010203')
      expect(decoded.buffer.byteLength).toBe(3)
    }
  })

  it('names what is missing of truncated bytes', () => {
    expect(() => struct({ a: byte, b: integer }).decode(fromHex('0100'))).toThrow(
      /^cannot decode struct\(a, b\): b: truncated: needed 4 bytes at offset 1 of 2$/
    )
  })
})

describe('int64 and uint64', () => {
  it('take numbers and bigints and give bigints', () => {
    expect(int64.decode(int64.encode(-5))).toBe(-5n)
    expect(uint64.decode(uint64.encode(5))).toBe(5n)
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (n) =>
        expect(int64.decode(int64.encode(n))).toBe(n)
      )
    )
    fc.assert(fc.property(fc.bigInt(0n, UINT64_HIGH), (n) => expect(uint64.decode(uint64.encode(n))).toBe(n)))
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) =>
        expect(toHex(uint64.encode(n))).toBe(toHex(uint64.encode(BigInt(n))))
      )
    )
  })

  it.each([-1, -1n, UINT64_HIGH + 1n, 1.5, 2 ** 53, Number.NaN])('uint64 refuses %p', (n) => {
    expect(() => uint64(n)).toThrow(RangeError)
  })

  it.each([2n ** 63n, -(2n ** 63n) - 1n, 1.5, 2 ** 53])('int64 refuses %p', (n) => {
    expect(() => int64(n)).toThrow(RangeError)
  })

  it.each(['5', null, true, {}])('refuse %p with a TypeError', (value) => {
    expect(() => int64(value as never)).toThrow(TypeError)
    expect(() => uint64(value as never)).toThrow(TypeError)
  })
})

describe('integer', () => {
  it('gives back every safe integer', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (n) => expect(integer.decode(integer.encode(n))).toBe(n)))
    for (const n of [Number.MIN_SAFE_INTEGER, -(2 ** 32), -1, 0, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(integer.decode(integer.encode(n))).toBe(n)
    }
  })

  it.each([2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)])(
    'refuses to decode %p, which is not safe, and names it',
    (n) => {
      expect(() => integer.decode(int64.encode(n))).toThrow(RangeError)
      expect(() => integer.decode(int64.encode(n))).toThrow(`${n}n is not a safe integer`)
    }
  )

  it('refuses a bigint', () => {
    expect(() => integer(5n as never)).toThrow(TypeError)
  })
})

describe('byte, char and bool', () => {
  it.each([-1, 256, 1.5, Number.NaN])('byte and char refuse the code %p', (n) => {
    expect(() => byte(n)).toThrow(RangeError)
    expect(() => char(n)).toThrow(RangeError)
  })

  it('char takes a code as well', () => {
    expect(char.decode(char.encode(0x4b))).toBe('K')
  })

  it.each(['', 'ab', '€', '😀'])('char refuses %j', (text) => {
    expect(() => char(text)).toThrow(RangeError)
  })

  it('bool refuses any byte but 0 and 1, and any value but a boolean', () => {
    expect(() => bool.decode(fromHex('02'))).toThrow(/expected the byte 0 or 1, got 2/)
    expect(() => bool(1 as never)).toThrow(TypeError)
  })
})

describe('string and bytes', () => {
  it('hold up to 65535 bytes', () => {
    expect(string.decode(string.encode('é'.repeat(32767)))).toBe('é'.repeat(32767))
    expect(() => string('é'.repeat(32768))).toThrow(/got 65536/)
    expect(() => bytes(new Uint8Array(65536))).toThrow(/got 65536/)
  })

  it('refuses to decode text that is not UTF-8, which bytes can read', () => {
    expect(() => string.decode(fromHex('0003ff00fe'))).toThrow(RangeError)
    expect(toHex(bytes.decode(fromHex('0003ff00fe')))).toBe('ff00fe')
  })

  it('keeps a byte order mark', () => {
    expect(string.decode(string.encode('\ufeffx'))).toBe('\ufeffx')
  })

  it('refuses a lone surrogate', () => {
    expect(() => string('\udfff')).toThrow(RangeError)
  })
})

describe('rest', () => {
  it('takes keys and bytes of any length', () => {
    expect(rest.encode(key('a', 1))).toEqual(key('a', 1).bytes)
    expect(rest.decode(rest.encode(new Uint8Array(100_000)))).toHaveLength(100_000)
    expect(rest.decode(new Uint8Array())).toHaveLength(0)
  })

  it.each([rest, json(), struct({ a: byte, tail: rest }), tuple(byte, json())] as AnyCodec[])(
    'can only be the last of a struct or tuple',
    (codec) => {
      expect(() => struct({ tail: codec, n: byte })).toThrow(TypeError)
      expect(() => tuple(codec, byte)).toThrow(TypeError)
      expect(() => struct({ n: byte, tail: codec })).not.toThrow()
    }
  )
})

describe('json', () => {
  it('can end a struct', () => {
    const document = struct({ version: byte, body: json<{ tags: string[] }>() })
    const tags: string[] = document.decode(document.encode({ version: 1, body: { tags: ['ü'] } })).body.tags
    expect(tags).toEqual(['ü'])
  })

  it.each([undefined, () => 1, 5n])('refuses %p, which JSON cannot express', (value) => {
    expect(() => json().encode(value)).toThrow(TypeError)
  })

  it.each(['', '7b', 'ff', '317d'])('refuses to decode %p, which is not JSON', (digits) => {
    expect(() => json().decode(fromHex(digits))).toThrow(RangeError)
  })
})

describe('bytes that are not there', () => {
  const given = (): Uint8Array => {
    const bytes = new Uint8Array([1, 2, 3])
    structuredClone(bytes, { transfer: [bytes.buffer] })
    return bytes
  }

  it('are refused, where no bytes at all are fine', () => {
    for (const encode of [
      key,
      payload,
      (b: Uint8Array) => bytes.encode(b),
      (b: Uint8Array) => rest.encode(b)
    ]) {
      expect(() => encode(given())).toThrow('was given to another thread')
      expect(() => encode(new Uint8Array(0))).not.toThrow()
    }
  })

  it('are refused where they are attached, since a payload is in one piece', () => {
    const image = defineCodec<Uint8Array>({
      label: 'image',
      write: (writer, value) => writer.attach(value),
      read: (reader) => reader.attached()
    })
    for (const size of [100_000, 0]) {
      expect(() => image.encode(new Uint8Array(size))).toThrow('bytes in one piece')
    }
    expect([...key('a').bytes]).toEqual([0, 1, 0x61])
  })
})
