/**
 * The bounds-checked counterpart of the byte writer.
 *
 * Owns a position in bytes that belong to somebody else. Numbers are big endian. It trusts nothing it reads: every
 * read that would leave the input throws a RangeError and leaves the position where it was.
 */
import { GIVEN_AWAY } from './detached.js'
import { decodeRepeatedUtf8 } from './repeated-text.js'
import { decodeUtf8 } from './utf8.js'

/** Bytes of an input that may stay alive for the sake of any part of it. */
const SMALL_INPUT = 16 * 1024

const NOTHING: readonly Uint8Array[] = []

/** Reads binary values one after the other. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #attached: readonly Uint8Array[]
  /** Where reading must stop: the end of the input, or of the part that was entered. */
  #end: number
  /** How many parts are entered, and the ends of what each of them lies in, from the outside in. */
  #depth = 0
  readonly #outerEnds: number[] = []
  #offset = 0

  /**
   * @param bytes read in place, not copied: they must not change while they are being read.
   * @param attached what the writer attached
   */
  constructor(bytes: Uint8Array, attached: readonly Uint8Array[] = NOTHING) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#end = bytes.length
    this.#attached = attached
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#end - this.#offset
  }

  /** Whether everything has been read. */
  get done(): boolean {
    return this.#offset === this.#end
  }

  u8(): number {
    return this.#bytes[this.#advance(1)] as number
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2))
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4))
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8))
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8))
  }

  /** Two's complement. */
  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8))
  }

  /** The next `n` bytes, sharing memory with the input; always a plain `Uint8Array`, also over a `Buffer`. */
  view(n: number): Uint8Array {
    const at = this.#advance(n)
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + at, n)
  }

  /**
   * The next `n` bytes to keep: a view if the whole input is small, a copy if it is not. Either way keeping them
   * keeps little else; a copy of a few bytes costs much more than a view.
   */
  keep(n: number): Uint8Array {
    const bytes = this.view(n)
    return this.#bytes.length <= SMALL_INPUT ? bytes : bytes.slice()
  }

  /** Bytes that the writer attached: not part of the input, and in memory of their own. */
  attached(): Uint8Array {
    const index = this.u32()
    const bytes = this.#attached[index]
    if (bytes !== undefined) return bytes
    if (index === GIVEN_AWAY) throw new RangeError('attached bytes were given away before they were sent')
    throw new RangeError(`truncated: needed ${index + 1} attached byte values, of ${this.#attached.length}`)
  }

  /** A u32 byte length, then that many bytes, sharing memory with the input. */
  blob(): Uint8Array {
    return this.view(this.#length())
  }

  /**
   * The next `n` bytes as UTF-8; a byte order mark stays part of the text.
   *
   * @throws RangeError when they are not valid UTF-8.
   */
  utf8(n: number): string {
    const at = this.#advance(n)
    return decodeUtf8(this.#bytes, at, at + n)
  }

  /**
   * A u32 byte length, then that many bytes of UTF-8.
   *
   * @throws RangeError when they are not valid UTF-8.
   */
  text(): string {
    const length = this.#length()
    const at = this.#advance(length)
    return decodeRepeatedUtf8(this.#bytes, at, at + length)
  }

  /** Passes over a `text` or a `blob`. */
  skipText(): void {
    this.#advance(this.#length())
  }

  /** Reads a part of the input that has been read before, and comes back to where it is. */
  again<T>(from: number, to: number, read: (reader: ByteReader) => T): T {
    const offset = this.#offset
    const end = this.#end
    const depth = this.#depth
    this.#offset = from
    this.#end = to
    try {
      return read(this)
    } finally {
      this.#offset = offset
      this.#end = end
      this.#depth = depth
    }
  }

  /** Passes over `n` bytes. */
  skip(n: number): void {
    this.#advance(n)
  }

  /**
   * How many bytes lie before the next one of this value.
   *
   * @throws RangeError when there is none.
   */
  distanceTo(byte: number): number {
    const at = this.#bytes.indexOf(byte, this.#offset)
    if (at === -1 || at >= this.#end) {
      throw new RangeError(`truncated: no byte ${byte} from offset ${this.#offset} on, of ${this.#end}`)
    }
    return at - this.#offset
  }

  /**
   * Narrows reading to the next `n` bytes, so that whoever reads them cannot go past; answers what `leave` needs.
   * Cheaper than a second reader over a view.
   */
  enter(n: number): number {
    if (n > this.remaining) throw this.#truncated(n)
    const depth = this.#depth++
    this.#outerEnds[depth] = this.#end
    this.#end = this.#offset + n
    return depth
  }

  /**
   * Widens reading again and goes to the end of the part that was entered, read or not. Parts within it that were not
   * left, because reading them failed, are left, too.
   */
  leave(depth: number): void {
    const inner = depth + 1
    this.#offset = inner < this.#depth ? (this.#outerEnds[inner] as number) : this.#end
    this.#end = this.#outerEnds[depth] as number
    this.#depth = depth
  }

  #advance(count: number): number {
    const at = this.#offset
    const end = at + count
    if (end > this.#end) throw this.#truncated(count)
    this.#offset = end
    return at
  }

  /** A u32 length of what follows. When that is not all there, the position is where it was. */
  #length(): number {
    const start = this.#offset
    const length = this.u32()
    if (length <= this.remaining) return length
    const error = this.#truncated(length)
    this.#offset = start
    throw error
  }

  #truncated(needed: number): RangeError {
    return new RangeError(`truncated: needed ${needed} bytes at offset ${this.#offset} of ${this.#end}`)
  }
}
