/**
 * Owns the notion of a turn: a batch of messages that are handled together, such as one frame from another thread.
 * Work that is cheaper when done once for the whole batch is postponed to its end.
 */
import { queueMicrotask } from '../runtime/event-loop.js'

export class Turns {
  #depth = 0
  #scheduled = false
  #deferred: (() => void)[] = []

  /**
   * Runs `work` after the last message of the present batch and before its answers leave; outside of a batch, in
   * a microtask. `work` must not throw.
   */
  atEnd(work: () => void): void {
    this.#deferred.push(work)
    if (this.#depth > 0 || this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#finish()
    })
  }

  /** Runs `body` as one batch. */
  run(body: () => void): void {
    this.#depth++
    try {
      body()
    } finally {
      if (--this.#depth === 0) this.#finish()
    }
  }

  #finish(): void {
    while (this.#deferred.length > 0) {
      const work = this.#deferred
      this.#deferred = []
      for (const run of work) run()
    }
  }
}
