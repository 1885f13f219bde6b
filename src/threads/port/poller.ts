/**
 * Owns a worker's short wait for the next frame. Waking a parked thread takes tens of microseconds, so after a frame
 * the worker looks for another one for a moment before it parks. It does so only while frames follow each other closely,
 * and the less the more often it was in vain. An idle worker costs nothing.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import { HOLD_UP_MS, type RingPort } from './ring-port.js'

/** How long to look for the next frame, in milliseconds. */
const LOOK_MS = 0.1

/** Frames that follow each other within this time are worth waiting for, in milliseconds. */
const CLOSE_MS = 0.5

/** After a look that found nothing, the next frames are not followed by a look: twice as many each time, up to this. */
const MOST_SKIPPED = 64

/** Looking at the port as well costs more than looking into the ring, and is done every so many times. */
const PORT_EVERY = 16

export class Poller {
  readonly #port: RingPort
  readonly #receive: (value: unknown) => void
  readonly #mayWait: () => boolean
  #lastFrame = 0
  #scheduled = false
  /** Looks in a row that found nothing, and frames still to be skipped because of them. */
  #vain = 0
  #toSkip = 0

  /** @param mayWait whether nothing else is to be done on this thread meanwhile */
  constructor(port: RingPort, receive: (value: unknown) => void, mayWait: () => boolean) {
    this.#port = port
    this.#receive = receive
    this.#mayWait = mayWait
  }

  /** To be called after each frame that the event loop has brought. */
  afterFrame(): void {
    const now = performance.now()
    const close = now - this.#lastFrame < CLOSE_MS
    this.#lastFrame = now
    if (!close || this.#scheduled || this.#skips()) return
    this.#scheduled = true
    this.#port.watch()
    // Promises of this turn go first: an answer must not wait for our looking around.
    setImmediate(this.#round)
  }

  readonly #round = (): void => {
    let goesOn = false
    try {
      const end = performance.now() + HOLD_UP_MS
      if (this.#look(end)) {
        this.#vain = 0
        goesOn = performance.now() >= end
      } else this.#toSkip = Math.min(2 ** this.#vain++, MOST_SKIPPED)
    } finally {
      if (goesOn) setImmediate(this.#round)
      else {
        this.#scheduled = false
        this.#port.unwatch()
      }
    }
  }

  /** While the other thread does not get to run, because all processors are taken, looking only keeps it from running. */
  #skips(): boolean {
    if (this.#toSkip === 0) return false
    this.#toSkip--
    return true
  }

  /** Answers whether a frame has come. Ends at `end`, or when none has come for a moment. */
  #look(end: number): boolean {
    let found = false
    let until = performance.now() + LOOK_MS
    for (let looks = 1; this.#mayWait() && performance.now() < until; looks++) {
      const value = looks % PORT_EVERY === 0 ? this.#port.nextOfAll() : this.#port.next()
      if (value === undefined) continue
      found = true
      this.#receive(value)
      this.#lastFrame = performance.now()
      until = Math.min(this.#lastFrame + LOOK_MS, end)
    }
    return found
  }
}
