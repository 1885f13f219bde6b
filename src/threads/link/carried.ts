/** Owns which messages a link carries. */
import type {
  EventDefinition,
  MultiRequestDefinition,
  RequestDefinition,
  SignalDefinition
} from '../../brokers/definitions.js'

export type AnyEvent = EventDefinition<unknown>
export type AnyRequest = RequestDefinition<unknown, unknown, unknown>
export type AnyMultiRequest = MultiRequestDefinition<unknown, unknown, unknown>
export type AnySignal = SignalDefinition<unknown>

/** Any message that a link can carry. */
export type CarriedMessage = AnyEvent | AnyRequest | AnyMultiRequest | AnySignal

/** What a link carries for one context, as seen from this side. */
export interface Routes {
  /** Events and signals of this side go to the other one; requests of this side are answered there. */
  readonly send: readonly CarriedMessage[]
  /** Events and signals of the other side come to this one; requests of the other side are answered here. */
  readonly receive: readonly CarriedMessage[]
  /** Exempts the requests from `maxPendingRequests`: they must not be refused. @internal */
  readonly unlimited?: boolean | undefined
}

/** What a worker and the thread that starts it exchange, in every context that the worker serves. */
export interface ThreadContract {
  /** Events and signals that the worker gets; requests and multi-requests that it answers. */
  readonly toWorker: readonly CarriedMessage[]
  /** Events and signals that the worker emits; requests and multi-requests that it makes. */
  readonly toHost: readonly CarriedMessage[]
  /** Further messages that this worker may exchange with other workers, see `WorkerHost.connect`. */
  readonly toPeers?: readonly CarriedMessage[]
}

/** Whether two stand for the same message: a definition, or what names one. */
export function isSameMessage(
  one: Pick<CarriedMessage, 'kind' | 'name'>,
  other: Pick<CarriedMessage, 'kind' | 'name'>
): boolean {
  return one.kind === other.kind && one.name === other.name
}
