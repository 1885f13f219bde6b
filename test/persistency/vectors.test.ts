import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import {
  type AnyCodec,
  bool,
  byte,
  bytes,
  type Codec,
  char,
  compareKeys,
  enumeration,
  int64,
  type Key,
  type KeyPart,
  key,
  payload,
  prefixRange,
  rangeIncludes,
  rawKey,
  rest,
  string,
  toKey,
  toPayload,
  tuple,
  uint64
} from 'persistency'

interface Part {
  t: 'string' | 'bytes' | 'i64' | 'u64' | 'bool' | 'byte' | 'char' | 'enum' | 'key' | 'tuple'
  v?: unknown
  vhex?: string
  name?: string
  repeat?: string
  repeatHex?: string
  count?: number
}
interface LongHex {
  hexLen: number
  sha256: string
  hexHead: string
  hexTail: string
}
interface Encoded {
  parts: Part[]
  hex: string | LongHex
}
type Vector = { name: string } & (
  | ({ op: 'key' | 'toKey' | 'payload' | 'toPayload' } & Encoded)
  | ({ op: 'prefixRange'; start: string; stop: string; openEnded: boolean } & Encoded)
  | ({ op: 'prefixMembers'; inside: string[]; outside: string[] } & Encoded)
  | { op: 'compare'; a: Encoded; b: Encoded; lt: boolean; le: boolean; eq: boolean }
  | { op: 'sorted'; keys: Encoded[] }
  | { op: 'error'; parts: Part[]; nimError: string; message: string }
)

const file = new URL('../fixtures/encodings.jsonl', import.meta.url)
const vectors = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector)

const fromHex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))
const toHex = (content: Uint8Array): string => Buffer.from(content).toString('hex')

/** The codec and the value that a part of a vector stands for. */
function described(part: Part): { codec: AnyCodec; value: unknown } {
  const v = part.repeat === undefined ? part.v : part.repeat.repeat(part.count ?? 0)
  switch (part.t) {
    case 'string': {
      const notUtf8 = part.repeatHex?.repeat(part.count ?? 0) ?? part.vhex
      return notUtf8 === undefined ? { codec: string, value: v } : { codec: bytes, value: fromHex(notUtf8) }
    }
    case 'bytes':
      return { codec: bytes, value: fromHex(String(v)) }
    case 'i64':
      return { codec: int64, value: BigInt(String(v)) }
    case 'u64':
      return { codec: uint64, value: BigInt(String(v)) }
    case 'bool':
      return { codec: bool, value: v }
    case 'byte':
      return { codec: byte, value: v }
    case 'char':
      return { codec: char, value: String.fromCharCode(Number(v)) }
    case 'enum': {
      const member = String(part.name)
      return { codec: enumeration({ [member]: Number(v) }), value: member }
    }
    case 'key':
      return { codec: rest, value: fromHex(String(v)) }
    case 'tuple': {
      const items = (part.v as Part[]).map(described)
      return { codec: tuple(...items.map(({ codec }) => codec)), value: items.map(({ value }) => value) }
    }
    default:
      return part.t satisfies never
  }
}

/** A part as an application passes it to `key(...)`. */
function asKeyPart(part: Part): KeyPart {
  if (part.t === 'tuple') return (part.v as Part[]).map(asKeyPart)
  const { codec, value } = described(part)
  if (part.t === 'key') return rawKey(value as Uint8Array)
  // The plain values of JavaScript go in as they are, the others through their codec.
  const isPlain = part.t === 'string' || part.t === 'bytes' || part.t === 'i64' || part.t === 'bool'
  return isPlain ? (value as KeyPart) : (codec as Codec<unknown>)(value)
}

function hasEmbeddedKey(part: Part): boolean {
  return part.t === 'key' || (part.t === 'tuple' && (part.v as Part[]).some(hasEmbeddedKey))
}

/** An embedded key has no length, so it can be decoded at the very end only. */
function isDecodable(parts: readonly Part[]): boolean {
  const last = parts.at(-1)
  return !parts.slice(0, -1).some(hasEmbeddedKey) && (last?.t !== 'tuple' || isDecodable(last.v as Part[]))
}

function expectHex(content: Uint8Array, expected: string | LongHex): void {
  const actual = toHex(content)
  if (typeof expected === 'string') {
    expect(actual).toBe(expected)
    return
  }
  expect(content).toHaveLength(expected.hexLen)
  expect(createHash('sha256').update(content).digest('hex')).toBe(expected.sha256)
  expect(actual.startsWith(expected.hexHead) && actual.endsWith(expected.hexTail)).toBe(true)
}

function keyOf(entry: Encoded): Key {
  const made = key(...entry.parts.map(asKeyPart))
  expectHex(made.bytes, entry.hex)
  return made
}

function check(vector: Vector): void {
  switch (vector.op) {
    case 'key':
      keyOf(vector)
      break
    case 'payload':
      expectHex(payload(...vector.parts.map(asKeyPart)), vector.hex)
      break
    case 'toKey':
    case 'toPayload': {
      expect(vector.parts).toHaveLength(1)
      const part = asKeyPart(vector.parts[0] as Part)
      expectHex(vector.op === 'toKey' ? toKey(part).bytes : toPayload(part), vector.hex)
      break
    }
    case 'prefixRange': {
      const range = prefixRange(keyOf(vector))
      expectHex(range.start.bytes, vector.start)
      expect(range.stop === undefined).toBe(vector.openEnded)
      expectHex(range.stop?.bytes ?? new Uint8Array(), vector.stop)
      break
    }
    case 'prefixMembers': {
      const prefix = keyOf(vector)
      const range = prefixRange(prefix)
      for (const [members, isInside] of [[vector.inside, true] as const, [vector.outside, false] as const]) {
        const keys = members.map((digits) => rawKey(fromHex(digits)))
        expect(keys.filter((member) => rangeIncludes(range, member) !== isInside)).toEqual([])
        expect(keys.filter((member) => member.startsWith(prefix) !== isInside)).toEqual([])
      }
      break
    }
    case 'compare': {
      const a = keyOf(vector.a)
      const b = keyOf(vector.b)
      expect(compareKeys(a, b) < 0).toBe(vector.lt)
      expect(a.compare(b) <= 0).toBe(vector.le)
      expect(compareKeys(a, b) === 0).toBe(vector.eq)
      expect(a.equals(b)).toBe(vector.eq)
      break
    }
    case 'sorted': {
      const keys = vector.keys.map(keyOf)
      const expected = keys.map(String)
      expect(keys.toReversed().toSorted(compareKeys).map(String)).toEqual(expected)
      break
    }
    case 'error': {
      const parts = vector.parts.map(asKeyPart)
      expect(() => key(...parts)).toThrow(RangeError)
      expect(() => payload(...parts)).toThrow(RangeError)
      break
    }
    default:
      vector satisfies never
      throw new Error('a line of an unknown form')
  }
}

describe('the encodings of the original', () => {
  it('come in 255 lines with unique names', () => {
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(255)
  })

  it.each(vectors.map((vector) => [vector.op, vector.name, vector] as const))(
    '%s: %s',
    (_op, _name, vector) => {
      check(vector)
    }
  )
})

describe('the database of the original', () => {
  it('holds keys and payloads that are lines of the file', () => {
    interface StoredRow {
      key: string
      keyVector: string
      payload: string
      payloadVector: string
    }
    const json = readFileSync(new URL('../fixtures/original.db.json', import.meta.url), 'utf8')
    const { rows } = JSON.parse(json) as { rows: StoredRow[] }
    const hexOf = new Map(vectors.map((vector) => [vector.name, 'hex' in vector ? vector.hex : undefined]))
    // The one key that two categories share is made of no line but of these parts.
    hexOf.set(`key("shared", 1'i64)`, String(key('shared', 1)))
    expect(rows).toHaveLength(52)
    for (const row of rows) {
      expect(hexOf.get(row.keyVector)).toBe(row.key)
      expect(hexOf.get(row.payloadVector)).toBe(row.payload)
    }
  })
})

describe('the codecs', () => {
  const encodings = vectors.flatMap((vector) => ('parts' in vector && 'hex' in vector ? [vector] : []))
  const decodable = encodings.filter(({ parts }) => isDecodable(parts))

  it('can express most of the lines', () => {
    expect(decodable.length).toBeGreaterThan(180)
  })

  it.each(decodable.map((vector) => [vector.op, vector.name, vector] as const))(
    'encode and decode %s: %s',
    (_op, _name, { parts, hex }) => {
      const items = parts.map(described)
      const codec = tuple(...items.map((item) => item.codec)) as Codec<unknown>
      const values = items.map((item) => item.value)
      const encoded = codec.encode(values)
      expectHex(encoded, hex)
      expect(codec.decode(encoded)).toEqual(values)
    }
  )
})
