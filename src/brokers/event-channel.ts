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

/** Up to so many listeners are copied at each change: they take no more memory then, and none is kept once it is removed. */
const FEW = 32

export class EventChannel implements ListenerHome {
  readonly context: BrokerContext
  readonly event: string
  readonly #onEmpty: () => void
  readonly report: (failure: ListenerError, answered: boolean) => void
  /**
   * Added to or replaced, never changed otherwise: an emit in progress keeps the listeners it started with, as many as there
   * were then. Of many listeners one that comes is put behind the others, and one that goes stays in here until something is
   * emitted, or half of them have gone.
   */
  #listeners: Listener[] = []
  /** How many of them have been removed. */
  #removed = 0
  /** Whether this is whom to deliver to: none has been removed, and those of the framework are first. */
  #arranged = true

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
    return this.#arranged ? this.#listeners : this.#arrange()
  }

  /**
   * Adds a listener behind the others, one of the framework before all of the application: a listener of the application may
   * emit further events, and a link, for instance, must have forwarded this one before those.
   *
   * @param runs whether the handler is called with iterables of events that arrived together
   */
  add(handler: EventHandler<unknown>, options: ListenOptions, runs: boolean): Listener {
    const listener = new Listener(this, handler, options, runs)
    if (listener.internal && this.#listeners.length > 0) this.#arranged = false
    if (this.#listeners.length >= FEW) this.#listeners.push(listener)
    else this.#listeners = [...this.#listeners, listener]
    return listener
  }

  /** To be called once for a listener, which is not active any more. */
  remove(): void {
    this.#removed++
    this.#arranged = false
    const { length } = this.#listeners
    if (length <= FEW || this.#removed * 2 >= length) this.#arrange()
    if (this.#listeners.length === 0) this.#onEmpty()
  }

  deliver(payload: unknown, origin: unknown): void {
    const { listeners } = this
    const { length } = listeners
    for (let at = 0; at < length; at++) {
      const listener = listeners[at] as Listener
      if (origin === undefined || listener.origin !== origin) listener.deliver(payload)
    }
  }

  /** Delivers events that arrived together: each listener gets all of them before the next one does. */
  deliverRun(run: Iterable<unknown>, origin: unknown): void {
    const { listeners } = this
    const { length } = listeners
    for (let at = 0; at < length; at++) {
      const listener = listeners[at] as Listener
      if (origin === undefined || listener.origin !== origin) listener.deliverRun(run)
    }
  }

  /** The outcomes of the application's listeners, and the failures of the framework's. */
  async settle(payload: unknown): Promise<ListenerOutcome[]> {
    const { listeners } = this
    const outcomes = await Promise.all(listeners.map((listener) => listener.settle(payload)))
    return outcomes.filter(({ status }, at) => status === 'rejected' || !listeners[at]?.internal)
  }

  #arrange(): readonly Listener[] {
    const active = this.#listeners.filter((listener) => listener.active)
    const internal = active.filter((listener) => listener.internal)
    const own = internal.length === 0 ? active : active.filter((listener) => !listener.internal)
    this.#listeners = internal.length === 0 ? active : [...internal, ...own]
    this.#removed = 0
    this.#arranged = true
    return this.#listeners
  }
}
