/**
 * What may stand in a key or a payload, and how it becomes bytes: the encoding of the Nim library, which has no type
 * tags, so that `true` and the byte 1 are the same key. Knows finished keys by their brand only, not by their class.
 */
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { describeValue } from '../describe.js'
import { inContext } from '../error-context.js'
import { writeInt64 } from './integers.js'
import { requireMemory, writeBytes, writeString } from './length-prefixed.js'
import { encoded } from './scratch.js'

const EXPECTED = 'a string, number, bigint, boolean, Uint8Array, Key or array of these'

/** Marks finished keys. Registered globally: two copies of this package in one process accept each other's keys. */
export const keyBrand: unique symbol = Symbol.for('persistency.Key')

/** A finished key, from this copy of the package or another one. */
export interface KeyLike {
  readonly [keyBrand]: true
  /** Not to be changed. */
  readonly bytes: Uint8Array
}

/**
 * A value that has a place in keys and payloads.
 *
 * | value | bytes |
 * | --- | --- |
 * | string | 2-byte byte length, UTF-8 (at most 65 535 bytes) |
 * | `Uint8Array` | 2-byte length, content (at most 65 535 bytes) |
 * | number (a safe integer), bigint (64 bits, signed) | 8 bytes, big endian, sign bit flipped |
 * | boolean | 1 byte |
 * | `Key` | its bytes as they are: a prefix, or what a codec such as `uint64(5n)` made |
 * | array | its items in order, without a frame |
 */
export type KeyPart = string | number | bigint | boolean | Uint8Array | KeyLike | readonly KeyPart[]

/**
 * The parts one after the other, as bytes that the caller owns.
 *
 * @throws TypeError for a value of any other kind, RangeError for one that does not fit; both name the part.
 */
export function encodeParts(parts: readonly KeyPart[]): Uint8Array {
  return encoded(writeNumberedParts, parts)
}

/** Whether a value is a finished key of any copy of this package. */
export function isKeyLike(value: unknown): value is KeyLike {
  return typeof value === 'object' && value !== null && (value as Partial<KeyLike>)[keyBrand] === true
}

/** Whether a value is a `Uint8Array` (or a `Buffer`), also one of another realm, where `instanceof` fails. */
export function isUint8Array(value: unknown): value is Uint8Array {
  if (!ArrayBuffer.isView(value)) return false
  return value instanceof Uint8Array || (value as Partial<Uint8Array>)[Symbol.toStringTag] === 'Uint8Array'
}

function writeNumberedParts(writer: ByteWriter, parts: readonly KeyPart[]): void {
  let index = 0
  try {
    for (; index < parts.length; index++) writePart(writer, parts[index])
  } catch (error) {
    throw inContext(`part ${index}`, error)
  }
}

function writeKey(writer: ByteWriter, { bytes }: KeyLike): void {
  writer.raw(requireMemory(bytes))
}

function writePart(writer: ByteWriter, part: KeyPart | undefined): void {
  if (typeof part === 'string') writeString(writer, part)
  else if (typeof part === 'number' || typeof part === 'bigint') writeInt64(writer, part)
  else if (typeof part === 'boolean') writer.u8(part ? 1 : 0)
  else if (isKeyLike(part)) writeKey(writer, part)
  else if (isUint8Array(part)) writeBytes(writer, part)
  else if (Array.isArray(part)) for (const item of part as readonly KeyPart[]) writePart(writer, item)
  else throw new TypeError(`expected ${EXPECTED}, got ${describeValue(part)}`)
}
