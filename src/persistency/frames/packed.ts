/**
 * Owns the packed form of rows and payloads: what SQLite puts together in one value, so that many of them cost one call
 * and one buffer. A row is the lengths of its key and payload, then both: `3:5:keyvalue`. A payload alone is `5:value`,
 * and `-` stands for one that is not there. Lengths are decimal, because that is what SQLite writes fastest.
 */
import { copyBytes } from '../../bytes/copy-bytes.js'
import { Key } from '../keys/keys.js'
import type { KvPayloads, KvScanPage } from '../message-payloads.js'
import type { KvRow } from '../types.js'

// Blobs and text are the same bytes in a UTF-8 database.
/** The SQL expression of one packed row. */
export const PACKED_ROW = "octet_length(key) || ':' || octet_length(payload) || ':' || key || payload"
/** The same, without the payload. */
export const PACKED_KEY = "octet_length(key) || ':0:' || key"
/** The SQL expression of one packed payload; of a row that is not there the payload is NULL. */
export const PACKED_PAYLOAD = "coalesce(octet_length(payload) || ':' || payload, '-')"

/** What stands for a payload that is not there. */
export const ABSENT = '-'

const COLON = 0x3a
const HYPHEN = 0x2d
const ZERO = 0x30

/** What the database has packed in parts. The objects are views on these, made when they are asked for, or part by part. */
abstract class Packed<T> {
  readonly parts: readonly Uint8Array[]
  #items: T[] | undefined
  #next = 0

  constructor(parts: readonly Uint8Array[]) {
    this.parts = parts
  }

  protected abstract unpack(part: Uint8Array, items: T[]): void

  protected get items(): T[] {
    while (this.unpackPart());
    this.#items ??= []
    return this.#items
  }

  /** Unpacks the next part; answers whether there was one. */
  unpackPart(): boolean {
    const part = this.parts[this.#next]
    if (part === undefined) return false
    this.#items ??= []
    this.unpack(part, this.#items)
    this.#next++
    return true
  }
}

/** A page as it comes from the database. */
export class PackedPage extends Packed<KvRow> implements KvScanPage {
  readonly more: boolean
  readonly journalSeq: number | undefined

  constructor(parts: readonly Uint8Array[], more: boolean, journalSeq?: number) {
    super(parts)
    this.more = more
    this.journalSeq = journalSeq
  }

  /** The same, with its place in the journal. */
  at(journalSeq: number): PackedPage {
    return new PackedPage(this.parts, this.more, journalSeq)
  }

  get rows(): KvRow[] {
    return this.items
  }

  protected unpack(part: Uint8Array, rows: KvRow[]): void {
    unpackRows(part, rows)
  }
}

/** Payloads as they come from the database. */
export class PackedPayloads extends Packed<Uint8Array | undefined> implements KvPayloads {
  get payloads(): (Uint8Array | undefined)[] {
    return this.items
  }

  protected unpack(part: Uint8Array, payloads: (Uint8Array | undefined)[]): void {
    unpackPayloads(part, payloads)
  }
}

/** What can be unpacked part by part in an answer; `undefined` where nothing is. */
export function packedIn(answer: unknown): PackedPage | PackedPayloads | undefined {
  // Most answers are payloads.
  if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return undefined
  if (answer instanceof Packed) return answer as PackedPage | PackedPayloads
  // That of a request for the past, which is not ready at once.
  const { value } = answer as { readonly value?: unknown }
  return value instanceof Packed ? (value as PackedPage | PackedPayloads) : undefined
}

/** Appends the rows packed in `bytes` to `rows`; they share its memory. */
export function unpackRows(bytes: Uint8Array, rows: KvRow[]): void {
  const unpacker = new Unpacker(bytes)
  while (unpacker.more) rows.push(unpacker.row())
}

/** The key of one packed row; it shares its memory. */
export function keyOf(row: Uint8Array): Key {
  return new Unpacker(row).row().key
}

/** Appends the payloads packed in `bytes` to `payloads`; they share its memory. */
export function unpackPayloads(bytes: Uint8Array, payloads: (Uint8Array | undefined)[]): void {
  const unpacker = new Unpacker(bytes)
  while (unpacker.more) payloads.push(unpacker.absent() ? undefined : unpacker.take(unpacker.length()))
}

/** A row in memory of its own. */
export function copyRow({ key, payload }: KvRow): KvRow {
  return { key: Key.of(key.bytes), payload: new Uint8Array(payload) }
}

/** How many bytes a payload of a length takes when it is packed. */
export function packedSize(length: number): number {
  let digits = 1
  for (let rest = length; rest >= 10; rest = Math.floor(rest / 10)) digits++
  return digits + 1 + length
}

/** Writes what stands in front of a packed payload, and answers where the payload begins. */
export function writePackedLength(target: Uint8Array, to: number, length: number): number {
  const end = to + packedSize(length) - length
  let at = end
  target[--at] = COLON
  let rest = length
  do {
    target[--at] = ZERO + (rest % 10)
    rest = Math.floor(rest / 10)
  } while (at > to)
  return end
}

/** Goes through packed payloads without making views on them. */
export class PackedCursor {
  readonly #parts: readonly Uint8Array[]
  #nextPart = 0
  #unpacker = new Unpacker(new Uint8Array(0))
  #bytes = new Uint8Array(0)
  #start = 0
  #from = 0
  #absent = false

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts
  }

  /** Goes to the next payload, which there must be. */
  next(): this {
    while (!this.#unpacker.more) {
      this.#bytes = this.#parts[this.#nextPart++] as Uint8Array<ArrayBuffer>
      this.#unpacker = new Unpacker(this.#bytes)
    }
    this.#start = this.#unpacker.at
    this.#absent = this.#unpacker.absent()
    const length = this.#absent ? 0 : this.#unpacker.length()
    this.#from = this.#unpacker.at
    this.#unpacker.skip(length)
    return this
  }

  /** How many bytes the present payload takes as it is packed. */
  get size(): number {
    return this.to - this.#start
  }

  /** Whether the present payload is not there. */
  get absent(): boolean {
    return this.#absent
  }

  /** What holds the present payload, between `from` and `to`. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  get from(): number {
    return this.#from
  }

  get to(): number {
    return this.#unpacker.at
  }

  /** Copies the present payload as it is packed, and answers where the copy ends. */
  copyTo(target: Uint8Array, end: number): number {
    return copyBytes(this.#bytes, this.#start, this.to, target, end)
  }
}

class Unpacker {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get more(): boolean {
    return this.#at < this.#bytes.length
  }

  /** Where it stands. */
  get at(): number {
    return this.#at
  }

  /** Whether the next payload is not there; passes over what says so. */
  absent(): boolean {
    if (this.#bytes[this.#at] !== HYPHEN) return false
    this.#at++
    return true
  }

  row(): KvRow {
    const keyLength = this.length()
    const payloadLength = this.length()
    return { key: Key.view(this.take(keyLength)), payload: this.take(payloadLength) }
  }

  length(): number {
    const bytes = this.#bytes
    let value = 0
    let at = this.#at
    for (let byte = bytes[at++]; byte !== COLON; byte = bytes[at++]) {
      const digit = (byte as number) - ZERO
      // Also at the end of the bytes, where the digit is not a number.
      if (!(digit >= 0 && digit <= 9))
        throw new RangeError(`byte ${byte} at ${at - 1} is no digit of a length`)
      value = value * 10 + digit
    }
    this.#at = at
    return value
  }

  take(length: number): Uint8Array {
    const from = this.#at
    this.skip(length)
    const { buffer, byteOffset } = this.#bytes
    return new Uint8Array(buffer, byteOffset + from, length)
  }

  /** Passes over so many bytes, and answers where they end. */
  skip(length: number): number {
    const from = this.#at
    this.#at = from + length
    if (this.#at > this.#bytes.length) {
      throw new RangeError(`${length} packed bytes at ${from} of ${this.#bytes.length}`)
    }
    return this.#at
  }
}
