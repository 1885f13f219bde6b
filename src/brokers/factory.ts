/** Owns making instances through a factory that is provided elsewhere, by callers that know only the interface. */
import { errAsync, type Result, type ResultAsync } from 'neverthrow'
import { BrokerContext } from './context.js'
import { defineRequest, type RequestDefinition } from './definitions.js'
import { BrokerError } from './errors.js'
import { BrokerHub } from './hub.js'
import type { Instance, InstanceOptions } from './instance.js'
import { checkInterface, type InterfaceDefinition } from './interface.js'
import type { ProviderHandle } from './provider.js'
import { RequestBroker } from './request-broker.js'

/** Makes an instance from a configuration; caller and factory agree on the type of that. */
export type InstanceFactory<Interface extends InterfaceDefinition, Config> = (
  config: Config
) =>
  | Result<Instance<Interface>, unknown>
  | ResultAsync<Instance<Interface>, unknown>
  | Promise<Result<Instance<Interface>, unknown>>

/**
 * Provides the factory of an interface in a context (default: the current one). The last one wins.
 * Instances live on the thread of their factory, so a factory serves its own thread only.
 *
 * @throws TypeError for what is no interface
 */
export function provideFactory<Interface extends InterfaceDefinition, Config = void>(
  definition: Interface,
  factory: InstanceFactory<Interface, Config>,
  options: InstanceOptions = {}
): ProviderHandle {
  return brokerOf(options).replace(factoryRequest<Interface, Config>(definition), (config) => factory(config))
}

/**
 * Has the factory of an interface make an instance.
 *
 * There is no time limit. Errors: `noFactory`; `factoryFailed` when the factory threw, rejected or
 * answered an error, which is the `cause`.
 *
 * @throws TypeError for what is no interface
 */
export function createFromFactory<Interface extends InterfaceDefinition, Config = void>(
  definition: Interface,
  config: Config,
  options: InstanceOptions = {}
): ResultAsync<Instance<Interface>, BrokerError> {
  const request = factoryRequest<Interface, unknown>(definition)
  const broker = brokerOf(options)
  if (!broker.isProvided(request)) {
    const message = `nobody provides a factory for interface "${definition.name}"`
    return errAsync(new BrokerError('noFactory', message))
  }
  return broker.request(request, config).mapErr((error) => factoryFailed(definition, error))
}

function brokerOf({
  hub = BrokerHub.default,
  context = BrokerContext.current
}: InstanceOptions): RequestBroker {
  return new RequestBroker(hub, context)
}

function factoryRequest<Interface extends InterfaceDefinition, Config>(
  definition: Interface
): RequestDefinition<Config, Instance<Interface>, unknown> {
  checkInterface(definition)
  // No time limit: an instance made after its caller gave up would never be closed.
  const timeoutMs = Number.POSITIVE_INFINITY
  return defineRequest<Config, Instance<Interface>, unknown>(`brokers.factory/${definition.name}`, {
    timeoutMs
  })
}

function factoryFailed(definition: InterfaceDefinition, error: unknown): BrokerError {
  const cause = BrokerError.is(error) && error.kind === 'providerFailed' ? error.cause : error
  return new BrokerError('factoryFailed', `the factory of interface "${definition.name}" failed`, { cause })
}
