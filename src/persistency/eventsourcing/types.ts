/** Owns the shapes of subscriptions that callers see. */
import type { CancelSignal } from '../../runtime/platform.js'
import type { AppendOptions, JournalEvent, NewEvent, RecordedEvent } from '../journal/types.js'
import type { TxOp } from '../types.js'
import type { DomainEvent, EventCodec } from './domain-events.js'

/**
 * Where a subscription begins that has no checkpoint yet: `beginning` at the first event that ever was, an error when
 * that has fallen off; `oldest` at the first that is there; `now` behind the last; a number at that event.
 */
export type StartAt = 'beginning' | 'oldest' | 'now' | number

/** How often a handler is called for an event that it fails on, and how long to wait in between. */
export interface HandlerRetry {
  /** How many calls in all. Default 5. */
  readonly attempts?: number | undefined
  /** Wait before the second call, in milliseconds; it doubles with each. Default 100; 0 for no waiting. */
  readonly delayMs?: number | undefined
  /** Longest wait of all, in milliseconds. Default 10 000; at most that of a timer, 2 147 483 647. */
  readonly maxDelayMs?: number | undefined
}

/** How a subscription is delivered. */
export interface DeliveryOptions {
  /** Default: 5 calls, 100 ms apart at first. */
  readonly retry?: HandlerRetry | undefined
  /**
   * What happens to an event on which the handler has failed for the last time: `stop` (default) ends the subscription
   * there, `park` puts the event aside, in the file, and goes on.
   */
  readonly onPoison?: 'park' | 'stop' | undefined
  /**
   * Looks every so many milliseconds for events that another owner of the file has written, while it waits for the next.
   * Default never: only commits of its own job wake it.
   */
  readonly pollMs?: number | undefined
  /** Stops the subscription when it fires; has it fired already, nothing is taken over: `ERR_ABORTED`. */
  readonly signal?: CancelSignal | undefined
}

/** How to subscribe. */
export interface SubscriptionOptions extends DeliveryOptions {
  /**
   * At most so many events share a transaction. Default 1: what a handler reads holds what it answered before. With
   * more it is faster, and reads lag behind by up to a batch. When what came of a batch cannot be stored together, its events
   * go one by one: those that the handler was called for already, as attempt 2.
   */
  readonly batch?: number | undefined
  /** Default `beginning`. Without effect once there is a checkpoint. */
  readonly startAt?: StartAt | undefined
  /** Only the events of this stream. */
  readonly stream?: string | undefined
  /** Only events of these types; the others are passed over. Default all. */
  readonly types?: readonly string[] | undefined
  /**
   * Also delivers plain writes, those of handlers included: a handler that answers each write with a write never comes
   * to an end. Default `false`: only events of the application's own.
   */
  readonly writes?: boolean | undefined
}

/** How to subscribe to events that a codec reads. */
export interface DecodedSubscriptionOptions<Event extends DomainEvent> extends SubscriptionOptions {
  /** Reads the events for the handler; those it does not know are passed over. What it throws is a failure on that event. */
  readonly events: EventCodec<Event>
  /** A codec reads no plain writes. */
  readonly writes?: false | undefined
}

/** One or the other. */
export type AnySubscriptionOptions = SubscriptionOptions & {
  readonly events?: EventCodec<DomainEvent> | undefined
}

/** What goes with an event to its handler. */
export interface Delivery {
  /** Name of the subscription. */
  readonly subscription: string
  /** Which call for this event it is, from 1. A call of an earlier process is not counted. */
  readonly attempt: number
  /** Fires when the subscription is to stop. */
  readonly signal: CancelSignal
}

/** What goes with an event that a codec has read. */
export interface DecodedDelivery extends Delivery {
  /** The event as it is in the journal. */
  readonly recorded: RecordedEvent
}

/** Events that a handler appends, as `Job.append` does. */
export interface HandlerAppend
  extends Pick<AppendOptions, 'stream' | 'expectedSeq' | 'metadata' | 'idempotencyKey'> {
  readonly events: NewEvent | readonly NewEvent[]
}

/** Operations, and then events, that are stored together. */
export interface Reaction {
  readonly ops?: TxOp | readonly TxOp[] | undefined
  readonly append?: HandlerAppend | readonly HandlerAppend[] | undefined
}

/** What a handler may answer: what is to be stored in the same job, together with the checkpoint, all or none. */
export type HandlerOps = void | TxOp | readonly TxOp[] | Reaction

/** A Result of operations, told by its fields: those of neverthrow fit, whatever their error is. */
export type HandlerResult =
  | { isOk(): boolean; readonly value: HandlerOps }
  | { isErr(): boolean; readonly error: unknown }

/** What a handler may return. An `Err`, like a throw or a rejection, is a failure. */
export type HandlerAnswer =
  | HandlerOps
  | HandlerResult
  | PromiseLike<HandlerOps | HandlerResult>
  | HandlerResultLater

/** A `ResultAsync`, which is no `PromiseLike` to the compiler. */
export interface HandlerResultLater {
  then(done: (answer: HandlerOps | HandlerResult) => void): unknown
}

/** Deals with one event. */
export type SubscriptionHandler<Item extends JournalEvent = RecordedEvent> = (
  event: Item,
  delivery: Delivery
) => HandlerAnswer

/** Deals with one event that a codec has read. */
export type DecodedHandler<Event extends DomainEvent> = (
  event: Event,
  delivery: DecodedDelivery
) => HandlerAnswer

/** An event that was put aside. */
export interface ParkedEvent {
  readonly event: JournalEvent
  /** How many times the handler had been called for it. */
  readonly attempts: number
  /** Message of the last failure. */
  readonly error: string
  /** When it was put aside, in milliseconds since 1970. */
  readonly parkedAt: number
}

/** A subscription as the file has it, held or not. */
export interface SubscriptionStatus {
  readonly name: string
  /** The last event that has been dealt with. */
  readonly seq: number
  readonly version: number
  /** How many events are parked. */
  readonly parked: number
}

/** What came of trying parked events again. */
export interface RetriedParked {
  readonly done: number
  /** Those that failed again; they stay parked. */
  readonly failed: number
}
