/**
 * Owns the host's short wait for an answer. A thread that sleeps in its event loop takes tens of microseconds to wake up,
 * often longer than the answer takes to come. While somebody waits for one the event loop may therefore go round without
 * sleeping, for a moment; timers, sockets and promises get their turns as always.
 *
 * Whether that pays depends on what is asked and on whether there is a processor to spare, so it is measured: both ways
 * are timed, now and then the one that is not in use, too.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import type { RingPort } from './ring-port.js'

/** How long to stay awake for one answer at most, in milliseconds. */
const AWAKE_MS = 0.5

/** So often the port is looked at in each round of the event loop: for a few microseconds. A round leaves garbage behind. */
const LOOKS = 400

/** Staying awake costs processor time: it is begun when it saves this part of the wait, and ended when it saves less than that. */
const WORTH = 0.1
const STILL_WORTH = 0.03

/** Waits that have become so many times as long as they were are a reason to try the other way soon. */
const WORSE = 1.5

/**
 * After so many waits the other way is tried; after twice as many each time that it was no better, because going to sleep
 * between two frames may cost the time of several.
 */
const TRY_AFTER = 64
const TRY_AFTER_MOST = 2048

/** So many waits make a try. What was known of that way before is forgotten: it may be of a time when everything was slow. */
const TRY_WAITS = 32

export class Wakefulness {
  readonly #port: RingPort
  /** Since when an answer is waited for; 0 while none is. */
  #since = 0
  /** How many frames have come. */
  #frames = 0
  /** Whether we normally stay awake, and whether we do for this wait. */
  #awakePays = true
  #staying = false
  #goingRound = false
  /** How long the waits took in which the other way is being tried; `undefined` while it is not. */
  #tried: number[] | undefined
  #tryAfter = TRY_AFTER
  #untilTry = TRY_AFTER
  /** How long a wait takes in milliseconds, each way; to begin with what is usual. */
  readonly #awake = new MovingMean(0.02)
  readonly #asleep = new MovingMean(0.1)
  /** How long one took when the way in use was chosen. */
  #chosenAt = Number.POSITIVE_INFINITY

  constructor(port: RingPort) {
    this.#port = port
  }

  /** A frame has left, and somebody waits for what comes of it. */
  awaits(): void {
    if (this.#since === 0) {
      this.#since = performance.now()
      if (--this.#untilTry === 0) this.#tried = []
      this.#staying = this.#awakePays === (this.#tried === undefined)
    }
    if (this.#staying) this.#goRound()
  }

  /** A frame has come; `more` when others are still waited for. */
  received(more: boolean): void {
    this.#frames++
    if (this.#since === 0) return
    const waited = performance.now() - this.#since
    this.#since = 0
    if (this.#tried === undefined) this.#follow(waited)
    else if (this.#tried.push(waited) === TRY_WAITS) this.#choose(this.#tried)
    if (more) this.awaits()
  }

  get #inUse(): MovingMean {
    return this.#awakePays ? this.#awake : this.#asleep
  }

  #follow(waited: number): void {
    this.#inUse.add(waited)
    if (this.#inUse.value > this.#chosenAt * WORSE) this.#untilTry = Math.min(this.#untilTry, TRY_AFTER)
  }

  /** Goes on with the way that has turned out to be the better one. */
  #choose(waits: readonly number[]): void {
    this.#tried = undefined
    const other = this.#awakePays ? this.#asleep : this.#awake
    other.begin(waits)
    const worth = this.#awakePays ? STILL_WORTH : WORTH
    const pays = this.#awake.value < this.#asleep.value * (1 - worth)
    this.#tryAfter = pays === this.#awakePays ? Math.min(this.#tryAfter * 2, TRY_AFTER_MOST) : TRY_AFTER
    this.#untilTry = this.#tryAfter
    this.#awakePays = pays
    this.#chosenAt = this.#inUse.value
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

/**
 * The mean, because several frames may be under way: they come one right behind the other then, with a long wait in
 * between. One slow answer says little about the next: no value counts for more than a few times the mean.
 */
class MovingMean {
  #value: number

  constructor(initial: number) {
    this.#value = initial
  }

  get value(): number {
    return this.#value
  }

  add(value: number): void {
    this.#value += WEIGHT * (Math.min(value, this.#value * MOST) - this.#value)
  }

  /** Forgets what was before. The largest of the values does not count. */
  begin(values: readonly number[]): void {
    const sum = values.reduce((total, value) => total + value, -Math.max(...values))
    this.#value = sum / (values.length - 1)
  }
}

const WEIGHT = 0.05
const MOST = 4
