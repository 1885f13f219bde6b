/** Owns the event broker: typed emit and listen, and the RxJS streams. */
import type { Observable } from 'rxjs'
import type { PayloadArgs } from './arguments.js'
import { checkDefinition } from './check-definition.js'
import { checkContext, contextOf, hubOf } from './check-place.js'
import { BrokerContext } from './context.js'
import type { EventDefinition } from './definitions.js'
import { type BrokerHub, ListenerFailed } from './hub.js'
import { IsolatedObservable } from './isolated-observable.js'
import type { DropOptions, EventHandler, ListenerError, ListenerHandle, ListenerOutcome } from './listener.js'

/**
 * Emits and observes events, many to many, in one context.
 *
 * Delivery is synchronous and in order: `emit` runs each listener of the context, in the order they registered, up
 * to its first `await`, before it returns. Listeners added or dropped meanwhile do not change a delivery under way.
 * Whatever a listener throws or rejects with is published on {@link EventBroker.listenerErrors}, or on the process
 * warning channel when that has no subscriber; neither the emitter nor another listener is affected.
 *
 * An instance is cheap: make as many as you like over one hub. Without a context it follows
 * {@link BrokerContext.current} at every call.
 */
export class EventBroker {
  readonly #hub: BrokerHub
  readonly #context: BrokerContext | undefined

  /** @throws TypeError for what is no hub, or no context */
  constructor(hub?: BrokerHub, context?: BrokerContext) {
    this.#hub = hubOf(hub)
    this.#context = contextOf(context)
  }

  /** The context that this broker speaks in. */
  get context(): BrokerContext {
    return this.#context ?? BrokerContext.current
  }

  /**
   * The same broker in another context.
   *
   * @throws TypeError for what is no context, `undefined` included
   */
  in(context: BrokerContext): EventBroker {
    checkContext(context)
    return new EventBroker(this.#hub, context)
  }

  /** Delivers an event to every listener of the context. Never throws, except for a TypeError when the event is none. */
  emit<Payload>(event: EventDefinition<Payload>, ...args: PayloadArgs<NoInfer<Payload>>): void {
    this.#hub.emit(this.context, event, args[0] as Payload)
  }

  /**
   * Delivers an event and waits until every listener has finished. The outcomes are in the order of registration and
   * hold every failure. Never rejects.
   *
   * @throws TypeError when the event is none
   */
  emitSettled<Payload>(
    event: EventDefinition<Payload>,
    ...args: PayloadArgs<NoInfer<Payload>>
  ): Promise<ListenerOutcome[]> {
    return this.#hub.emitSettled(this.context, event, args[0] as Payload)
  }

  /**
   * The event as a hot stream: a subscriber sees what is emitted after it subscribed, in order, synchronously within
   * `emit`. It never errors and never completes; unsubscribe to stop. A subscriber that throws or rejects keeps its
   * subscription, and its error is reported like that of a listener.
   *
   * @throws TypeError when the event is none
   */
  on<Payload>(event: EventDefinition<Payload>): Observable<Payload> {
    // Whoever subscribes is too late to be told: RxJS throws it as an uncaught exception.
    checkDefinition(event, 'event')
    const context = this.context
    let failures: unknown[] | undefined
    const report = (error: unknown): void => {
      if (failures === undefined)
        this.#hub.report({ context, event: event.name, listenerId: 0, error }, false)
      else failures.push(error)
    }
    return new IsolatedObservable<Payload>(report, (subscriber) => {
      // Fails like any other listener, so that `emitSettled` gets it as an outcome.
      const handle = this.#hub.listen(context, event, (payload) => {
        const outer = failures
        const mine: unknown[] = []
        failures = mine
        try {
          subscriber.next(payload)
        } finally {
          failures = outer
        }
        for (const error of mine.slice(1)) report(error)
        if (mine.length > 0) throw mine[0]
      })
      return () => void handle.drop()
    })
  }

  /**
   * Calls `handler` with every event from now on. The handler may be async: its promise is watched, and events do not
   * wait for it.
   *
   * @throws TypeError when the event is none, or the handler is no function
   */
  listen<Payload>(event: EventDefinition<Payload>, handler: EventHandler<Payload>): ListenerHandle {
    return this.#hub.listen(this.context, event, handler)
  }

  /** Drops every listener and stream subscription of one event in this context; see {@link ListenerHandle.drop}. */
  async dropAll<Payload>(event: EventDefinition<Payload>, options?: DropOptions): Promise<boolean> {
    const dropped = this.#hub.listeners(this.context, event).map((listener) => listener.drop(options))
    return (await Promise.all(dropped)).every(Boolean)
  }

  /** How many listeners and subscribers of the application an event has in this context. */
  listenerCount<Payload>(event: EventDefinition<Payload>): number {
    return this.#hub.listeners(this.context, event).length
  }

  /** Every failure of a listener or subscriber in this context, as a stream that never errors. */
  get listenerErrors(): Observable<ListenerError> {
    return this.on(ListenerFailed)
  }
}
