/** Owns the torture by bytes that no codec has written, and values that no codec takes. */
import { isDeepStrictEqual } from 'node:util'
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
  integer,
  json,
  Key,
  key,
  orderedString,
  payload,
  prefixRange,
  rangeIncludes,
  rawKey,
  rest,
  string,
  struct,
  toKey,
  toPayload,
  tuple,
  uint64
} from 'persistency'
import { check, isErrorNamed } from '../lib/checks.mjs'
import { corpus } from '../lib/corpus.js'
import { hostileValue } from '../lib/hostile-value.js'
import { mutate } from '../lib/mutate.js'
import type { Random } from '../lib/random.js'
import type { Scenario } from '../lib/scenario.js'

const CASES = 4000
const KEPT = corpus('keys')

/** Each codec with a value to start from. Those of one encoding per value give back the bytes they were given. */
const CODECS: readonly (readonly [AnyCodec, unknown, 'one encoding' | 'many encodings'])[] = [
  [int64, -5n, 'one encoding'],
  [uint64, 5n, 'one encoding'],
  [integer, 5, 'one encoding'],
  [byte, 7, 'one encoding'],
  [char, 'x', 'one encoding'],
  [bool, true, 'one encoding'],
  [string, 'text', 'one encoding'],
  [bytes, new Uint8Array([1, 2]), 'one encoding'],
  [rest, new Uint8Array([1, 2]), 'one encoding'],
  [orderedString, 'a\0b', 'one encoding'],
  [enumeration('red', 'green', 'blue'), 'green', 'one encoding'],
  [tuple(string, int64, bool), ['a', 1n, false], 'one encoding'],
  [struct({ name: string, tags: tuple(byte, orderedString) }), { name: 'n', tags: [1, 'b'] }, 'one encoding'],
  [struct({ name: string, left: rest }), { name: 'n', left: new Uint8Array(3) }, 'one encoding'],
  [json(), { a: [1, null, 'x'], b: { c: true } }, 'many encodings']
]

export const hostileBytes: Scenario = {
  name: 'hostile-bytes',
  promise: 'foreign bytes decode to a value that encodes to them, or are refused; foreign values too',
  rounds: { short: 1, long: 150 },
  async round({ random, count }) {
    for (let left = CASES; left > 0; left--) {
      const [codec, value, encodings] = random.pick(CODECS)
      decode(codec as Codec<unknown>, inputFor(codec as Codec<unknown>, value, random), encodings)
      encode(random)
      prefix(random)
    }
    count('decodings', CASES)
    count('encodings of foreign values', CASES)
    count('prefixes', CASES)
    check(Object.keys(Object.prototype).length === 0, 'the prototype of all objects was changed')
  }
}

function inputFor(codec: Codec<unknown>, value: unknown, random: Random): Uint8Array {
  if (random.chance(0.1)) return random.pick(KEPT)
  if (random.chance(0.2)) return random.bytes(random.integer(0, 40))
  return mutate(codec.encode(value), random, random.pick(KEPT))
}

function decode(
  codec: Codec<unknown>,
  input: Uint8Array,
  encodings: 'one encoding' | 'many encodings'
): void {
  let value: unknown
  try {
    value = codec.decode(input)
  } catch (thrown) {
    check(isErrorNamed(thrown, 'RangeError'), `${codec.label} refuses ${hex(input)} with ${stackOf(thrown)}`)
    return
  }
  const again = codec.encode(value)
  const same =
    encodings === 'one encoding' ? hex(again) === hex(input) : isDeepStrictEqual(codec.decode(again), value)
  check(same, `${codec.label} reads ${hex(input)} as what it writes as ${hex(again)}`)
}

/** Whatever is passed to them, encoders answer bytes or throw what they say. */
function encode(random: Random): void {
  const value = hostileValue(random)
  const encoder = random.pick<(value: never) => unknown>([
    (part) => key(part),
    (part) => key('a', part),
    (part) => payload(part),
    (part) => toKey(part),
    (part) => toPayload(part),
    (part) => rawKey(part),
    ...CODECS.map(
      ([codec]) =>
        (part: never) =>
          codec.encode(part)
    )
  ])
  try {
    const encoded = encoder(value as never)
    check(encoded instanceof Key || encoded instanceof Uint8Array, `encoded to ${typeof encoded}`)
  } catch (thrown) {
    const typed = isErrorNamed(thrown, 'TypeError', 'RangeError')
    // Getters of the value itself may throw what they like.
    check(typed || String(thrown).includes('on purpose'), `refused with ${stackOf(thrown)}`)
  }
}

/** A key lies in the range of a prefix exactly when it starts with it. */
function prefix(random: Random): void {
  const start = bytesNearEdges(random)
  const whole = random.chance(0.5)
    ? new Uint8Array([...start, ...bytesNearEdges(random)])
    : bytesNearEdges(random)
  const inside = rangeIncludes(prefixRange(rawKey(start)), rawKey(whole))
  const starts = hex(whole).startsWith(hex(start))
  check(inside === starts, `${hex(whole)} lies ${inside ? 'in' : 'outside of'} the range of ${hex(start)}`)
  const order = Math.sign(compareKeys(rawKey(start), rawKey(whole)))
  check(order === Math.sign(Buffer.compare(start, whole)), `order of ${hex(start)} and ${hex(whole)}`)
}

function bytesNearEdges(random: Random): Uint8Array {
  return Uint8Array.from({ length: random.integer(0, 5) }, () => random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff]))
}

const hex = (content: Uint8Array): string => Buffer.from(content).toString('hex')
const stackOf = (thrown: unknown): string =>
  thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
