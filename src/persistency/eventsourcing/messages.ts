/** Owns the requests for subscriptions, a part of the storage port that goes with the journal, and their event. */
import {
  defineEvent,
  defineRequest,
  type EventDefinition,
  type RequestDefinition
} from '../../brokers/definitions.js'
import type { PersistencyError } from '../errors.js'
import * as base from '../frames/wire.js'
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

type SubscriptionRequest<Query, Response> = RequestDefinition<Query, Response, PersistencyError>

/** Takes a subscription over. */
export const SubscriptionClaim: SubscriptionRequest<SubscriptionClaimQuery, SubscriptionClaimed> =
  defineRequest('persistency.subscription.claim', {
    codec: { payload: wire.claimQuery, response: wire.facts<SubscriptionClaimed>(), error: base.error }
  })
/** Moves a subscription on, and applies operations with that. */
export const SubscriptionAdvance: SubscriptionRequest<SubscriptionAdvanceQuery, void> = defineRequest(
  'persistency.subscription.advance',
  { codec: { payload: wire.advanceQuery, error: base.error } }
)
/** Events that were put aside. */
export const SubscriptionParked: SubscriptionRequest<SubscriptionParkedQuery, readonly ParkedEntry[]> =
  defineRequest('persistency.subscription.parked', {
    codec: {
      payload: wire.facts<SubscriptionParkedQuery>(),
      response: wire.parkedEntries,
      error: base.error
    }
  })
/** The subscriptions of a file. */
export const SubscriptionList: SubscriptionRequest<void, readonly SubscriptionStatus[]> = defineRequest(
  'persistency.subscription.list',
  { codec: { response: wire.facts<readonly SubscriptionStatus[]>(), error: base.error } }
)
/** Moves a checkpoint; answers the last event that counts as dealt with, `undefined` when there is none of that name. */
export const SubscriptionMove: SubscriptionRequest<SubscriptionMoveQuery, number | undefined> = defineRequest(
  'persistency.subscription.move',
  {
    codec: {
      payload: wire.facts<SubscriptionMoveQuery>(),
      response: wire.optional<number>(),
      error: base.error
    }
  }
)
/** Removes a subscription and what it has parked; answers whether it was there. */
export const SubscriptionForget: SubscriptionRequest<{ readonly name: string }, boolean> = defineRequest(
  'persistency.subscription.forget',
  { codec: { payload: wire.facts<{ readonly name: string }>(), response: base.bool, error: base.error } }
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
