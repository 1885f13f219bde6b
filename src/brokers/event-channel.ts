/** Owns the listeners of one event in one context, in the order they came. */
import type { BrokerContext } from './context.js'
import {
  type EventHandler,
  Listener,
  type ListenerError,
  type ListenerHome,
  type ListenerOutcome
} from './listener.js'

/** How a listener is registered with the hub. */
export interface ListenOptions {
  /** Events emitted with the same origin are not delivered to this listener: a link does not echo. */
  readonly origin?: unknown
  /** Marks a listener of the framework, which does not count as an observer. Default `false`. */
  readonly internal?: boolean
}

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

  add(handler: EventHandler<unknown>, options: ListenOptions): Listener {
    const listener = new Listener(this, handler, options.origin, options.internal ?? false)
    this.#listeners = [...this.#listeners, listener]
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

  settle(payload: unknown): Promise<ListenerOutcome[]> {
    return Promise.all(this.#listeners.map((listener) => listener.settle(payload)))
  }
}
