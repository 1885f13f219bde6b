/** Owns the shapes of the requests for subscriptions; the requests themselves are in `messages.ts`. */
import type { PersistencyError } from '../errors.js'
import type { JournalAppendQuery, PackedEvent } from '../journal/message-payloads.js'
import type { TxOp } from '../types.js'
import type { StartAt } from './types.js'

/** Takes a subscription over from whoever held it, making it when it is not there. */
export interface SubscriptionClaimQuery {
  readonly name: string
  /** Names the new holder; nobody else has the same. */
  readonly holder: string
  /** Where a subscription that is not there begins. */
  readonly startAt: StartAt
  /** A subscription of another version begins anew. */
  readonly version: number
  /** Applied when it begins anew. */
  readonly clear: readonly TxOp[]
}

export interface SubscriptionClaimed {
  /** The last event that has been dealt with. */
  readonly seq: number
  /** Whether it began anew because of its version. */
  readonly reset: boolean
}

/** Moves a subscription on, together with what its handler answered, all or none. */
export interface SubscriptionAdvanceQuery {
  readonly name: string
  readonly holder: string
  /** The last event that has been dealt with; left as it is when absent. */
  readonly seq?: number
  /** Begins anew: needs all events from the first, and forgets what is parked. */
  readonly reset?: boolean
  readonly ops: readonly TxOp[]
  /** Appended behind the operations. */
  readonly append: readonly JournalAppendQuery[]
  readonly park: readonly ParkedEntry[]
  /** Sequence numbers of parked events that are dealt with. */
  readonly unpark: readonly number[]
  /** Whether it was asked before, by the same holder, and may have been done: it is to be done once. */
  readonly repeated?: boolean
}

/** A parked event as it lies in the file. */
export interface ParkedEntry extends PackedEvent {
  readonly attempts: number
  readonly error: string
  readonly parkedAt: number
}

/** Moves a checkpoint, whoever holds it. */
export interface SubscriptionMoveQuery {
  readonly name: string
  readonly to: StartAt
}

export interface SubscriptionParkedQuery {
  readonly name: string
  /** Only those behind this event. */
  readonly after: number
  readonly limit: number
  /** Ends the page once it holds so many bytes. A page that may hold an event holds one, however large. */
  readonly maxBytes: number
}

/** A subscription cannot go on, or has put an event aside. */
export interface SubscriptionFailedPayload {
  readonly jobId: string
  readonly subscription: string
  readonly error: PersistencyError
  /** The event that the handler failed on. */
  readonly seq?: number
  /** Whether the event was parked, and the subscription goes on. */
  readonly parked: boolean
}
