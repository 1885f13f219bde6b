/** Owns knowing whether provider methods of a binding are still answering. */
import { isThenable } from '../runtime/thenable.js'
import { Waiters } from '../runtime/waiters.js'

export class InFlight {
  #count = 0
  readonly #waiters = new Waiters()

  /** What a method answers, in flight until that has settled. */
  watched(answer: unknown): unknown {
    if (!isThenable(answer)) return answer
    // One promise for all: what is thenable need not bear being asked twice.
    const settled = Promise.resolve(answer)
    this.#count++
    settled.then(this.#ended, this.#ended)
    return settled
  }

  /** Resolves when none is in flight, or after 5 seconds. */
  async over(): Promise<void> {
    if (this.#count > 0) await this.#waiters.wait()
  }

  readonly #ended = (): void => {
    if (--this.#count === 0) this.#waiters.wake()
  }
}
