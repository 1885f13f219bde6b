/**
 * The growable binary writer behind keys, payloads and thread frames.
 *
 * Owns one buffer and the position in it. Numbers are big endian. It checks room once per call and values never:
 * a number too large for its field is cut to the field, so callers validate first. What a call throws leaves everything
 * that was written before as it was.
 */
import { GIVEN_AWAY, isDetached } from './detached.js'
import { lengthOf } from './length-of.js'
import { encodeUtf8Into } from './utf8.js'

/** A buffer that has grown past this many bytes is dropped once its content is taken. */
const MAX_KEPT_BYTES = 1024 * 1024

/** Whatever fits has a length that is a u32. */
const MAX_BYTES = 0xffff_ffff

/** Copying this many bytes in a loop is faster than setting up a bulk copy. */
const SHORT_COPY = 32

/** Appends binary values to a buffer which grows by doubling. One writer can be used again after each `take`. */
export class ByteWriter {
  readonly #initialBytes: number
  #bytes: Uint8Array
  #view: DataView
  #offset = 0
  /** What travels beside what is written, and where what was written for it ends. */
  readonly #attached: { readonly bytes: Uint8Array; readonly at: number }[] = []

  /** @param initialBytes size of the first buffer, and of the one that replaces an overgrown buffer. */
  constructor(initialBytes: number = 1024) {
    this.#initialBytes = initialBytes
    this.#bytes = new Uint8Array(initialBytes)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Bytes written so far, which is where the next value goes. */
  get offset(): number {
    return this.#offset
  }

  /** Bytes written and attached so far. */
  get size(): number {
    return this.#attached.reduce((sum, { bytes }) => sum + bytes.length, this.#offset)
  }

  /** How many byte values are attached so far. */
  get attachedCount(): number {
    return this.#attached.length
  }

  u8(n: number): void {
    const at = this.#reserve(1)
    this.#bytes[at] = n
  }

  u16(n: number): void {
    const at = this.#reserve(2)
    this.#view.setUint16(at, n)
  }

  u32(n: number): void {
    const at = this.#reserve(4)
    this.#view.setUint32(at, n)
  }

  f64(n: number): void {
    const at = this.#reserve(8)
    this.#view.setFloat64(at, n)
  }

  u64(n: bigint): void {
    const at = this.#reserve(8)
    this.#view.setBigUint64(at, n)
  }

  /** Two's complement, as any binary protocol has it; the sign-flipped form of keys is made by its encoder. */
  i64(n: bigint): void {
    const at = this.#reserve(8)
    this.#view.setBigInt64(at, n)
  }

  /** The bytes alone, without their length. */
  raw(bytes: Uint8Array): void {
    this.#copy(bytes, lengthToCopy(bytes))
  }

  /** A u32 byte length, then the bytes. */
  blob(bytes: Uint8Array): void {
    const length = lengthToCopy(bytes)
    this.u32(length)
    this.#copy(bytes, length)
  }

  /** UTF-8 without its length; answers the number of bytes. A lone surrogate becomes U+FFFD. */
  utf8(text: string): number {
    return this.#encode(text, 0)
  }

  /** A u32 byte length, then UTF-8. A lone surrogate becomes U+FFFD. */
  text(s: string): void {
    const at = this.#offset
    const length = this.#encode(s, 4)
    this.#view.setUint32(at, length)
  }

  /**
   * Bytes that travel beside what is written instead of in it: for large ones that nobody needs here any more. Where the
   * other side is another thread, the whole buffer that they lie in is given away; so it is to be an `ArrayBuffer` that
   * nothing else uses, and the message is to go to one place. Of bytes that fill no more than half of their buffer a copy
   * is attached, and bytes that cannot be given away, such as those of WebAssembly, are copied.
   *
   * @throws TypeError when they lie in shared memory
   */
  attach(bytes: Uint8Array): void {
    if (String(bytes.buffer) !== '[object ArrayBuffer]') {
      throw new TypeError(
        'bytes to be attached must lie in an ArrayBuffer; those in shared memory are to be written'
      )
    }
    this.u32(this.#attached.length)
    const own = lengthOf(bytes) * 2 > bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
    this.#attached.push({ bytes: own, at: this.#offset })
  }

  /**
   * What was attached since this was last asked, in order. Bytes whose memory was given away meanwhile cannot be sent:
   * reading them fails at the other end, and no bytes take their place here.
   */
  takeAttached(): Uint8Array[] {
    if (this.#attached.length === 0) return []
    return this.#attached.splice(0).map(({ bytes, at }) => {
      if (!isDetached(bytes)) return bytes
      this.patchU32(at - 4, GIVEN_AWAY)
      return new Uint8Array(0)
    })
  }

  /** Overwrites two bytes written before, typically a length that was not known then. */
  patchU16(at: number, n: number): void {
    this.#view.setUint16(at, n)
  }

  /** Overwrites four bytes written before, typically a length or a count that was not known then. */
  patchU32(at: number, n: number): void {
    this.#view.setUint32(at, n)
  }

  /** Forgets everything from offset `to` on. */
  rewind(to: number): void {
    this.#offset = to
    while ((this.#attached.at(-1)?.at ?? 0) > to) this.#attached.pop()
  }

  /** Grows the buffer once for so many bytes to come, rather than step by step. */
  makeRoom(count: number): void {
    this.#ensure(count)
  }

  /** What was written between two offsets, sharing memory with the writer: it holds until the next write. */
  written(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to)
  }

  /** Forgets everything; what `written` gave is not to be used any more. */
  clear(): void {
    this.#offset = 0
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#replace(this.#initialBytes)
  }

  /**
   * Everything written, in an `ArrayBuffer` of its own, so that it may be transferred to another thread or kept for
   * ever; the writer is empty afterwards. It is an exactly sized copy, or the buffer itself where that is a large one.
   */
  take(): Uint8Array {
    return this.takeFrom(0)
  }

  /**
   * What was written from offset `start` on, as a copy like that of `take`; the writer goes back to `start`.
   * This lets nested encoders share one writer like a stack.
   */
  takeFrom(start: number): Uint8Array {
    const overgrown = start === 0 && this.#bytes.length > MAX_KEPT_BYTES
    const mostlyFull = this.#offset * 2 > this.#bytes.length
    const taken =
      overgrown && mostlyFull ? this.#bytes.subarray(0, this.#offset) : this.#bytes.slice(start, this.#offset)
    this.#offset = start
    if (overgrown) this.#replace(this.#initialBytes)
    return taken
  }

  /** Writes UTF-8 behind a gap of so many bytes; answers its length. */
  #encode(text: string, gap: number): number {
    if (typeof text !== 'string') throw new TypeError(`text must be a string, not of type ${typeof text}`)
    this.#ensure(gap + text.length * 3)
    const at = this.#offset + gap
    const length = encodeUtf8Into(this.#bytes, at, text)
    this.#offset = at + length
    return length
  }

  #copy(bytes: Uint8Array, length: number): void {
    const at = this.#reserve(length)
    if (length > SHORT_COPY) {
      try {
        this.#bytes.set(bytes, at)
        return
      } catch {
        // Another thread has made them longer since, and they do not fit any more.
      }
    }
    const target = this.#bytes
    for (let i = 0; i < length; i++) target[at + i] = bytes[i] as number
  }

  #reserve(count: number): number {
    const at = this.#offset
    this.#ensure(count)
    this.#offset = at + count
    return at
  }

  #ensure(count: number): void {
    const needed = this.#offset + count
    if (needed <= this.#bytes.length) return
    // Not a number is no size either.
    if (!(needed <= MAX_BYTES)) {
      throw new RangeError(`${needed} bytes are too many for one frame, key or payload`)
    }
    this.#replace(Math.min(Math.max(needed, this.#bytes.length * 2), MAX_BYTES))
  }

  /** Moves what is written into a new buffer of `size` bytes. */
  #replace(size: number): void {
    const bytes = new Uint8Array(size)
    bytes.set(this.#bytes.subarray(0, this.#offset))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }
}

/** Read once, and true where a bulk copy relies on it: elsewhere a `length` that is too large is filled with zeros. */
function lengthToCopy(bytes: Uint8Array): number {
  const length = bytes.length >>> 0
  return length > SHORT_COPY ? lengthOf(bytes) : length
}
