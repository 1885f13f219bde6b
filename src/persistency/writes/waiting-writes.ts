/**
 * Owns writes that wait for room together. A producer that does not pause may offer a hundred thousand of them, and a
 * promise for each, with all that hangs on it, would be more than the writes themselves. So those that stand next to each
 * other share one, and are let in together.
 */

import type { PersistencyError } from '../errors.js'
import { countOf } from '../write-ops.js'
import type { AcceptedWrite } from './accepted-writes.js'

/** A write that is not accepted yet. */
export type WaitingWrite = Omit<AcceptedWrite, 'seq'>

export class WaitingWrites {
  readonly #accept: (write: WaitingWrite) => void
  readonly #writes: WaitingWrite[] = []
  /** How the wait ends: with an error, or with none. */
  readonly answer: Promise<PersistencyError | undefined>
  #resolve: (error: PersistencyError | undefined) => void = () => {}
  #bytes = 0
  #ops = 0
  #state: 'waiting' | 'running' | 'failed' = 'waiting'

  constructor(accept: (write: WaitingWrite) => void) {
    this.#accept = accept
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  /** What all of them count for. */
  get bytes(): number {
    return this.#bytes
  }

  get ops(): number {
    return this.#ops
  }

  /** Whether others may join. */
  get open(): boolean {
    return this.#state === 'waiting'
  }

  join(write: WaitingWrite): void {
    this.#writes.push(write)
    this.#bytes += write.bytes
    this.#ops += countOf(write.ops)
  }

  /** Their turn has come. */
  run(): void {
    this.#state = 'running'
    for (const write of this.#writes) if (this.#state === 'running') this.#accept(write)
    this.#resolve(undefined)
  }

  /** The queue was closed by a failure first. */
  fail(error: PersistencyError): void {
    this.#state = 'failed'
    this.#resolve(error)
  }
}
