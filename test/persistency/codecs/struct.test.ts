import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  type AnyCodec,
  bool,
  byte,
  bytes,
  type Codec,
  type CodecInput,
  type CodecValue,
  char,
  enumeration,
  int64,
  integer,
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

enum Mood {
  Calm,
  Happy = 7,
  Angry = -3
}

describe('tuple', () => {
  it('is its items without a frame, nested or not', () => {
    const nested = tuple(string, tuple(integer, tuple(), bool))
    expect(nested.encode(['a', [7, [], true]])).toEqual(payload('a', 7, true))
    const decoded: [string, [number, [], boolean]] = nested.decode(payload('a', 7, true))
    expect(decoded).toEqual(['a', [7, [], true]])
  })

  it('refuses arrays of another length and names the item that fails', () => {
    const pair = tuple(string, integer)
    expect(() => pair.encode(['a'] as never)).toThrow(/expected an array of 2, got one of 1/)
    expect(() => pair.encode(['a', 1, 2] as never)).toThrow(TypeError)
    expect(() => pair.encode(['a', 'b'] as never)).toThrow(/^item 1: expected a number, got the string "b"$/)
    expect(() => pair.encode(['a', 1.5])).toThrow(/^item 1: 1.5 is not a safe integer/)
    expect(() => pair.encode('ab' as never)).toThrow(TypeError)
  })

  it('makes prefixes of whole items: what begins with one has the same first items', () => {
    const three = tuple(orderedString, bytes, tuple(string, uint64))
    const text = fc.string({ unit: fc.constantFrom('a', '\0', '\u0001', '\u00ff'), maxLength: 3 })
    const content = fc.uint8Array({ maxLength: 2, max: 2 })
    const items = fc.tuple(text, content, fc.tuple(text, fc.bigInt({ min: 0n, max: 2n })))
    const alike = (a: unknown, b: unknown): boolean =>
      JSON.stringify(a, jsonSafe) === JSON.stringify(b, jsonSafe)
    fc.assert(
      fc.property(items, items, (first, other) => {
        const prefixes = [
          three.prefix(),
          three.prefix(first[0]),
          three.prefix(first[0], first[1]),
          three.prefix(...first)
        ]
        for (const [length, prefix] of prefixes.entries()) {
          expect(three(first).startsWith(prefix)).toBe(true)
          expect(three(other).startsWith(prefix)).toBe(alike(first.slice(0, length), other.slice(0, length)))
        }
      }),
      { numRuns: 2000 }
    )
  })

  it('makes no prefix of more items than it has, of one that reads all the rest, or of other ones', () => {
    const greedy = tuple(string, tuple(integer, rest))
    expect(greedy.prefix('a')).toEqual(key('a'))
    expect(() => greedy.prefix('a', [1, new Uint8Array(0)])).toThrow(
      /^item 1 reads all the rest \(tuple\(integer, rest\)\), so a prefix must end before it$/
    )
    const pair = tuple(string, integer)
    expect(() => pair.prefix(...(['a', 1, 2] as never))).toThrow('a prefix has at most 2 items, got 3')
    expect(() => pair.prefix('a', 1.5)).toThrow(/^item 1: 1.5 is not a safe integer/)
    expect(() => pair.prefix(5 as never)).toThrow(TypeError)
    expect(tuple().prefix()).toEqual(key())
  })
})

describe('struct', () => {
  const reading = struct({
    station: string,
    at: integer,
    sequence: uint64,
    flags: struct({ valid: bool, mood: enumeration(Mood) }),
    trace: bytes
  })

  it('is its fields in order of declaration', () => {
    const value: CodecInput<typeof reading> = {
      trace: fromHex('01'),
      flags: { mood: Mood.Happy, valid: true },
      sequence: 3,
      at: 1700000000000,
      station: 'ab'
    }
    const expected = payload('ab', 1700000000000, uint64(3), true, 7, fromHex('01'))
    expect(reading.encode(value)).toEqual(expected)
    const decoded: CodecValue<typeof reading> = reading.decode(expected)
    const sequence: bigint = decoded.sequence
    expect(sequence).toBe(3n)
    expect(decoded).toEqual({ ...value, sequence: 3n })
    expect(Object.keys(decoded)).toEqual(['station', 'at', 'sequence', 'flags', 'trace'])
  })

  it('passes over properties that are not declared', () => {
    const value = { a: 1, b: 2 }
    expect(struct({ a: byte }).encode(value)).toEqual(fromHex('01'))
  })

  it('is checked by the compiler', () => {
    // @ts-expect-error a field is missing
    expect(() => struct({ a: byte, b: byte }).encode({ a: 1 })).toThrow(TypeError)
    // @ts-expect-error a field has another type
    expect(() => struct({ a: byte }).encode({ a: 'x' })).toThrow(TypeError)
    // @ts-expect-error a field is not a codec
    expect(() => struct({ a: 5 }).encode({ a: 5 })).toThrow(TypeError)
  })

  it('names the field that fails', () => {
    const outer = struct({ id: byte, inner: struct({ name: string }) })
    expect(() => outer.encode({ id: 1, inner: { name: 5 as never } })).toThrow(
      /^inner: name: expected a string, got the number 5$/
    )
    expect(() => outer.encode({ id: 1, inner: undefined as never })).toThrow(/^inner: expected an object/)
    expect(() => outer.encode({ id: 300, inner: { name: '' } })).toThrow(/^id: 300 is not/)
  })

  it.each(['0', '1', '42', '__proto__'])('refuses a field named %p', (name) => {
    expect(() => struct({ [name]: byte })).toThrow(TypeError)
  })

  it('takes names that only resemble an index', () => {
    const odd = struct({ b: byte, '01': byte, '-1': byte, '1.5': byte, constructor: byte })
    expect(toHex(odd.encode({ b: 1, '01': 2, '-1': 3, '1.5': 4, constructor: 5 }))).toBe('0102030405')
  })

  it('leaves nothing behind in the next encoding after a failure', () => {
    expect(() => struct({ a: string, b: byte }).encode({ a: 'x', b: 999 })).toThrow(RangeError)
    expect([...payload(true)]).toEqual([1])
  })

  it('encodes while a getter of the value encodes something itself', () => {
    const value = {
      a: 'a',
      get b() {
        return payload('inner')
      }
    }
    expect(struct({ a: string, b: bytes }).encode(value)).toEqual(payload('a', payload('inner')))
  })

  it('gives back any value of any composition', () => {
    interface Sample {
      codec: AnyCodec
      value: fc.Arbitrary<unknown>
    }
    const leaf: fc.Arbitrary<Sample> = fc.constantFrom<Sample>(
      { codec: string, value: fc.string({ unit: 'grapheme' }) },
      { codec: orderedString, value: fc.string({ unit: fc.constantFrom('\0', 'a', '\u00ff', '😀') }) },
      { codec: bytes, value: fc.uint8Array() },
      { codec: int64, value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) },
      { codec: uint64, value: fc.bigInt(0n, UINT64_HIGH) },
      { codec: integer, value: fc.maxSafeInteger() },
      { codec: byte, value: fc.nat(255) },
      { codec: char, value: fc.nat(255).map((code) => String.fromCharCode(code)) },
      { codec: bool, value: fc.boolean() },
      { codec: enumeration({ low: -5, none: 0, high: 7 }), value: fc.constantFrom('low', 'none', 'high') }
    )
    const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '_'), minLength: 1, maxLength: 4 })
    const { sample } = fc.letrec<{ sample: Sample; struct: Sample; tuple: Sample }>((tie) => ({
      sample: fc.oneof({ maxDepth: 3, withCrossShrink: true }, leaf, tie('struct'), tie('tuple')),
      struct: fc.dictionary(name, tie('sample'), { maxKeys: 4, noNullPrototype: true }).map((fields) => {
        const entries = Object.entries(fields)
        return {
          codec: struct(Object.fromEntries(entries.map(([field, { codec }]) => [field, codec]))),
          value: fc.record(Object.fromEntries(entries.map(([field, { value }]) => [field, value])))
        }
      }),
      tuple: fc.array(tie('sample'), { maxLength: 4 }).map((items) => ({
        codec: tuple(...items.map(({ codec }) => codec)) as AnyCodec,
        value: fc.tuple(...items.map(({ value }) => value))
      }))
    }))
    const pair = sample.chain(({ codec, value }) => fc.tuple(fc.constant(codec as Codec<unknown>), value))
    fc.assert(
      fc.property(pair, ([codec, value]) => {
        const decoded = codec.decode(codec.encode(value))
        expect(JSON.stringify(decoded, jsonSafe)).toBe(JSON.stringify(value, jsonSafe))
        expect(codec.encode(decoded)).toEqual(codec.encode(value))
      }),
      { numRuns: 500 }
    )
  })

  it('never hangs and throws nothing but RangeErrors on arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
        expect(['decoded', 'refused']).toContain(outcomeOf(input))
      }),
      { numRuns: 1000 }
    )
  })

  it('decodes what is nearly an encoding to what encodes to it, or throws a RangeError', () => {
    const valid = fc.record({
      station: fc.string({ unit: 'grapheme', maxLength: 5 }),
      at: fc.maxSafeInteger(),
      sequence: fc.bigInt(0n, UINT64_HIGH),
      flags: fc.record({ valid: fc.boolean(), mood: fc.constantFrom(Mood.Calm, Mood.Happy, Mood.Angry) }),
      trace: fc.uint8Array({ maxLength: 5 })
    })
    const change = fc.record({ at: fc.nat(), remove: fc.nat(2), insert: fc.uint8Array({ maxLength: 2 }) })
    const outcomes = { decoded: 0, refused: 0 }
    fc.assert(
      fc.property(valid, change, (value, { at, remove, insert }) => {
        const encoded = reading.encode(value)
        const from = at % (encoded.length + 1)
        const rest = encoded.subarray(from + remove)
        outcomes[outcomeOf(Uint8Array.of(...encoded.subarray(0, from), ...insert, ...rest))]++
      }),
      { numRuns: 2000 }
    )
    expect(outcomes.decoded).toBeGreaterThan(200)
    expect(outcomes.refused).toBeGreaterThan(200)
  })

  /** What comes of decoding; throws when something else is thrown than a RangeError, or it is not the way back. */
  function outcomeOf(input: Uint8Array): 'decoded' | 'refused' {
    let value: CodecValue<typeof reading>
    try {
      value = reading.decode(input)
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError)
      return 'refused'
    }
    expect(reading.encode(value)).toEqual(input)
    return 'decoded'
  }
})

function jsonSafe(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  return value instanceof Uint8Array ? toHex(value) : value
}
