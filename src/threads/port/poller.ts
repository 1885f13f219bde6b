/**
 * Owns a worker's short wait for the next frame. Waking a parked thread takes tens of microseconds, so after a frame
 * the worker polls for another one for a moment before it parks. It does so only while frames follow each other closely,
 * and less often after polls in vain. An idle worker costs nothing.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import { HOLD_UP_MS, type RingPort } from './ring-port.js'

/** How long to poll for the next frame, in milliseconds. */
const LOOK_MS = 0.1

/** Frames that follow each other within this time are worth waiting for, in milliseconds. */
const CLOSE_MS = 0.5

/** After a poll in vain, the next frames are not followed by a poll: twice as many each time, up to this. */
const MOST_SKIPPED = 64

/** Looking at the port costs more than looking into the ring, and is done at every Nth look. */
const PORT_EVERY = 16

export class Poller {
  readonly #port: RingPort
  readonly #receive: (value: unknown) => void
  readonly #mayWait: () => boolean
  #lastFrame = 0
  #scheduled = false
  /** Polls in vain in a row, and how many frames are still skipped because of them. */
  #vain = 0
  #toSkip = 0

  /** @param mayWait whether this thread has no other work */
  constructor(port: RingPort, receive: (value: unknown) => void, mayWait: () => boolean) {
    this.#port = port
    this.#receive = receive
    this.#mayWait = mayWait
  }

  /** To be called after each frame that the event loop has delivered. */
  afterFrame(): void {
    const now = performance.now()
    const close = now - this.#lastFrame < CLOSE_MS
    this.#lastFrame = now
    if (!close || this.#scheduled || this.#skips()) return
    this.#scheduled = true
    this.#port.watch()
    // Promises of this turn go first: an answer must not wait for the poll.
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

  /** When all processors are busy, a poll keeps the other thread from running: after polls in vain, some are skipped. */
  #skips(): boolean {
    if (this.#toSkip === 0) return false
    this.#toSkip--
    return true
  }

  /** Polls until `end`, or until no frame has come for a moment; returns whether any has. */
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
