/**
 * Owns what a storage that was started again is sent, in order: the writes without an outcome, then those that are accepted
 * meanwhile, by whoever hears of the former.
 */

import { Fifo } from '../../runtime/fifo.js'
import type { PersistEventPayload } from '../message-payloads.js'

/** A write, and whether it has been told of before. */
export interface NextWrite {
  readonly write: PersistEventPayload
  readonly again: boolean
}

export class SendingAgain {
  readonly #unsettled: readonly PersistEventPayload[]
  #next = 0
  readonly #accepted = new Fifo<PersistEventPayload>()

  /** @param unsettled the writes without an outcome, in order */
  constructor(unsettled: readonly PersistEventPayload[]) {
    this.#unsettled = unsettled
  }

  /** How many are told of a second time. */
  get count(): number {
    return this.#unsettled.length
  }

  /** Number of the next write; `undefined` when there is none. */
  get nextSeq(): number | undefined {
    return (this.#unsettled[this.#next] ?? this.#accepted.first)?.seq
  }

  /** Adds a write that was accepted meanwhile. */
  push(write: PersistEventPayload): void {
    this.#accepted.push(write)
  }

  take(): NextWrite | undefined {
    const unsettled = this.#unsettled[this.#next]
    if (unsettled !== undefined) {
      this.#next++
      return { write: unsettled, again: true }
    }
    const write = this.#accepted.shift()
    return write === undefined ? undefined : { write, again: false }
  }
}
