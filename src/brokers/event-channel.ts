/** Owns the listeners of one event in one context, in the order they were added, those of the framework first. */
import type { BrokerContext } from './context.js'
import {
  type EventHandler,
  Listener,
  type ListenerError,
  type ListenerHome,
  type ListenerOutcome,
  type ListenOptions
} from './listener.js'

export class EventChannel implements ListenerHome {
  readonly context: BrokerContext
  readonly event: string
  readonly #onEmpty: () => void
  readonly report: (failure: ListenerError, answered: boolean) => void
  /** Replaced, never changed in place: an emit in progress keeps the listeners it started with. */
  #listeners: readonly Listener[] = []

  constructor(
    context: BrokerContext,
    event: string,
    report: (failure: ListenerError, answered: boolean) => void,
    onEmpty: () => void
  ) {
    this.context = context
    this.event = event
    this.report = report
    this.#onEmpty = onEmpty
  }

  get listeners(): readonly Listener[] {
    return this.#listeners
  }

  /**
   * Adds a listener behind the others, one of the framework before all of the application: a listener of the application may
   * emit further events, and a link, for instance, must have forwarded this one before those.
   *
   * @param runs whether the handler is called with iterables of events that arrived together
   */
  add(handler: EventHandler<unknown>, options: ListenOptions, runs: boolean): Listener {
    const listener = new Listener(this, handler, options, runs)
    const behind = listener.internal ? this.#listeners.filter((other) => !other.internal) : []
    const before = this.#listeners.slice(0, this.#listeners.length - behind.length)
    this.#listeners = [...before, listener, ...behind]
    return listener
  }

  remove(listener: Listener): void {
    this.#listeners = this.#listeners.filter((other) => other !== listener)
    if (this.#listeners.length === 0) this.#onEmpty()
  }

  deliver(payload: unknown, origin: unknown): void {
    for (const listener of this.#listeners) {
      if (origin === undefined || listener.origin !== origin) listener.deliver(payload)
    }
  }

  /** Delivers events that arrived together: each listener gets all of them before the next one does. */
  deliverRun(run: Iterable<unknown>, origin: unknown): void {
    for (const listener of this.#listeners) {
      if (origin === undefined || listener.origin !== origin) listener.deliverRun(run)
    }
  }

  /** The outcomes of the application's listeners, and the failures of the framework's. */
  async settle(payload: unknown): Promise<ListenerOutcome[]> {
    const listeners = this.#listeners
    const outcomes = await Promise.all(listeners.map((listener) => listener.settle(payload)))
    return outcomes.filter(({ status }, at) => status === 'rejected' || !listeners[at]?.internal)
  }
}
