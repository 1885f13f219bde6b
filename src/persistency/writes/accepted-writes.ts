/**
 * Owns the writes of a job that are accepted and not known to be committed, in order. There may be a hundred thousand of
 * them, and what lives that long is copied by the garbage collector more than once; so no more is kept of a write than
 * its operations, and of one with a single operation only that.
 */

import { Fifo } from '../../runtime/fifo.js'
import type { PersistencyError } from '../errors.js'
import type { WriteOps } from '../write-ops.js'

export interface AcceptedWrite {
  readonly seq: number
  readonly ops: WriteOps
  /** What it counts for in the limits of a queue. */
  readonly bytes: number
  /** Who waits for its commit. */
  readonly acknowledge: Acknowledge | undefined
}

/**
 * Learns how an accepted write ended: `undefined` when it was committed. Answers whether its caller learns of it; one that
 * has given up does not.
 */
export type Acknowledge = (error: PersistencyError | undefined, write: AcceptedWrite) => boolean

export class AcceptedWrites {
  /** In the order of their numbers; a write that failed before those in front of it were decided leaves a gap. */
  readonly #ops = new Fifo<WriteOps | undefined>()
  /** Kept, not computed again: a payload whose memory was given away since has no length any more. */
  readonly #bytes = new Fifo<number>()
  readonly #acknowledgements = new Fifo<Acknowledge | undefined>()
  #lastSeq = 0

  /** Number of the last write that was accepted; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Answers the number of the write. */
  push(ops: WriteOps, bytes: number, acknowledge: Acknowledge | undefined): number {
    this.#ops.push(ops)
    this.#bytes.push(bytes)
    this.#acknowledgements.push(acknowledge)
    return ++this.#lastSeq
  }

  /** Takes out the first write, if its number is at most `lastSeq`. */
  shiftUpTo(lastSeq: number): AcceptedWrite | undefined {
    for (let seq = this.#firstSeq; seq <= lastSeq && this.#ops.size > 0; seq++) {
      const ops = this.#ops.shift()
      const bytes = this.#bytes.shift() as number
      const acknowledge = this.#acknowledgements.shift()
      if (ops !== undefined) return { seq, ops, bytes, acknowledge }
    }
    return undefined
  }

  /**
   * Takes out the first writes up to one that somebody waits for, if their numbers are at most `lastSeq`, and passes on
   * what they count for. There may be many at once: no object is made of them.
   */
  dropUpTo(lastSeq: number, release: (ops: WriteOps, bytes: number) => void): void {
    let left = Math.min(this.#ops.size, lastSeq - this.#firstSeq + 1)
    for (; left > 0 && this.#acknowledgements.first === undefined; left--) {
      const ops = this.#ops.shift()
      const bytes = this.#bytes.shift() as number
      this.#acknowledgements.shift()
      if (ops !== undefined) release(ops, bytes)
    }
  }

  /** Takes out one write, wherever it is. */
  take(seq: number): AcceptedWrite | undefined {
    const position = seq - this.#firstSeq
    const ops = this.#ops.replace(position, undefined)
    if (ops === undefined) return undefined
    const bytes = this.#bytes.at(position) as number
    const acknowledge = this.#acknowledgements.replace(position, undefined)
    this.#dropGaps()
    return { seq, ops, bytes, acknowledge }
  }

  /** Where nothing is committed any more, because the disk is full for instance, nothing else would remove them. */
  #dropGaps(): void {
    while (this.#ops.size > 0 && this.#ops.first === undefined) {
      this.#ops.shift()
      this.#bytes.shift()
      this.#acknowledgements.shift()
    }
  }

  /** Those that are there now, in order. */
  get all(): readonly AcceptedWrite[] {
    const writes: AcceptedWrite[] = []
    const bytes = this.#bytes.items
    const acknowledgements = this.#acknowledgements.items
    for (const [position, ops] of this.#ops.items.entries()) {
      if (ops === undefined) continue
      const seq = this.#firstSeq + position
      writes.push({ seq, ops, bytes: bytes[position] as number, acknowledge: acknowledgements[position] })
    }
    return writes
  }

  get #firstSeq(): number {
    return this.#lastSeq - this.#ops.size + 1
  }
}
