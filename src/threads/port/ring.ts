/**
 * Owns one direction of small frames between two threads: a ring of bytes in shared memory with one writer and one reader.
 * A frame in it costs two copies and a few atomic reads, where posting one costs microseconds and a system call.
 *
 * A record is `u32 length, u32 sequence number, u32 lane`, then the bytes of the frame, padded to eight bytes; it is
 * contiguous. Where one does not fit before the end of the ring, a length of {@link WRAP} sends the reader to the start.
 * The counters of written and read bytes only grow, modulo 2^32.
 */

/** Room for the records, a power of two. */
const CAPACITY = 64 * 1024

/** Larger frames are posted: transferring their memory costs less than copying it. */
const MAX_FRAME_BYTES = 16 * 1024

/** From this size the memory for a copy is not zeroed first, which takes half a microsecond for 4 KiB. */
const UNZEROED_FROM_BYTES = 1024

const RECORD_HEADER_BYTES = 12
const WRAP = 0xffffffff

/** Places of the counters, each in a cache line of its own. */
const WRITTEN = 0
const READ = 16
const READER = 32
const HEADER_BYTES = 256

/** The state of the reader. */
const Reader = {
  /** It sleeps, or is about to: the writer must call it. */
  asleep: 0,
  /** It looks into the ring again before it sleeps. */
  awake: 1,
  /** It has been called. */
  called: 2
} as const

/** A frame out of the ring. */
export interface RingRecord {
  readonly seq: number
  readonly lane: number
  readonly frame: Uint8Array
}

export function ringMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + CAPACITY)
}

export class RingWriter {
  readonly #counters: Int32Array
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(memory: SharedArrayBuffer) {
    const { counters, bytes, view } = partsOf(memory)
    this.#counters = counters
    this.#bytes = bytes
    this.#view = view
  }

  /** Copies a frame into the ring; `false` when there is no room for it. */
  write(seq: number, lane: number, frame: Uint8Array): boolean {
    if (frame.length > MAX_FRAME_BYTES) return false
    const size = recordSize(frame.length)
    // A plain read: only this side writes the counter.
    let written = this.#counters[WRITTEN] as number
    const used = (written - Atomics.load(this.#counters, READ)) >>> 0
    const at = written & (CAPACITY - 1)
    const skipped = at + size > CAPACITY ? CAPACITY - at : 0
    if (used + skipped + size > CAPACITY) return false
    if (skipped > 0) {
      this.#view.setUint32(at, WRAP)
      written += skipped
    }
    const start = written & (CAPACITY - 1)
    this.#view.setUint32(start, frame.length)
    this.#view.setUint32(start + 4, seq)
    this.#view.setUint32(start + 8, lane)
    this.#bytes.set(frame, start + RECORD_HEADER_BYTES)
    Atomics.store(this.#counters, WRITTEN, (written + size) | 0)
    return true
  }

  /** Whether the reader must be called; `true` once for each time that it sleeps. */
  mustCall(): boolean {
    if (Atomics.load(this.#counters, READER) !== Reader.asleep) return false
    return Atomics.compareExchange(this.#counters, READER, Reader.asleep, Reader.called) === Reader.asleep
  }
}

export class RingReader {
  readonly #counters: Int32Array
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(memory: SharedArrayBuffer) {
    const { counters, bytes, view } = partsOf(memory)
    this.#counters = counters
    this.#bytes = bytes
    this.#view = view
  }

  get empty(): boolean {
    return Atomics.load(this.#counters, WRITTEN) === this.#counters[READ]
  }

  /** Whether the next record is here and has this number. */
  has(seq: number): boolean {
    return !this.empty && this.#view.getUint32(this.#next + 4) === seq
  }

  /** Takes the next record out, if it has this number. */
  take(seq: number): RingRecord | undefined {
    if (!this.has(seq)) return undefined
    const at = this.#next
    const length = this.#view.getUint32(at)
    const lane = this.#view.getUint32(at + 8)
    const frame = copyOf(this.#bytes, at + RECORD_HEADER_BYTES, length)
    const read = this.#counters[READ] as number
    const skipped = (at - read) & (CAPACITY - 1)
    Atomics.store(this.#counters, READ, (read + skipped + recordSize(length)) | 0)
    return { seq, lane, frame }
  }

  /** Where the next record is, if one has been written. */
  get #next(): number {
    const at = (this.#counters[READ] as number) & (CAPACITY - 1)
    return this.#view.getUint32(at) === WRAP ? 0 : at
  }

  /** Promises to look into the ring again before sleeping. */
  wake(): void {
    Atomics.store(this.#counters, READER, Reader.awake)
  }

  /** Withdraws the promise. To be followed by a last look: the writer did not call for what it wrote before. */
  sleep(): void {
    Atomics.store(this.#counters, READER, Reader.asleep)
  }
}

/** The views of the memory. */
function partsOf(memory: SharedArrayBuffer): {
  readonly counters: Int32Array
  readonly bytes: Uint8Array
  readonly view: DataView
} {
  return {
    counters: new Int32Array(memory, 0, HEADER_BYTES / 4),
    bytes: new Uint8Array(memory, HEADER_BYTES),
    view: new DataView(memory, HEADER_BYTES)
  }
}

/** A copy in memory of its own. */
function copyOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  if (length < UNZEROED_FROM_BYTES) return bytes.slice(from, from + length)
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
  copy.set(bytes.subarray(from, from + length))
  return copy
}

function recordSize(length: number): number {
  return (RECORD_HEADER_BYTES + length + 7) & ~7
}
