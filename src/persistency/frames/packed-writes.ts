/**
 * Owns the writes that came together in a frame. Most are puts of one row each: those that stand in a row are kept as
 * what they are, a stretch of the frame, until they are stored; an object for each would cost more than storing it.
 */
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { PersistEventPayload } from '../message-payloads.js'
import type { PutOp } from '../types.js'
import { isOnlyPut, skipPutHeader } from './ops-codec.js'
import { PackedWrite } from './packed-write.js'

/** So many puts are taken together at most: as many as one statement stores. */
export const MOST_PUTS = 64

/** The numbers of a write, two f64, which lie behind the id of its job. */
const NUMBERS_BYTES = 16

/** Writes of one put each, with numbers that follow each other. */
export class PackedPuts {
  readonly #frame: ByteReader
  readonly #from: number
  #to: number
  readonly firstSeq: number
  #count = 0
  #bytes = 0

  /** A stretch of the frame that is empty so far. */
  constructor(frame: ByteReader, from: number, firstSeq: number) {
    this.#frame = frame
    this.#from = from
    this.#to = from
    this.firstSeq = firstSeq
  }

  /** How many writes, and operations. */
  get count(): number {
    return this.#count
  }

  get lastSeq(): number {
    return this.firstSeq + this.#count - 1
  }

  /** What they count for in the limits of the queue. */
  get bytes(): number {
    return this.#bytes
  }

  /** Takes in the write that ends at `to`, if it is the next one and there is room. */
  take(seq: number, bytes: number, to: number): boolean {
    if (seq !== this.firstSeq + this.#count || this.#count === MOST_PUTS) return false
    this.#count++
    this.#bytes += bytes
    this.#to = to
    return true
  }

  /** Category, key and payload of each, as SQLite takes them: views on the frame. */
  values(categoryOf: (name: string) => Uint8Array): Uint8Array[] {
    const values = new Array<Uint8Array>(this.#count * 3)
    this.#frame.again(this.#from, this.#to, (reader) => {
      for (let at = 0; at < values.length; ) {
        skipToOps(reader)
        skipPutHeader(reader)
        values[at++] = categoryOf(reader.text())
        values[at++] = reader.blob()
        values[at++] = reader.blob()
      }
    })
    return values
  }

  /** The writes one by one. */
  get writes(): PackedWrite[] {
    return this.#frame.again(this.#from, this.#to, (reader) => {
      const writes: PackedWrite[] = []
      while (!reader.done) writes.push(nextWrite(reader))
      return writes
    })
  }

  /** Their operations. */
  get puts(): PutOp[] {
    return this.writes.map(({ ops }) => ops[0] as PutOp)
  }
}

export class PackedWrites implements Iterable<PersistEventPayload> {
  /** All writes, in order. */
  readonly parts: readonly (PackedPuts | PackedWrite)[]

  /**
   * Takes in all that is left in the frame, each write behind its length.
   *
   * @throws RangeError when there is something else
   */
  constructor(frame: ByteReader) {
    const parts: (PackedPuts | PackedWrite)[] = []
    let puts: PackedPuts | undefined
    while (!frame.done) {
      const from = frame.offset
      const outer = frame.enter(frame.u32())
      frame.skipText()
      const seq = frame.f64()
      const bytes = frame.f64()
      // What somebody else than the job announced has no number.
      if (seq > 0 && isOnlyPut(frame)) {
        if (puts?.take(seq, bytes, frame.offset) !== true) {
          puts = new PackedPuts(frame, from, seq)
          puts.take(seq, bytes, frame.offset)
          parts.push(puts)
        }
      } else {
        puts = undefined
        parts.push(frame.again(from, frame.offset + frame.remaining, nextWrite))
      }
      frame.leave(outer)
    }
    this.parts = parts
  }

  *[Symbol.iterator](): Generator<PersistEventPayload> {
    for (const part of this.parts) {
      if (part instanceof PackedPuts) yield* part.writes
      else yield part
    }
  }
}

/** Reads a write behind its length. */
function nextWrite(reader: ByteReader): PackedWrite {
  const outer = reader.enter(reader.u32())
  const write = new PackedWrite(reader)
  reader.leave(outer)
  return write
}

/** Passes over the length of a write, and over all of it that stands before its operations. */
function skipToOps(reader: ByteReader): void {
  reader.u32()
  reader.skipText()
  reader.skip(NUMBERS_BYTES)
}
