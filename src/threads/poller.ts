/**
 * Owns a worker's short wait for the next frame. Waking a parked thread takes tens of microseconds, so after a frame
 * the worker looks for another one for a moment before it parks. It does so only while that pays: after a look in
 * vain it parks at once, until frames follow each other closely again. An idle worker costs nothing.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'

/** How long to look for the next frame, in milliseconds. */
const LOOK_MS = 0.05

/** Frames that follow each other within this time are worth waiting for, in milliseconds. */
const CLOSE_MS = 0.25

export class Poller {
  readonly #port: MessagePort
  readonly #receive: (value: unknown) => void
  readonly #mayWait: () => boolean
  #lastFrame = 0
  #scheduled = false

  /** @param mayWait whether nothing else is to be done on this thread meanwhile */
  constructor(port: MessagePort, receive: (value: unknown) => void, mayWait: () => boolean) {
    this.#port = port
    this.#receive = receive
    this.#mayWait = mayWait
  }

  /** To be called after each frame that the event loop has brought. */
  afterFrame(): void {
    const now = performance.now()
    const close = now - this.#lastFrame < CLOSE_MS
    this.#lastFrame = now
    if (!close || this.#scheduled) return
    this.#scheduled = true
    // Promises of this turn go first: an answer must not wait for our looking around.
    setImmediate(() => {
      this.#scheduled = false
      this.#look()
    })
  }

  #look(): void {
    let until = performance.now() + LOOK_MS
    while (this.#mayWait() && performance.now() < until) {
      const found = receiveMessageOnPort(this.#port)
      if (found === undefined) continue
      this.#receive(found.message)
      this.#lastFrame = performance.now()
      until = this.#lastFrame + LOOK_MS
    }
  }
}
