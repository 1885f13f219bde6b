/** Owns what events are like once they have been through the journal, before they have: what their codec reads back. */
import type { NewEvent, RecordedEvent } from '../journal/types.js'
import type { DomainEvent, EventCodec } from './domain-events.js'

/** Where an event is going to be. */
export type Place = Pick<RecordedEvent, 'seq' | 'metadata' | 'stream' | 'streamSeq'>

/** What the journal would hand out for an event that is appended. */
export function recordedAs({ type, data, metadata }: NewEvent, place: Place): RecordedEvent {
  return {
    ...{ kind: 'event', time: 0, ops: [], type, data: data ?? new Uint8Array(0), ...place },
    metadata: { ...place.metadata, ...metadata }
  }
}

/** The event that its codec reads back. Throws a `TypeError` when it reads none. */
export function readBack<Event extends DomainEvent>(
  codec: EventCodec<Event>,
  encoded: NewEvent,
  place: Place
): Event {
  const event = codec.decode(recordedAs(encoded, place))
  if (event === undefined) throw new TypeError(`event "${encoded.type}" is not one that the codec reads`)
  return event
}
