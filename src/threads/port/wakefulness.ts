/**
 * Owns the host's short wait for an answer. A thread that sleeps in its event loop takes tens of microseconds to wake up,
 * often longer than the answer takes to come. While a caller waits, the event loop may therefore run without sleeping, for a
 * moment; timers, sockets and promises get their turns as always.
 *
 * Whether that pays depends on the request and on whether there is a processor to spare, so both ways, awake and asleep, are
 * timed, and now and then the one that is not in use is tried.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import type { RingPort } from './ring-port.js'

/** How long to stay awake for one answer at most, in milliseconds. */
const AWAKE_MS = 0.5

/** Looks at the port in each round of the event loop: a few microseconds, because each round leaves garbage behind. */
const LOOKS = 400

/** The part of the wait that staying awake must save to be begun, and to be kept up: it costs processor time. */
const WORTH = 0.1
const STILL_WORTH = 0.03

/** When waits have become this many times as long, the other way is tried soon. */
const WORSE = 1.5

/**
 * After this many waits the other way is tried; after twice as many each time that it was no better, because sleeping
 * between two frames may cost the time of several.
 */
const TRY_AFTER = 64
const TRY_AFTER_MOST = 2048

/** How many waits a try takes. Earlier times of that way are forgotten: everything may have been slow then. */
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
  /** The waits of the present try of the other way; `undefined` while there is none. */
  #tried: number[] | undefined
  #tryAfter = TRY_AFTER
  #untilTry = TRY_AFTER
  /** The mean wait in milliseconds, each way, beginning with usual values. */
  readonly #awake = new MovingMean(0.02)
  readonly #asleep = new MovingMean(0.1)
  /** The mean wait when the way in use was chosen. */
  #chosenAt = Number.POSITIVE_INFINITY

  constructor(port: RingPort) {
    this.#port = port
  }

  /** A frame has left, and a caller waits for its answer or outcome. */
  awaits(): void {
    if (this.#since === 0) {
      this.#since = performance.now()
      if (--this.#untilTry === 0) this.#tried = []
      this.#staying = this.#awakePays === (this.#tried === undefined)
    }
    if (this.#staying) this.#goRound()
  }

  /** A frame has come; `more` when callers still wait for others. */
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

  /** Chooses the better way. */
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

  /** After twice the mean wait asleep, staying awake gains nothing. */
  get #longestMs(): number {
    return Math.min(AWAKE_MS, this.#asleep.value * 2)
  }

  readonly #round = (): void => {
    const frames = this.#frames
    // After a frame the round ends, so that its callers go on first.
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
 * A mean and no median, because with several frames under way short waits and long ones alternate. One slow answer says
 * little about the next, so no value counts for more than a few times the mean.
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

  /** Starts anew with the mean of the values, the largest left out. */
  begin(values: readonly number[]): void {
    const sum = values.reduce((total, value) => total + value, -Math.max(...values))
    this.#value = sum / (values.length - 1)
  }
}

const WEIGHT = 0.05
const MOST = 4
