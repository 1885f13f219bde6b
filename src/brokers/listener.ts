/** Owns one registered listener: running it in isolation, counting its runs in flight, and stopping it. */
import type { CancelSignal } from '../runtime/platform.js'
import { isThenable } from '../runtime/thenable.js'
import { Waiters } from '../runtime/waiters.js'
import type { BrokerContext } from './context.js'

/** What a handler gets besides the payload. One per listener, shared by its runs. */
export interface ListenerScope {
  /** Fires when the listener is dropped; pass it on to whatever the handler awaits. */
  readonly signal: CancelSignal
  /**
   * Drops the listener from inside its own handler: like {@link ListenerHandle.drop}, but does not wait for the run
   * that calls it, nor for other runs that wait in this method. To be called once in a run, and awaited there.
   */
  drop(): Promise<boolean>
}

/** Handles one event. A thrown error or a rejected promise is reported, and affects neither emitter nor other listeners. */
export type EventHandler<Payload> = (payload: Payload, scope: ListenerScope) => unknown

/** How a listener is registered with the hub. */
export interface ListenOptions {
  /** Events emitted with the same origin are not delivered to this listener: a link does not echo. */
  readonly origin?: unknown
  /**
   * Marks a listener of the framework, which does not count as an observer and is called before those of the application.
   * Default `false`.
   */
  readonly internal?: boolean | undefined
}

/** How long to wait for runs in flight when a listener is dropped. */
export interface DropOptions {
  /** Milliseconds after which `drop` stops waiting. Default 5000. */
  readonly graceMs?: number | undefined
}

/** A registration made with `listen`. */
export interface ListenerHandle {
  /** Unique on this thread; never used twice. */
  readonly id: number
  /** Whether the listener still receives events. */
  readonly active: boolean
  /**
   * Stops the listener at once and fires the `signal` of its scope. The promise resolves when none of its runs is in
   * flight any more: to `true` when all had ended, to `false` when the grace period ran out first. It never rejects.
   * Repeating it is harmless. Only this listener is affected.
   */
  drop(options?: DropOptions): Promise<boolean>
  [Symbol.asyncDispose](): Promise<void>
}

/** A failure of a listener, as published on `listenerErrors`. */
export interface ListenerError {
  readonly context: BrokerContext
  /** Name of the event whose listener failed. */
  readonly event: string
  readonly listenerId: number
  /** What was thrown, or what the handler's promise rejected with. */
  readonly error: unknown
  /** Whether the listener is one of the library, such as that of a link, which could not send the event on. */
  readonly internal?: boolean | undefined
}

/** The outcome of one event at one listener. */
export type ListenerOutcome =
  | { readonly listenerId: number; readonly status: 'fulfilled' }
  | { readonly listenerId: number; readonly status: 'rejected'; readonly reason: unknown }

/** Where a listener is registered, and where its failures are reported. */
export interface ListenerHome {
  readonly context: BrokerContext
  readonly event: string
  /** Takes the listener out of its channel. */
  remove(listener: Listener): void
  /** Publishes a failure; `answered` when the emitter gets it as well, as an outcome. */
  report(failure: ListenerError, answered: boolean): void
}

let lastId = 0

/** One registration. */
export class Listener implements ListenerHandle {
  readonly id: number = ++lastId
  readonly #home: ListenerHome
  readonly #handler: EventHandler<unknown>
  /** Events emitted with this origin are not delivered here; see `ListenOptions`. */
  readonly origin: unknown
  readonly internal: boolean
  /** Whether the handler is called with runs of events. */
  readonly #runs: boolean
  /** Made when it is first needed, as are the next two. */
  #scope: ListenerScope | undefined
  #waiters: Waiters | undefined
  /** Runs that wait in `ListenerScope.drop`, and must not be waited for. */
  #leavers: Waiters | undefined
  #active = true
  #inFlight = 0
  #controller: AbortController | undefined

  constructor(home: ListenerHome, handler: EventHandler<unknown>, options: ListenOptions, runs: boolean) {
    const { origin, internal = false } = options
    this.#home = home
    this.#handler = handler
    this.origin = origin
    this.internal = internal
    this.#runs = runs
  }

  get active(): boolean {
    return this.#active
  }

  get signal(): CancelSignal {
    this.#controller ??= new AbortController()
    if (!this.#active && !this.#controller.signal.aborted) this.#controller.abort()
    return this.#controller.signal
  }

  /** Delivers one event and reports a failure; never throws. */
  deliver(payload: unknown): void {
    this.#deliver(this.#runs ? [payload] : payload)
  }

  /** Delivers events that arrived together, as `deliver` does. */
  deliverRun(run: Iterable<unknown>): void {
    if (this.#runs) this.#deliver(run)
    else {
      for (const payload of run) {
        if (this.#active) this.#deliver(payload)
      }
    }
  }

  /** Delivers one event; resolves to the outcome when the handler has finished. Never rejects. */
  async settle(payload: unknown): Promise<ListenerOutcome> {
    this.#inFlight++
    let settled: ListenerOutcome = { listenerId: this.id, status: 'fulfilled' }
    try {
      const taken = this.#runs ? [payload] : payload
      const outcome = this.#handler(taken, this.#scope ?? this.#makeScope())
      if (isThenable(outcome)) return await this.#track(outcome, true)
    } catch (error) {
      settled = this.#fail(error, true)
    }
    this.#ended()
    return settled
  }

  #deliver(payload: unknown): void {
    this.#inFlight++
    try {
      const outcome = this.#handler(payload, this.#scope ?? this.#makeScope())
      if (isThenable(outcome)) {
        void this.#track(outcome, false)
        return
      }
    } catch (error) {
      this.#fail(error, false)
    }
    this.#ended()
  }

  async drop(options: DropOptions = {}): Promise<boolean> {
    this.#stop()
    // A delivery under way may still call this listener, before the next microtask.
    await undefined
    if (this.#inFlight === 0) return true
    this.#waiters ??= new Waiters()
    return this.#waiters.wait(options.graceMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop()
  }

  async #leave(): Promise<boolean> {
    this.#stop()
    // As in `drop`.
    await undefined
    this.#leavers ??= new Waiters()
    const left = this.#leavers.wait()
    this.#wake()
    return left
  }

  #makeScope(): ListenerScope {
    const listener = this
    this.#scope = {
      get signal() {
        return listener.signal
      },
      drop: () => listener.#leave()
    }
    return this.#scope
  }

  #stop(): void {
    if (!this.#active) return
    this.#active = false
    this.#home.remove(this)
    this.#controller?.abort()
  }

  async #track(outcome: PromiseLike<unknown>, answered: boolean): Promise<ListenerOutcome> {
    try {
      await outcome
      return { listenerId: this.id, status: 'fulfilled' }
    } catch (error) {
      return this.#fail(error, answered)
    } finally {
      this.#ended()
    }
  }

  #ended(): void {
    this.#inFlight--
    if (!this.#active) this.#wake()
  }

  #wake(): void {
    if (this.#inFlight === 0) this.#waiters?.wake()
    if (this.#inFlight <= (this.#leavers?.size ?? 0)) this.#leavers?.wake()
  }

  #fail(error: unknown, answered: boolean): ListenerOutcome {
    const { context, event } = this.#home
    const own = this.internal ? { internal: true } : undefined
    this.#home.report({ context, event, listenerId: this.id, error, ...own }, answered)
    return { listenerId: this.id, status: 'rejected', reason: error }
  }
}
