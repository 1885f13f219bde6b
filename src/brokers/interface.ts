/** Owns the declaration of an interface: a group of requests, signals and events that belong together. */
import type { RequestProvider } from './adapt-provider.js'
import { checkDefinition, gotInstead } from './check-definition.js'
import {
  checkName,
  type EventDefinition,
  type RequestDefinition,
  type SignalDefinition,
  type SyncRequestDefinition
} from './definitions.js'
import type { SyncRequestProvider } from './request-broker.js'
import type { SignalHandler } from './signal-queue.js'

/** The requests of an interface by method name. */
export type RequestMap = Readonly<Record<string, RequestDefinition<unknown, unknown, unknown>>>
/** The signals of an interface by method name. */
export type SignalMap = Readonly<Record<string, SignalDefinition<unknown>>>
/** The events of an interface by name. */
export type EventMap = Readonly<Record<string, EventDefinition<unknown>>>

/** A declared interface. See {@link defineInterface}. */
export interface InterfaceDefinition<
  Requests extends RequestMap = RequestMap,
  Signals extends SignalMap = SignalMap,
  Events extends EventMap = EventMap
> {
  readonly name: string
  readonly requests: Requests
  readonly signals: Signals
  readonly events: Events
}

/** What implements an interface: one method for each request and each signal. */
export type ImplementationOf<Interface extends InterfaceDefinition> = {
  readonly [Method in keyof Interface['requests']]: MethodOf<Interface['requests'][Method]>
} & {
  readonly [Method in keyof Interface['signals']]: HandlerOf<Interface['signals'][Method]>
}

type MethodOf<Definition> =
  Definition extends SyncRequestDefinition<infer Payload, infer Response, infer Failure>
    ? SyncRequestProvider<Payload, Response, Failure>
    : Definition extends RequestDefinition<infer Payload, infer Response, infer Failure>
      ? RequestProvider<Payload, Response, Failure>
      : never

type HandlerOf<Definition> =
  Definition extends SignalDefinition<infer Payload> ? SignalHandler<Payload> : never

type NoRequests = Readonly<Record<never, never>>

/**
 * Declares a group of requests, signals and events, for its implementations and its callers.
 *
 * @throws TypeError when two methods share a name, when one is called `then`, when a part is no message of its kind, or
 *   the name is not a non-empty, well-formed string
 * @example
 * const Thermostat = defineInterface('thermostat', { requests: { read: ReadTemperature }, events: { changed: Changed } })
 */
export function defineInterface<
  Requests extends RequestMap = NoRequests,
  Signals extends SignalMap = NoRequests,
  Events extends EventMap = NoRequests
>(
  name: string,
  parts: { readonly requests?: Requests; readonly signals?: Signals; readonly events?: Events }
): InterfaceDefinition<Requests, Signals, Events> {
  checkName(name, 'an interface')
  const requests = parts.requests ?? ({} as Requests)
  const signals = parts.signals ?? ({} as Signals)
  if (Object.hasOwn(requests, 'then') || Object.hasOwn(signals, 'then')) {
    throw new TypeError(
      `interface "${name}" has a method "then", which would make its client look like a promise`
    )
  }
  for (const method of Object.keys(signals)) {
    if (Object.hasOwn(requests, method)) {
      throw new TypeError(`interface "${name}" has a request and a signal that are both called "${method}"`)
    }
  }
  const events = parts.events ?? ({} as Events)
  const of = (list: string, part: string): string => `${list}.${part} of interface "${name}"`
  for (const [part, it] of Object.entries(requests)) checkDefinition(it, 'request', of('requests', part))
  for (const [part, it] of Object.entries(signals)) checkDefinition(it, 'signal', of('signals', part))
  for (const [part, it] of Object.entries(events)) checkDefinition(it, 'event', of('events', part))
  return Object.freeze({ name, requests, signals, events })
}

/** @throws TypeError for what is no interface */
export function checkInterface(definition: InterfaceDefinition | undefined): void {
  const { name, requests, signals, events } = definition ?? {}
  if (typeof name === 'string' && requests && signals && events) return
  throw new TypeError(`the interface must be one that defineInterface made; ${gotInstead(definition)}`)
}
