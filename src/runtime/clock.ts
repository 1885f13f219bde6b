/**
 * Owns the clock that time limits go by: the timers of the platform, or those that a test has put in their place. What one
 * clock has started it also ends, whichever is in place by then.
 */

const realDate = globalThis.Date
const realNow = globalThis.performance.now

/** A timer; a plain number on some platforms. */
export interface Timer {
  ref?(): unknown
  unref?(): unknown
}

export class Clock {
  static #current = new Clock()
  readonly #setTimeout = globalThis.setTimeout
  readonly #clearTimeout = globalThis.clearTimeout
  readonly #time = timeInPlace()

  /** The clock that is in place now. */
  static get current(): Clock {
    if (Clock.#current.#setTimeout !== globalThis.setTimeout) Clock.#current = new Clock()
    return Clock.#current
  }

  now(): number {
    return this.#time.now()
  }

  start(ring: () => void, delayMs: number): Timer {
    const set = this.#setTimeout
    return set(ring, Math.max(1, Math.ceil(delayMs)))
  }

  stop(timer: Timer): void {
    const clear = this.#clearTimeout
    clear(timer as NodeJS.Timeout)
  }
}

/** Fake timers that leave `performance` as it is, as those of `node:test` do, tell their time by `Date`. */
function timeInPlace(): { now(): number } {
  const { Date: date, performance } = globalThis
  return date !== realDate && performance.now === realNow ? date : performance
}
