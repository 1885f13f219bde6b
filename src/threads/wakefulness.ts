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

/** So often the port is looked at in each round of the event loop: for a few microseconds. A round leaves garbage behind. */
const LOOKS = 100

/** Staying awake costs processor time: it must save this part of the wait at least. */
const WORTH = 0.15

/**
 * After so many waits the other way is tried; after twice as many each time that it was no better, because going to sleep
 * between two frames may cost the time of several.
 */
const TRY_AFTER = 32
const TRY_AFTER_MOST = 1024

export class Wakefulness {
  readonly #port: RingPort
  /** Since when an answer is waited for; 0 while none is. */
  #since = 0
  /** How many frames have come. */
  #frames = 0
  #staying = false
  #goingRound = false
  /** Whether this wait is one in which the other way is tried. */
  #trying = false
  #tryAfter = TRY_AFTER
  #untilTry = TRY_AFTER
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
      this.#trying = --this.#untilTry === 0
      this.#staying = this.#pays !== this.#trying
    }
    if (this.#staying) this.#goRound()
  }

  /** A frame has come; `more` when others are still waited for. */
  received(more: boolean): void {
    this.#frames++
    if (this.#since === 0) return
    const paid = this.#pays
    const median = this.#staying ? this.#awake : this.#asleep
    median.add(performance.now() - this.#since)
    this.#since = 0
    if (this.#trying) this.#tryAfter = Math.min(this.#tryAfter * 2, TRY_AFTER_MOST)
    if (this.#pays !== paid) this.#tryAfter = TRY_AFTER
    if (this.#trying || this.#pays !== paid) this.#untilTry = this.#tryAfter
    if (more) this.awaits()
  }

  /** Whether staying awake is worth its processor time. */
  get #pays(): boolean {
    return this.#awake.value < this.#asleep.value * (1 - WORTH)
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
    const frames = this.#frames
    // Whoever waits for what has come must get it before anything else is looked for.
    for (let looks = 0; looks < LOOKS && this.#frames === frames; looks++) this.#port.look()
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
