/** Owns the calls that wait for a storage to be there again, each in its place among the writes. */
import type { PersistencyError } from '../errors.js'
import { Fifo } from '../writes/fifo.js'

export interface HeldCall {
  /** Number of the last write that was accepted before it. */
  readonly afterSeq: number
  /** Sends it. */
  run(): void
  /** There will be no storage. */
  fail(error: PersistencyError): void
}

export class HeldCalls {
  readonly #calls = new Fifo<HeldCall>()

  /** Comes behind those that are there, which were made earlier. */
  add(call: HeldCall): void {
    this.#calls.push(call)
  }

  /** Sends those that were made before write `seq` was accepted. */
  runBefore(seq: number): void {
    while ((this.#calls.first?.afterSeq ?? Number.POSITIVE_INFINITY) < seq) this.#calls.shift()?.run()
  }

  failAll(error: PersistencyError): void {
    while (this.#calls.size > 0) this.#calls.shift()?.fail(error)
  }
}
