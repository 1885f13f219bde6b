/** Owns the handler of one signal in one context, and the signals that wait for it. */

import { isThenable } from './thenable.js'
import { Waiters } from './waiters.js'

/** Handles one signal. The next one waits for its promise. A failure is reported and ends nothing. */
export type SignalHandler<Payload> = (payload: Payload) => unknown

/** Takes signals in, now or never. */
export interface SignalTarget {
  /** The application's function; absent when the handler lives on another thread. */
  readonly source: unknown
  /** Whether it accepts no more. */
  readonly closed: boolean
  /**
   * Answers whether the signal was accepted; `done` is called when it has been handled.
   *
   * @throws BrokerError `notSendable`
   */
  accept(payload: unknown, done?: () => void): boolean
  /** Accepts no more; resolves when everything accepted has been handled, or after a grace period. */
  close(): Promise<void>
}

interface Waiting {
  readonly payload: unknown
  readonly done: (() => void) | undefined
}

/** Hands signals to a function of this thread one at a time, in order, each in a microtask of its own. */
export class SignalQueue implements SignalTarget {
  readonly source: SignalHandler<unknown>
  readonly #depth: number
  readonly #report: (error: unknown) => void
  readonly #idle = new Waiters()
  #waiting: Waiting[] = []
  #running = false
  #closed = false

  constructor(source: SignalHandler<unknown>, depth: number, report: (error: unknown) => void) {
    this.source = source
    this.#depth = depth
    this.#report = report
  }

  get closed(): boolean {
    return this.#closed
  }

  accept(payload: unknown, done?: () => void): boolean {
    // Signals of another thread are limited on that side, where the signaller can be told.
    if (this.#closed || (done === undefined && this.#waiting.length >= this.#depth)) return false
    this.#waiting.push({ payload, done })
    if (!this.#running) {
      this.#running = true
      queueMicrotask(() => void this.#run())
    }
    return true
  }

  async close(): Promise<void> {
    this.#closed = true
    if (!this.#running) return
    await this.#idle.wait()
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { payload, done } = this.#waiting[0] as Waiting
      try {
        const outcome = this.source(payload)
        if (isThenable(outcome)) await outcome
      } catch (error) {
        this.#report(error)
      }
      // Only now is there room for another one.
      this.#waiting.shift()
      done?.()
    }
    this.#running = false
    this.#idle.wake()
  }
}
