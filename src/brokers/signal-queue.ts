/** Owns the handler of one signal in one context, and the signals that wait for it. */
import { AsyncResource } from 'node:async_hooks'
import { queueMicrotask } from '../runtime/event-loop.js'
import { Fifo } from '../runtime/fifo.js'
import { isThenable } from '../runtime/thenable.js'
import { Waiters } from '../runtime/waiters.js'

/** What a handler gets besides the payload. */
export interface HandlerScope {
  /**
   * Removes the handler from inside its own run: like `drop` of its handle, but waits for nothing. Signals accepted
   * before are still handled, after this run.
   */
  drop(): Promise<void>
}

/** Handles one signal. The next one waits for its promise. A failure is reported and ends nothing. */
export type SignalHandler<Payload> = (payload: Payload, scope: HandlerScope) => unknown

/** Where a handler is installed, and where its failures are reported. */
export interface SignalHome {
  /** Removes the target, if it is the one installed. */
  remove(target: SignalTarget): void
  report(error: unknown): void
}

/** Accepts signals, or refuses them at once. */
export interface SignalTarget {
  /** The application's function; absent when the handler lives on another thread. */
  readonly source: unknown
  /** Whether it no longer accepts signals. */
  readonly closed: boolean
  /** Whether it only holds the place of a handler on another thread, and no handler is installed there now. */
  readonly vacant: boolean
  /**
   * Returns whether the signal was accepted; `done` is called when it has been handled.
   *
   * @throws BrokerError `notSendable`
   */
  accept(payload: unknown, done?: () => void): boolean
  /** Accepts no more signals; resolves when all accepted ones have been handled, or after a grace period. */
  close(): Promise<void>
}

interface Waiting {
  readonly payload: unknown
  readonly done: (() => void) | undefined
  /** The async context of the signaller; absent for the signal that starts a run, which runs in it anyway. */
  readonly scope: AsyncResource | undefined
}

/** Hands signals to a function of this thread one at a time, in order, and never within the call that brings one. */
export class SignalQueue implements SignalTarget {
  readonly source: SignalHandler<unknown>
  readonly vacant = false
  readonly #depth: number
  readonly #home: SignalHome
  readonly #scope: HandlerScope = {
    drop: async () => {
      this.#closed = true
      this.#home.remove(this)
    }
  }
  readonly #idle = new Waiters()
  readonly #waiting = new Fifo<Waiting>()
  #running = false
  #closed = false

  constructor(source: SignalHandler<unknown>, depth: number, home: SignalHome) {
    this.source = source
    this.#depth = depth
    this.#home = home
  }

  get closed(): boolean {
    return this.#closed
  }

  accept(payload: unknown, done?: () => void): boolean {
    // Signals from another thread come with `done`: the depth is checked on that thread, where the signaller learns of it.
    if (this.#closed || (done === undefined && this.#waiting.size >= this.#depth)) return false
    const scope = this.#running ? new AsyncResource('PersistencySignal') : undefined
    this.#waiting.push({ payload, done, scope })
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
    for (let next = this.#waiting.first; next !== undefined; next = this.#waiting.first) {
      const { payload, done, scope } = next
      const handle = (): unknown => this.source(payload, this.#scope)
      try {
        const outcome = scope === undefined ? handle() : scope.runInAsyncScope(handle)
        if (isThenable(outcome)) await outcome
      } catch (error) {
        this.#home.report(error)
      }
      // A signal takes up room in the queue until it has been handled.
      this.#waiting.shift()
      done?.()
    }
    this.#running = false
    this.#idle.wake()
  }
}
