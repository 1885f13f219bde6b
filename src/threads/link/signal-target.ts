/** Owns the sending end of a signal whose handler is on another thread. */
import type { SignalTarget } from '../../brokers/signal-queue.js'
import { Fifo } from '../../runtime/fifo.js'
import { DEFAULT_GRACE_MS, Waiters } from '../../runtime/waiters.js'

/** Where the signals go. */
export interface SignalWire {
  /** @throws BrokerError `notSendable` */
  send(payload: unknown): void
  /** To be called when the handler was added or removed on the other side. */
  handlerChanged(): void
}

/** Accepts signals while fewer than `queueDepth` are unhandled on the other side. */
export class RemoteSignalTarget implements SignalTarget {
  readonly source = undefined
  readonly #depth: number
  readonly #wire: SignalWire
  readonly #idle = new Waiters()
  /** The `done` of each signal that the other side has not handled yet. */
  readonly #outstanding = new Fifo<(() => void) | undefined>()
  #closed = false
  #vacant = false

  constructor(depth: number, wire: SignalWire) {
    this.#depth = depth
    this.#wire = wire
  }

  get closed(): boolean {
    return this.#closed
  }

  get vacant(): boolean {
    return this.#vacant
  }

  /** @throws BrokerError `notSendable` */
  accept(payload: unknown, done?: () => void): boolean {
    if (this.#closed || this.#vacant) return false
    // Signals passed on from another thread come with `done`: that thread checks the depth, and its signaller learns of it.
    if (done === undefined && this.#outstanding.size >= this.#depth) return false
    this.#wire.send(payload)
    this.#outstanding.push(done)
    return true
  }

  /** The other side has handled `count` more signals. */
  handled(count: number): void {
    for (let left = Math.min(count, this.#outstanding.size); left > 0; left--) this.#outstanding.shift()?.()
    if (this.#outstanding.size === 0) this.#idle.wake()
  }

  /** The other side has reported whether it has a handler. */
  handlerIs(there: boolean): void {
    this.#vacant = !there
    this.#wire.handlerChanged()
  }

  /** The other side is gone: nothing more will be handled. */
  abandon(): void {
    this.#closed = true
    this.handled(this.#outstanding.size)
  }

  close(): Promise<void> {
    return this.#close(true)
  }

  /** As `close`, where nobody waits for it: it does not keep the process alive. */
  retire(): Promise<void> {
    return this.#close(false)
  }

  async #close(keepsAlive: boolean): Promise<void> {
    this.#closed = true
    if (this.#outstanding.size > 0) await this.#idle.wait(DEFAULT_GRACE_MS, keepsAlive)
  }
}
