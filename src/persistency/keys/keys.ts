/**
 * Keys: immutable, byte-comparable, composite. Owns the `Key` class and the ways to make one; the encoding of the
 * parts and the ranges of keys have modules of their own.
 */
import { bytesEqual, compareBytes, fromHex, startsWithBytes, toHex } from '../../bytes/compare.js'
import { describeValue } from '../describe.js'
import { encodeParts, isKeyLike, isUint8Array, type KeyLike, type KeyPart, keyBrand } from './key-parts.js'

const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** How many bytes of a key its inspected form shows. */
const INSPECTED_BYTES = 48

/**
 * A finished key. Keys sort by unsigned byte order, a shorter key before a longer one that starts with it; because of
 * the encoding of their parts, keys of one shape sort part by part.
 *
 * Nothing in the bytes says which types the parts had. Give all keys of a category the same shape.
 */
export class Key implements KeyLike {
  /** The encoded form. Shared, not copied: never write into it. */
  readonly bytes: Uint8Array

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /**
   * A key of exactly these bytes, which are copied.
   *
   * @throws TypeError when it is not given a `Uint8Array`.
   */
  static of(bytes: Uint8Array): Key {
    if (!isUint8Array(bytes)) throw new TypeError(`expected a Uint8Array, got ${describeValue(bytes)}`)
    return new Key(new Uint8Array(bytes))
  }

  /** A key over bytes that nobody will change any more, without a copy. @internal */
  static view(bytes: Uint8Array): Key {
    return new Key(bytes)
  }

  /** Whether a value is a key; also true for keys made by another copy of this package in the same process. */
  static isKey(value: unknown): value is Key {
    return isKeyLike(value)
  }

  /** Length in bytes. */
  get length(): number {
    return this.bytes.length
  }

  get [keyBrand](): true {
    return true
  }

  /** Whether both keys have the same bytes. */
  equals(other: KeyLike): boolean {
    return bytesEqual(this.bytes, other.bytes)
  }

  /** -1, 0 or 1 as this key sorts before, with or after the other. */
  compare(other: KeyLike): number {
    return compareBytes(this.bytes, other.bytes)
  }

  /** Whether the bytes of this key begin with those of `prefix`; the empty key begins every key. */
  startsWith(prefix: KeyLike): boolean {
    return startsWithBytes(this.bytes, prefix.bytes)
  }

  /**
   * A longer key: this one followed by more parts.
   *
   * @throws TypeError and RangeError as `key` does.
   */
  append(...parts: readonly KeyPart[]): Key {
    const tail = encodeParts(parts)
    const bytes = new Uint8Array(this.bytes.length + tail.length)
    bytes.set(this.bytes)
    bytes.set(tail, this.bytes.length)
    return new Key(bytes)
  }

  /** Lower-case hex; keys sort like their hex. */
  toString(): string {
    return toHex(this.bytes)
  }

  /** Lower-case hex. */
  toJSON(): string {
    return toHex(this.bytes)
  }

  [inspectCustom](): string {
    const shown = toHex(this.bytes.subarray(0, INSPECTED_BYTES)).replace(/.{4}(?=.)/g, '$& ')
    return this.length > INSPECTED_BYTES ? `Key(${shown} ... ${this.length} bytes)` : `Key(${shown})`
  }
}

/**
 * Builds a key of its parts, in the Nim library's encoding: `key('readings', stationId, 1700000000000)`.
 *
 * A string sorts by its length first ("b" before "aa"); `orderedString` makes parts that sort like a dictionary.
 *
 * @throws TypeError for a part of no known kind (an object needs a codec such as `struct`).
 * @throws RangeError for a number that is no safe integer, a bigint over 64 bits, text or bytes over 65 535 bytes and
 *   text with a lone surrogate. Each names the part by its position.
 */
export function key(...parts: readonly KeyPart[]): Key {
  return Key.view(encodeParts(parts))
}

/** The key of a single value, the same as `key(value)`. Throws as `key` does. */
export function toKey(value: KeyPart): Key {
  return key(value)
}

/**
 * A key of bytes that are encoded already, which are copied: from another system, or what `Key.bytes` gave.
 *
 * @throws TypeError when it is not given a `Uint8Array`.
 */
export function rawKey(bytes: Uint8Array): Key {
  return Key.of(bytes)
}

/**
 * The key that `String(key)` printed. Takes digits of either case; no text is cut off or filled up.
 *
 * @throws RangeError for an odd number of digits, and for what is no digit of hex; TypeError when it is given no text.
 */
export function keyFromHex(text: string): Key {
  if (typeof text !== 'string') throw new TypeError(`expected hex, got ${describeValue(text)}`)
  return Key.view(fromHex(text))
}

/** Sorts keys: `keys.sort(compareKeys)`. */
export function compareKeys(a: KeyLike, b: KeyLike): number {
  return compareBytes(a.bytes, b.bytes)
}
