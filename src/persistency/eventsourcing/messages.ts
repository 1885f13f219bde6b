/** Owns the requests for subscriptions, a part of the storage port that goes with the journal, and their event. */
import { defineEvent, type EventDefinition } from '../../brokers/definitions.js'
import { storageRequest } from '../frames/storage-request.js'
import type {
  ParkedEntry,
  SubscriptionAdvanceQuery,
  SubscriptionClaimed,
  SubscriptionClaimQuery,
  SubscriptionFailedPayload,
  SubscriptionMoveQuery,
  SubscriptionParkedQuery
} from './message-payloads.js'
import type { SubscriptionStatus } from './types.js'
import * as wire from './wire.js'

/** Takes a subscription over. */
export const SubscriptionClaim = storageRequest<SubscriptionClaimQuery, SubscriptionClaimed>(
  'persistency.subscription.claim',
  { payload: wire.claimQuery }
)
/** Moves a subscription on, and applies operations with that. */
export const SubscriptionAdvance = storageRequest<SubscriptionAdvanceQuery, void>(
  'persistency.subscription.advance',
  { payload: wire.advanceQuery }
)
/** Events that were put aside. */
export const SubscriptionParked = storageRequest<SubscriptionParkedQuery, readonly ParkedEntry[]>(
  'persistency.subscription.parked',
  { response: wire.parkedEntries }
)
/** The subscriptions of a file. */
export const SubscriptionList = storageRequest<void, readonly SubscriptionStatus[]>(
  'persistency.subscription.list'
)
/** Moves a checkpoint; answers the last event that counts as dealt with, `undefined` when there is none of that name. */
export const SubscriptionMove = storageRequest<SubscriptionMoveQuery, number | undefined>(
  'persistency.subscription.move'
)
/** Removes a subscription and what it has parked; answers whether it was there. */
export const SubscriptionForget = storageRequest<{ readonly name: string }, boolean>(
  'persistency.subscription.forget'
)

/** All of them, as they go to a storage worker. */
export const SUBSCRIPTION_REQUESTS = [
  SubscriptionClaim,
  SubscriptionAdvance,
  SubscriptionParked,
  SubscriptionList,
  SubscriptionMove,
  SubscriptionForget
] as const

/** A subscription has ended because of an error, or parked an event. With nobody listening, it is a process warning. */
export const SubscriptionFailed: EventDefinition<SubscriptionFailedPayload> = defineEvent(
  'persistency.subscriptionFailed'
)
