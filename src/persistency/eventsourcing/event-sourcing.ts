/** Owns what a job does with handlers of its events, behind the methods of `Job`. */
import { errAsync, type ResultAsync } from 'neverthrow'
import type { PersistencyError } from '../errors.js'
import { decoding, handlerBatches } from './batch-work.js'
import { checkDelivery, checkSubscription } from './checks.js'
import type { DomainEvent } from './domain-events.js'
import { clearing, Projection } from './projection.js'
import { type ProjectionDefinition, requireProjection } from './projection-definition.js'
import { projectionBatches } from './projection-work.js'
import { PROJECTION_PREFIX } from './subject.js'
import type { Subscription } from './subscription.js'
import { Subscriptions, type SubscriptionsParts } from './subscriptions.js'
import type { AnySubscriptionOptions, DecodedHandler, DeliveryOptions, SubscriptionHandler } from './types.js'

/** Events that a projection takes in with one transaction. */
const PROJECTION_BATCH = 256

export class EventSourcing {
  readonly subscriptions: Subscriptions
  readonly #parts: SubscriptionsParts

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts
    this.subscriptions = new Subscriptions(parts)
  }

  subscribe(
    name: string,
    handler: SubscriptionHandler<never> | DecodedHandler<never>,
    options: AnySubscriptionOptions | undefined
  ): ResultAsync<Subscription, PersistencyError> {
    if (typeof handler !== 'function') throw new TypeError('the handler of a subscription must be a function')
    const checked = checkSubscription(name, options)
    if (checked.isErr()) return errAsync(checked.error)
    const { events } = checked.value
    const plain =
      events === undefined
        ? (handler as SubscriptionHandler<never>)
        : decoding(events, handler as DecodedHandler<DomainEvent>)
    const begin = handlerBatches(plain)
    return this.subscriptions
      .open({ name, options: checked.value, begin, version: 0, clear: [] })
      .map(({ subscription }) => subscription)
  }

  project<Event extends DomainEvent, State>(
    definition: ProjectionDefinition<Event, State>,
    options: DeliveryOptions | undefined
  ): ResultAsync<Projection<State>, PersistencyError> {
    requireProjection(definition)
    const checked = checkDelivery(options)
    if (checked.isErr()) return errAsync(checked.error)
    const { name, version, stream, category } = definition
    const { ask } = this.#parts
    return this.subscriptions
      .open({
        name: `${PROJECTION_PREFIX}${name}`,
        options: { ...checked.value, batch: PROJECTION_BATCH, ...(stream !== undefined && { stream }) },
        begin: projectionBatches(ask, definition),
        version,
        clear: clearing(category)
      })
      .map(({ subscription, reset }) => new Projection(ask, definition, subscription, reset))
  }
}
