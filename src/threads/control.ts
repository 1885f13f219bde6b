/** Owns the messages about contexts between a host and its worker. They travel like any other message. */
import type { BrokerContextData } from '../brokers/context.js'
import {
  defineEvent,
  defineRequest,
  type EventDefinition,
  type RequestDefinition
} from '../brokers/definitions.js'
import type { CarriedMessage, ThreadContract } from './link/carried.js'
import type { LaneId } from './port/lanes.js'

/** What a worker is started with. */
export interface WorkerStart {
  /** The context of these messages. */
  readonly control: BrokerContextData
  /** Numbers that both threads share; see {@link StateIndex}. */
  readonly state: SharedArrayBuffer
  /** The rings through which small frames travel. */
  readonly toWorker: SharedArrayBuffer
  readonly toHost: SharedArrayBuffer
}

/** The flags that host and worker share: each is 0, and set to 1 once. */
export const StateIndex = {
  /** The worker has closed everything it served. */
  stopped: 0,
  /** The host wants the worker to end now: code that waits there should give up. */
  urgent: 1,
  /** The worker has called `serveBrokers`: it sets `stopped` when it ends, for whatever reason. */
  serving: 2,
  /** The process of the host is ending. */
  exiting: 3
} as const

export const STATE_BYTES = 16

/** Names a message: definitions hold functions, so they cannot cross threads. */
export interface MessageName {
  readonly kind: CarriedMessage['kind']
  readonly name: string
}

/** Asks for a link to another worker, over a port that was posted before under `id`. */
export interface PeerRequest {
  readonly id: number
  /** Identifies the other worker. */
  readonly worker: string
  readonly context: BrokerContextData
  readonly send: readonly MessageName[]
  readonly receive: readonly MessageName[]
}

/** Identifies one serving of a context, from its set-up to its release. */
export interface Serving {
  readonly serving: number
}

/** A context to be served. */
export interface ServeRequest extends Serving {
  readonly context: BrokerContextData
  readonly data: unknown
  /** The lane that carries its messages; absent when all contexts share one link. */
  readonly lane: LaneId | undefined
}

/** Asks the worker to set up a context. Fails with the error of the set-up, whatever its type. */
export const ServeContext: RequestDefinition<ServeRequest, void, unknown> =
  defineRequest('threads.serveContext')

/** Why a context cannot be set up a second time. */
export function servedAlready(): Error {
  return new Error('it is served already, or has not been closed yet')
}

/** Tells the worker that the host no longer waits for the set-up of a context. */
export const AbandonContext: EventDefinition<Serving> = defineEvent('threads.abandonContext')

/** Asks the worker to close what it set up for a context. */
export const ReleaseContext: RequestDefinition<Serving, void, unknown> =
  defineRequest('threads.releaseContext')

/** Asks the worker to link itself to another one. */
export const ConnectPeer: RequestDefinition<PeerRequest, void, unknown> = defineRequest('threads.connectPeer')

/** Tells the worker to close everything and end. */
export const StopWorker: EventDefinition<void> = defineEvent<void>('threads.stopWorker')

/** What a host and its worker exchange in the control context. */
export const CONTROL_CONTRACT: ThreadContract = {
  toWorker: [ServeContext, AbandonContext, ReleaseContext, ConnectPeer, StopWorker],
  toHost: []
}

/** A port posted to a worker: the only thing that travels outside of frames. */
export interface PortDelivery<Port> {
  readonly peer: number
  /** Absent to withdraw a port that was posted before. */
  readonly port: Port | undefined
}

export function nameOf({ kind, name }: CarriedMessage): MessageName {
  return { kind, name }
}
