/**
 * Owns one thread's registry: the listeners, providers and handlers of each context. It delivers; the broker classes are
 * its typed faces. Free of RxJS, so that a worker that needs only delivery stays small.
 */
import { Deadlines } from '../runtime/deadlines.js'
import { textOf } from '../runtime/message-of.js'
import { sharedByCopies } from '../runtime/shared-by-copies.js'
import { warnThrottled } from '../runtime/warnings.js'
import { checkDefinition } from './check-definition.js'
import type { BrokerContext } from './context.js'
import {
  defineEvent,
  type EventDefinition,
  type MultiRequestDefinition,
  type RequestDefinition,
  type SignalDefinition
} from './definitions.js'
import { noProvider } from './errors.js'
import { EventChannel } from './event-channel.js'
import type {
  EventHandler,
  ListenerError,
  ListenerHandle,
  ListenerOutcome,
  ListenOptions
} from './listener.js'
import { MultiChannel, type MultiProvider } from './multi-channel.js'
import type { Call, Provider, ProviderHandle, RequestHandler } from './provider.js'
import { Registration } from './registration.js'
import type { SignalTarget } from './signal-queue.js'
import { Turns } from './turns.js'
import { World } from './world.js'

/** Published in a context whenever one of its listeners fails; `EventBroker.listenerErrors` is its stream. */
export const ListenerFailed: EventDefinition<ListenerError> =
  defineEvent<ListenerError>('brokers.listenerFailed')

/** Published in a context whenever the handler of a signal may have been added or removed; carries the name of the signal. */
export const HandlerChanged: EventDefinition<string> = defineEvent<string>('brokers.handlerChanged')

/** Published in a context when a caller waits for the outcome of events emitted there, as it would for an answer. */
export const OutcomeAwaited: EventDefinition<void> = defineEvent<void>('brokers.outcomeAwaited')

const DEFAULT_HUB = Symbol.for('persistency.defaultHub/1')

/**
 * One thread's registry of listeners and providers.
 *
 * Programs normally use {@link BrokerHub.default} through the broker classes; a hub of one's own is a second,
 * separate universe, for instance for a test. Not shared between threads: links carry messages across.
 */
export class BrokerHub {
  readonly #worlds = new Map<string, World>()
  readonly #forget = (world: World): void => {
    if (this.#worlds.get(world.context.id) === world) this.#worlds.delete(world.context.id)
  }
  /** Time limits of the calls made through this hub. @internal */
  readonly deadlines: Deadlines = new Deadlines()
  /** Postpones work to the end of the current batch of messages. */
  readonly turns: Turns = new Turns()

  /** The hub of this thread; the same one for every copy of this package that is loaded. */
  static get default(): BrokerHub {
    return sharedByCopies(DEFAULT_HUB, () => new BrokerHub())
  }

  /**
   * Adds a listener of events emitted from now on. Listeners are called in the order they were added, those marked
   * `internal` first.
   *
   * @throws TypeError when the event is none, or the handler is no function
   */
  listen<Payload>(
    context: BrokerContext,
    event: EventDefinition<Payload>,
    handler: EventHandler<Payload>,
    options: ListenOptions = {}
  ): ListenerHandle {
    return this.#listen(context, event, handler, options, false)
  }

  /** Adds a listener that is called with a run of events, those that arrived together: at least one, in order. */
  listenToRuns<Payload>(
    context: BrokerContext,
    event: EventDefinition<Payload>,
    handler: EventHandler<Iterable<Payload>>
  ): ListenerHandle {
    return this.#listen(context, event, handler, {}, true)
  }

  /**
   * Delivers an event to all its listeners in the order they registered, now. Never throws, except for a TypeError when
   * the event is none. That is looked for only where nobody listens: what has a listener was checked then.
   */
  emit<Payload>(
    context: BrokerContext,
    event: EventDefinition<Payload>,
    payload: Payload,
    origin?: unknown
  ): void {
    const channel = this.#worlds.get(context.id)?.channels.get(event?.name)
    if (channel !== undefined) channel.deliver(payload, origin)
    else checkDefinition(event, 'event')
  }

  /** Delivers events that arrived together: all of them to one listener, then to the next. Never throws. */
  emitRun<Payload>(
    context: BrokerContext,
    event: EventDefinition<Payload>,
    run: Iterable<Payload>,
    origin?: unknown
  ): void {
    const channel = this.#worlds.get(context.id)?.channels.get(event?.name)
    if (channel !== undefined) channel.deliverRun(run, origin)
    else checkDefinition(event, 'event')
  }

  /** Delivers an event and waits for every listener. Never rejects. */
  emitSettled<Payload>(
    context: BrokerContext,
    event: EventDefinition<Payload>,
    payload: Payload
  ): Promise<ListenerOutcome[]> {
    checkDefinition(event, 'event')
    return this.#emitSettled(context, event.name, payload)
  }

  /** The listeners of an event that the application registered. */
  listeners<Payload>(context: BrokerContext, event: EventDefinition<Payload>): readonly ListenerHandle[] {
    checkDefinition(event, 'event')
    const listeners = this.#worlds.get(context.id)?.channels.get(event.name)?.listeners ?? []
    return listeners.filter((listener) => !listener.internal)
  }

  /**
   * Registers a provider, or returns `undefined` when the context has one already.
   *
   * @throws TypeError when the request is none
   */
  provide<Payload, Response, Failure>(
    context: BrokerContext,
    request: RequestDefinition<Payload, Response, Failure>,
    handler: RequestHandler,
    source?: unknown
  ): ProviderHandle | undefined {
    checkDefinition(request, 'request')
    if (this.provider(context, request) !== undefined) return undefined
    return this.replace(context, request, { handler, source })
  }

  /**
   * Registers a provider, in place of the present one if there is one.
   *
   * @throws TypeError when the request is none
   */
  replace<Payload, Response, Failure>(
    context: BrokerContext,
    request: RequestDefinition<Payload, Response, Failure>,
    provider: Provider
  ): ProviderHandle {
    checkDefinition(request, 'request')
    this.#world(context).providers.set(request.name, provider)
    return new Registration(this, context, request as RequestDefinition<unknown, unknown, unknown>, provider)
  }

  /** Removes the provider of a request, if there is one. */
  withdraw<Payload, Response, Failure>(
    context: BrokerContext,
    request: RequestDefinition<Payload, Response, Failure>
  ): void {
    checkDefinition(request, 'request')
    this.#worlds.get(context.id)?.withdraw(request.name)
  }

  /** The provider that would answer a request now; none for what is no request, which calls look at only then. */
  provider<Payload, Response, Failure>(
    context: BrokerContext,
    request: RequestDefinition<Payload, Response, Failure>
  ): Provider | undefined {
    return this.#worlds.get(context.id)?.providers.get(request?.name)
  }

  /** Hands a call to the provider, synchronously, so that calls reach it in the order they are made. */
  call<Payload, Response, Failure>(
    request: RequestDefinition<Payload, Response, Failure>,
    payload: Payload,
    call: Call
  ): void {
    const provider = this.provider(call.context, request)
    if (provider === undefined) call.reject(noProvider(request.name, call.context))
    else provider.handler(payload, call)
  }

  /** Adds a provider of a multi-request, after the present ones; the same function is registered once. @internal */
  addProvider<Payload, Response, Failure>(
    context: BrokerContext,
    request: MultiRequestDefinition<Payload, Response, Failure>,
    provider: MultiProvider
  ): ProviderHandle {
    checkDefinition(request, 'multiRequest')
    const world = this.#world(context)
    let channel = world.multiChannels.get(request.name)
    if (channel === undefined) {
      channel = new MultiChannel(() => {
        world.multiChannels.delete(request.name)
        world.tidy()
      })
      world.multiChannels.set(request.name, channel)
    }
    return channel.add(provider)
  }

  /** The providers of a multi-request, in the order they were added. @internal */
  multiProviders<Payload, Response, Failure>(
    context: BrokerContext,
    request: MultiRequestDefinition<Payload, Response, Failure>
  ): readonly MultiProvider[] {
    checkDefinition(request, 'multiRequest')
    return this.#worlds.get(context.id)?.multiChannels.get(request.name)?.providers ?? []
  }

  /** Removes every provider of a multi-request. */
  clearProviders<Payload, Response, Failure>(
    context: BrokerContext,
    request: MultiRequestDefinition<Payload, Response, Failure>
  ): void {
    checkDefinition(request, 'multiRequest')
    this.#worlds.get(context.id)?.multiChannels.get(request.name)?.clear()
  }

  /** What accepts the signals, if anything does. @internal */
  signalTarget<Payload>(context: BrokerContext, signal: SignalDefinition<Payload>): SignalTarget | undefined {
    return this.#worlds.get(context.id)?.signals.get(signal.name)
  }

  /** Replaces the target; `undefined` removes it. @internal */
  setSignalTarget<Payload>(
    context: BrokerContext,
    signal: SignalDefinition<Payload>,
    target: SignalTarget | undefined
  ): void {
    const world = this.#world(context)
    if (target !== undefined) world.signals.set(signal.name, target)
    else {
      world.signals.delete(signal.name)
      world.tidy()
    }
    this.emit(context, HandlerChanged, signal.name)
  }

  /** How many contexts hold a listener or a provider. */
  get contextCount(): number {
    return this.#worlds.size
  }

  /** Not in `emitSettled`, which throws at once what is no event. */
  async #emitSettled(context: BrokerContext, event: string, payload: unknown): Promise<ListenerOutcome[]> {
    return (await this.#worlds.get(context.id)?.channels.get(event)?.settle(payload)) ?? []
  }

  #listen<Payload, Taken>(
    context: BrokerContext,
    event: EventDefinition<Payload>,
    handler: EventHandler<Taken>,
    options: ListenOptions,
    runs: boolean
  ): ListenerHandle {
    checkDefinition(event, 'event')
    if (typeof handler !== 'function') {
      throw new TypeError(`a listener of "${event.name}" must be a function; got ${textOf(handler)}`)
    }
    return this.#channel(context, event.name).add(handler as EventHandler<unknown>, options, runs)
  }

  #world(context: BrokerContext): World {
    let world = this.#worlds.get(context.id)
    if (world === undefined) {
      world = new World(context, this.#forget)
      this.#worlds.set(context.id, world)
    }
    return world
  }

  #channel(context: BrokerContext, event: string): EventChannel {
    const world = this.#world(context)
    let channel = world.channels.get(event)
    if (channel === undefined) {
      const report = (failure: ListenerError, answered: boolean): void => this.report(failure, answered)
      channel = new EventChannel(world.context, event, report, () => {
        world.channels.delete(event)
        world.tidy()
      })
      world.channels.set(event, channel)
    }
    return channel
  }

  /**
   * Publishes a failure of a listener. When the application does not listen to failures, and the emitter does not get this
   * one as an outcome, it goes to the process warning channel.
   */
  report(failure: ListenerError, answered: boolean): void {
    const nested = failure.event === ListenerFailed.name
    // Checked first: a watcher may drop itself on this failure.
    const watched = !nested && this.listeners(failure.context, ListenerFailed).length > 0
    if (!nested) this.emit(failure.context, ListenerFailed, failure)
    if (answered || watched) return
    const subject = `a listener of "${failure.event}" failed in context ${failure.context.label}`
    warnThrottled('PERSISTENCY_LISTENER_FAILED', subject, failure.error)
  }
}
