/**
 * Owns a write as it came in a frame. Its operations stay bytes until somebody asks for them: thousands of writes may wait
 * for one transaction, and objects that live that long cost the garbage collector far more than those made when needed.
 */
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { PersistEventPayload } from '../message-payloads.js'
import type { TxOp } from '../types.js'
import { readOps, skipOps } from './ops-codec.js'

export class PackedWrite implements PersistEventPayload {
  readonly seq: number
  readonly bytes: number
  /** How many operations it has. */
  readonly opCount: number
  readonly #frame: ByteReader
  readonly #from: number
  readonly #opsFrom: number
  readonly #to: number

  /**
   * Takes the next write out of a frame.
   *
   * @throws RangeError when it is none
   */
  constructor(frame: ByteReader) {
    this.#frame = frame
    this.#from = frame.offset
    frame.skipText()
    this.seq = frame.f64()
    this.bytes = frame.f64()
    this.#opsFrom = frame.offset
    this.opCount = skipOps(frame)
    this.#to = frame.offset
  }

  get jobId(): string {
    return this.#frame.again(this.#from, this.#opsFrom, readText)
  }

  /** Made anew each time. Keys and payloads are views on the frame. */
  get ops(): readonly TxOp[] {
    return this.#frame.again(this.#opsFrom, this.#to, readOps)
  }
}

const readText = (reader: ByteReader): string => reader.text()
