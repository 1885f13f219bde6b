/**
 * Owns the host's short wait for an answer. A thread that sleeps in its event loop takes tens of microseconds to wake up,
 * often longer than the answer takes to come. While somebody waits for one the event loop may therefore go round without
 * sleeping, for a moment; timers, sockets and promises get their turns as always.
 *
 * Whether that pays depends on what is asked and on whether there is a processor to spare, so it is measured: both ways
 * are timed, now and then the one that is not in use, too.
 */

import type { RingPort } from './ring-port.js'

/** How long to stay awake for one answer at most, in milliseconds. */
const AWAKE_MS = 0.5

/** Staying awake costs processor time: it must save this part of the wait at least. */
const WORTH = 0.15

/** Every so many waits the other way is tried. */
const TRY_EVERY = 32

export class Wakefulness {
  readonly #port: RingPort
  /** Since when an answer is waited for; 0 while none is. */
  #since = 0
  #staying = false
  #goingRound = false
  #waits = 0
  /** How long a wait takes in milliseconds, each way; to begin with what is usual. */
  readonly #awake = new MovingMedian(0.02)
  readonly #asleep = new MovingMedian(0.1)

  constructor(port: RingPort) {
    this.#port = port
  }

  /** A frame has left, and somebody waits for what comes of it. */
  awaits(): void {
    if (this.#since === 0) {
      this.#since = performance.now()
      const pays = this.#awake.value < this.#asleep.value * (1 - WORTH)
      this.#staying = ++this.#waits % TRY_EVERY === 0 ? !pays : pays
    }
    if (this.#staying) this.#goRound()
  }

  /** A frame has come; `more` when others are still waited for. */
  received(more: boolean): void {
    if (this.#since === 0) return
    const median = this.#staying ? this.#awake : this.#asleep
    median.add(performance.now() - this.#since)
    this.#since = 0
    if (more) this.awaits()
  }

  #goRound(): void {
    if (this.#goingRound) return
    this.#goingRound = true
    this.#port.watch()
    setImmediate(this.#round)
  }

  /** Who has waited twice as long as asleep gains nothing by staying awake. */
  get #longestMs(): number {
    return Math.min(AWAKE_MS, this.#asleep.value * 2)
  }

  readonly #round = (): void => {
    this.#port.look()
    if (this.#since !== 0 && this.#staying && performance.now() - this.#since < this.#longestMs) {
      setImmediate(this.#round)
      return
    }
    this.#goingRound = false
    this.#port.unwatch()
  }
}

/** Goes a small step towards each value, however far away that is: one slow answer says little about the next. */
class MovingMedian {
  #value: number

  constructor(initial: number) {
    this.#value = initial
  }

  get value(): number {
    return this.#value
  }

  add(value: number): void {
    this.#value *= value > this.#value ? 1 + STEP : 1 - STEP
  }
}

const STEP = 0.05
