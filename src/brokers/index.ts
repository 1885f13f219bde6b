/// <reference lib="esnext.disposable" preserve="true" />
/** 'persistency/brokers': typed messages between the parts of a program, isolated by context. */
export type { ByteReader } from '../bytes/byte-reader.js'
export type { ByteWriter } from '../bytes/byte-writer.js'
export type { WireCodec } from '../bytes/wire-codec.js'
export type { CancelSignal } from '../runtime/platform.js'
export type { Answer, RequestProvider } from './adapt-provider.js'
export type { PayloadArgs, RequestArgs } from './arguments.js'
export { type ClientOf, clientOf } from './client.js'
export type { Outcome } from './collect.js'
export { BrokerContext, type BrokerContextData } from './context.js'
export {
  DEFAULT_QUEUE_DEPTH,
  DEFAULT_TIMEOUT_MS,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  type EventDefinition,
  type MultiRequestDefinition,
  type RequestCodecs,
  type RequestDefinition,
  type RequestDefinitionOptions,
  type SignalDefinition,
  type SyncRequestDefinition
} from './definitions.js'
export { BrokerError, type BrokerErrorData, type BrokerErrorKind } from './errors.js'
export { EventBroker } from './event-broker.js'
export { createFromFactory, type InstanceFactory, provideFactory } from './factory.js'
export { BrokerHub, ListenerFailed } from './hub.js'
export {
  type Constructor,
  createInstance,
  type Instance,
  type InstanceOptions,
  type InstanceScope,
  implement
} from './instance.js'
export {
  defineInterface,
  type EventMap,
  type ImplementationOf,
  type InterfaceDefinition,
  type RequestMap,
  type SignalMap
} from './interface.js'
export type {
  DropOptions,
  EventHandler,
  ListenerError,
  ListenerHandle,
  ListenerOutcome,
  ListenerScope,
  ListenOptions
} from './listener.js'
export { MultiRequestBroker } from './multi-request-broker.js'
export type { RequestOptions } from './pending-call.js'
export type { Call, Provider, ProviderCall, ProviderHandle, RequestHandler } from './provider.js'
export {
  type ProviderOf,
  RequestBroker,
  type SyncRequestProvider
} from './request-broker.js'
export type { RequestTrace } from './request-trace.js'
export { type HandlerHandle, SignalBroker } from './signal-broker.js'
export type { HandlerScope, SignalHandler } from './signal-queue.js'
export { joinTeardown, Teardown, type TeardownFailure, type TornDown, tearDown } from './teardown.js'
export type { Turns } from './turns.js'
export { unwrap } from './unwrap.js'
