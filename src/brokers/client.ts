/** Owns the typed client of an interface: its methods go through the brokers of a context. */
import type { Result, ResultAsync } from 'neverthrow'
import type { PayloadArgs, RequestArgs } from './arguments.js'
import type { BrokerContext } from './context.js'
import type { RequestDefinition, SignalDefinition, SyncRequestDefinition } from './definitions.js'
import type { BrokerError } from './errors.js'
import { BrokerHub } from './hub.js'
import { checkInterface, type InterfaceDefinition } from './interface.js'
import { RequestBroker } from './request-broker.js'
import { SignalBroker } from './signal-broker.js'

/** One method for each request, which returns what `request` or `requestSync` does, and one for each signal. */
export type ClientOf<Interface extends InterfaceDefinition> = {
  readonly [Method in keyof Interface['requests']]: CallOf<Interface['requests'][Method]>
} & {
  readonly [Method in keyof Interface['signals']]: SignalOf<Interface['signals'][Method]>
}

type CallOf<Definition> =
  Definition extends SyncRequestDefinition<infer Payload, infer Response, infer Failure>
    ? (...args: PayloadArgs<Payload>) => Result<Response, Failure | BrokerError>
    : Definition extends RequestDefinition<infer Payload, infer Response, infer Failure>
      ? (...args: RequestArgs<Payload>) => ResultAsync<Response, Failure | BrokerError>
      : never

type SignalOf<Definition> =
  Definition extends SignalDefinition<infer Payload>
    ? (...args: PayloadArgs<Payload>) => Result<void, BrokerError>
    : never

/**
 * A client of the implementation of an interface in a context, on this thread or another. Each call looks the provider
 * up anew, so a scoped replacement is honoured.
 *
 * @throws TypeError for what is no interface
 */
export function clientOf<Interface extends InterfaceDefinition>(
  definition: Interface,
  context: BrokerContext,
  hub: BrokerHub = BrokerHub.default
): ClientOf<Interface> {
  checkInterface(definition)
  const requests = new RequestBroker(hub, context)
  const signals = new SignalBroker(hub, context)
  const client: Record<string, unknown> = {}
  for (const [method, request] of Object.entries(definition.requests)) {
    const sync = request as unknown as SyncRequestDefinition<unknown, unknown, unknown>
    client[method] = request.sync
      ? (payload: unknown) => requests.requestSync(sync, payload)
      : (...args: RequestArgs<unknown>) =>
          requests.request(request as RequestDefinition<unknown, unknown, unknown>, ...args)
  }
  for (const [method, signal] of Object.entries(definition.signals)) {
    client[method] = (payload: unknown) => signals.signal(signal as SignalDefinition<unknown>, payload)
  }
  return Object.freeze(client) as ClientOf<Interface>
}
