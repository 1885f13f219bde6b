/** Owns the sending end of a signal whose handler lives on another thread. */

import type { SignalTarget } from '../brokers/signal-queue.js'
import { Waiters } from '../brokers/waiters.js'

/** Accepts as many signals as the definition lets wait, counting those that the other side has not handled yet. */
export class RemoteSignalTarget implements SignalTarget {
  readonly source = undefined
  readonly #depth: number
  readonly #send: (payload: unknown) => void
  readonly #idle = new Waiters()
  #outstanding = 0
  #closed = false

  constructor(depth: number, send: (payload: unknown) => void) {
    this.#depth = depth
    this.#send = send
  }

  get closed(): boolean {
    return this.#closed
  }

  /** @throws BrokerError `notSendable` */
  accept(payload: unknown): boolean {
    if (this.#closed || this.#outstanding >= this.#depth) return false
    this.#send(payload)
    this.#outstanding++
    return true
  }

  /** The other side has handled so many more. */
  handled(count: number): void {
    this.#outstanding -= count
    if (this.#outstanding === 0) this.#idle.wake()
  }

  /** The other side is gone: nothing more will be handled. */
  abandon(): void {
    this.#closed = true
    this.handled(this.#outstanding)
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#outstanding === 0) return
    await this.#idle.wait()
  }
}
