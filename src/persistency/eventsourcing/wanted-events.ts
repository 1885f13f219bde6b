/** Owns which events of the journal a subscription is called for; the others are passed over. */
import { decodeEvent, isWrite, typeOf } from '../journal/event-codec.js'
import type { EventPage } from '../journal/event-page.js'
import type { PackedEvent } from '../journal/message-payloads.js'
import type { DomainEvent, EventCodec } from './domain-events.js'
import type { AnySubscriptionOptions } from './types.js'

type Wanted = (page: EventPage) => readonly PackedEvent[]

/**
 * Only the events that are wanted are copied from a page that others read as well. One that cannot be read is wanted: it is
 * a failure when its turn comes.
 */
export function wantedBy({ events, ...options }: AnySubscriptionOptions): Wanted {
  const named = byType(options)
  return (page) => {
    const taken = page.take(page.packed.filter(named))
    return events === undefined ? taken : taken.filter((event) => reads(events, event))
  }
}

function byType({
  writes = false,
  types
}: Pick<AnySubscriptionOptions, 'writes' | 'types'>): (event: PackedEvent) => boolean {
  if (types === undefined) return writes ? () => true : ({ bytes }) => !isWrite(bytes)
  const named = new Set(types)
  return ({ bytes }) => {
    if (isWrite(bytes)) return writes
    const type = typeOf(bytes)
    return type === undefined || named.has(type)
  }
}

/** Whether a codec knows an event, or throws on it. */
function reads(events: EventCodec<DomainEvent>, packed: PackedEvent): boolean {
  try {
    const event = decodeEvent(packed)
    return event.kind === 'event' && events.decode(event) !== undefined
  } catch {
    return true
  }
}
