/** Owns how often, and after which pauses, something is tried again that fails time after time. */
import type { Complete } from '../checks/options.js'
import type { HandlerRetry } from './types.js'

export class Setbacks {
  readonly #retry: Complete<HandlerRetry>
  #count = 0

  constructor(retry: Complete<HandlerRetry>) {
    this.#retry = retry
  }

  /** How many there have been in a row. */
  get count(): number {
    return this.#count
  }

  /** It has failed: how long to wait before it is tried again, in milliseconds; `undefined` when it is enough. */
  next(): number | undefined {
    const { attempts, delayMs, maxDelayMs } = this.#retry
    if (++this.#count >= attempts) return undefined
    return Math.min(delayMs * 2 ** (this.#count - 1), maxDelayMs)
  }

  /** It has succeeded. */
  over(): void {
    this.#count = 0
  }
}
