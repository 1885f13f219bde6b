/** Owns the instances of interfaces: wiring an implementation into a context of its own, and taking it out again. */
import { err, ok, type Result, ResultAsync } from 'neverthrow'
import { isResult } from '../runtime/is-result.js'
import { messageOf } from '../runtime/message-of.js'
import { type ClientOf, clientOf } from './client.js'
import { BrokerContext } from './context.js'
import {
  defineRequest,
  type EventDefinition,
  type RequestDefinition,
  type SignalDefinition
} from './definitions.js'
import { BrokerError } from './errors.js'
import { EventBroker } from './event-broker.js'
import { BrokerHub } from './hub.js'
import { checkInterface, type ImplementationOf, type InterfaceDefinition } from './interface.js'
import { RequestBroker } from './request-broker.js'
import { SignalBroker } from './signal-broker.js'

export interface InstanceOptions {
  /** Default: the hub of this thread. */
  readonly hub?: BrokerHub | undefined
  /** Where the instance lives; one instance of an interface per context. Default: a new context. */
  readonly context?: BrokerContext | undefined
}

/** The parts of an instance that exist while its implementation is being made. */
export interface InstanceScope {
  readonly context: BrokerContext
  readonly events: EventBroker
  readonly requests: RequestBroker
  readonly signals: SignalBroker
}

/** An implementation of an interface, wired into a context. */
export interface Instance<Interface extends InterfaceDefinition> extends InstanceScope {
  readonly definition: Interface
  /** Calls the instance through the brokers, as any other caller does. */
  readonly client: ClientOf<Interface>
  /**
   * Withdraws its providers and handlers, and drops the listeners of its events in its context.
   * Calls then fail with `noProvider` and `noHandler`. Other instances stay. Repeating it is harmless.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes an implementation; the instance is wired only when it succeeds. */
export type Constructor<Interface extends InterfaceDefinition, Failure> = (
  scope: InstanceScope
) =>
  | ImplementationOf<Interface>
  | Result<ImplementationOf<Interface>, Failure>
  | PromiseLike<ImplementationOf<Interface> | Result<ImplementationOf<Interface>, Failure>>

/**
 * Wires an object or a class instance as an implementation. Nothing is wired when one of its requests or signals is provided
 * or handled already.
 *
 * Errors: `alreadyProvided`, `alreadyHandled`.
 * @throws TypeError when a method is missing, and for what is no interface
 */
export function implement<Interface extends InterfaceDefinition>(
  definition: Interface,
  implementation: ImplementationOf<Interface>,
  options: InstanceOptions = {}
): Result<Instance<Interface>, BrokerError> {
  return wire(definition, implementation, scopeOf(definition, options))
}

/**
 * Makes an implementation, which may use the context it will live in, and wires it. When that fails, listeners of its
 * events are dropped, unless the context was given: then the constructor has to drop what it registered there.
 *
 * Errors: those that the constructor returns; `factoryFailed` when it throws or rejects; those of `implement`.
 * @throws TypeError for what is no interface
 */
export function createInstance<Interface extends InterfaceDefinition, Failure = never>(
  definition: Interface,
  construct: Constructor<Interface, Failure>,
  options: InstanceOptions = {}
): ResultAsync<Instance<Interface>, Failure | BrokerError> {
  const scope = scopeOf(definition, options)
  const make = async (): Promise<Result<Instance<Interface>, Failure | BrokerError>> => {
    try {
      const made = await construct(scope)
      if (!isResult(made)) return wire(definition, made, scope)
      return made.isErr() ? err(made.error as Failure) : wire(definition, made.value, scope)
    } catch (cause) {
      const message = `an implementation of "${definition.name}" could not be made: ${messageOf(cause)}`
      return err(new BrokerError('factoryFailed', message, { cause }))
    }
  }
  const made = new ResultAsync(make())
  return options.context === undefined ? made.orTee(() => void dropListeners(definition, scope.events)) : made
}

interface Scope extends InstanceScope {
  readonly hub: BrokerHub
}

function scopeOf(definition: InterfaceDefinition, options: InstanceOptions): Scope {
  checkInterface(definition)
  const { hub = BrokerHub.default, context = BrokerContext.create(definition.name) } = options
  return {
    hub,
    context,
    events: new EventBroker(hub, context),
    requests: new RequestBroker(hub, context),
    signals: new SignalBroker(hub, context)
  }
}

function wire<Interface extends InterfaceDefinition>(
  definition: Interface,
  implementation: ImplementationOf<Interface>,
  { hub, context, requests, signals, events }: Scope
): Result<Instance<Interface>, BrokerError> {
  const methods = implementation as Readonly<Record<string, unknown>>
  const method = (name: string): ((...args: unknown[]) => unknown) => {
    const found = methods[name]
    if (typeof found === 'function') return found.bind(implementation) as (...args: unknown[]) => unknown
    throw new TypeError(`an implementation of "${definition.name}" lacks the method "${name}"`)
  }
  const wanted = [
    ...Object.entries(definition.requests).map(([name, request]) => {
      const provider = method(name)
      return () =>
        requests
          .provide(request as RequestDefinition<unknown, unknown, unknown>, provider)
          .map((handle) => () => handle.remove())
    }),
    ...Object.entries(definition.signals).map(([name, signal]) => {
      const handler = method(name)
      return () =>
        signals.on(signal as SignalDefinition<unknown>, handler).map((handle) => () => handle.drop())
    }),
    () => takePlace(definition, requests)
  ]
  const undo: (() => void | Promise<void>)[] = []
  for (const install of wanted) {
    const installed = install()
    if (installed.isErr()) {
      for (const step of undo) void step()
      return err(installed.error)
    }
    undo.push(installed.value)
  }
  undo.push(() => dropListeners(definition, events))
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= Promise.all(undo.map((step) => step())).then(() => undefined)
    return closed
  }
  const client = clientOf(definition, context, hub)
  return ok({ definition, context, requests, signals, events, client, close, [Symbol.asyncDispose]: close })
}

/** Marks the interface as implemented in the context, also one that has only events. */
function takePlace({ name }: InterfaceDefinition, requests: RequestBroker): Result<() => void, BrokerError> {
  const place = defineRequest<void, void>(`brokers.instance/${name}`, { sync: true })
  return requests
    .provide(place, () => undefined)
    .map((handle) => () => handle.remove())
    .mapErr(({ kind }) => {
      const message = `interface "${name}" is implemented already in context ${requests.context.toString()}`
      return new BrokerError(kind, message)
    })
}

/** Drops the listeners of the interface's events in its context. */
async function dropListeners(
  { events: definitions }: InterfaceDefinition,
  events: EventBroker
): Promise<void> {
  await Promise.all(
    Object.values(definitions).map((event) => events.dropAll(event as EventDefinition<unknown>))
  )
}
