/** Owns what events are like once they have been through the journal, before they have: what their codec reads back. */
import type { NewEvent, RecordedEvent } from '../journal/types.js'
import type { DomainEvent, EncodedEvent, EventCodec } from './domain-events.js'

/** Where an event is going to be, as far as that is known before it is there. */
export type Place = Pick<RecordedEvent, 'metadata' | 'stream' | 'streamSeq'>

/** What the journal would hand out for an event that is appended, with no time that it happened at. */
export function recordedAs(encoded: NewEvent, place: Place, seq: number): RecordedEvent {
  return { kind: 'event', seq, time: 0, ops: [], ...encodedAs(encoded, place) }
}

/** The event that its codec reads back. Throws a `TypeError` when it reads none. */
export function readBack<Event extends DomainEvent>(
  codec: EventCodec<Event>,
  encoded: NewEvent,
  place: Place
): Event {
  const event = codec.decode(encodedAs(encoded, place))
  if (event === undefined) throw new TypeError(`event "${encoded.type}" is not one that the codec reads`)
  return event
}

function encodedAs({ type, data, metadata }: NewEvent, place: Place): EncodedEvent {
  return {
    ...place,
    type,
    data: data ?? new Uint8Array(0),
    metadata: { ...place.metadata, ...metadata }
  }
}
