/** Owns what readers do with a page of events that others may be reading as well: look at it, and take from it. */
import type { ResultAsync } from 'neverthrow'
import type { Ask } from '../ask.js'
import type { PersistencyError } from '../errors.js'
import type { ReadOptions } from '../types.js'
import { decodeEvent } from './event-codec.js'
import type { JournalPage, JournalReadQuery, PackedEvent } from './message-payloads.js'
import { JournalRead } from './messages.js'
import type { JournalEvent } from './types.js'

/** Held by its readers alone: it is gone when the last of them has gone on to the next. */
export class EventPage {
  /** Where the next page begins. */
  readonly next: number
  /** The first and the last event of the journal when the page was read. */
  readonly firstSeq: number
  readonly lastSeq: number
  /** Whether there is more than one reader, each of which may do with what it is handed whatever it wants. */
  readonly shared: boolean
  /** The events as they lie in the journal. To look at: hand out what `take` answers. */
  readonly packed: readonly PackedEvent[]
  #decoded: readonly JournalEvent[] | undefined

  constructor({ events, next, firstSeq, lastSeq }: JournalPage, shared: boolean) {
    this.packed = events
    this.next = next
    this.firstSeq = firstSeq
    this.lastSeq = lastSeq
    this.shared = shared
  }

  /** What the events say, read once for all. To look at; with a single reader, also to hand out. Throws `ERR_JOURNAL`. */
  get decoded(): readonly JournalEvent[] {
    this.#decoded ??= this.packed.map(decodeEvent)
    return this.#decoded
  }

  /** Some of the events, on memory that no other reader has. */
  take(events: readonly PackedEvent[] = this.packed): readonly PackedEvent[] {
    if (!this.shared || events.length === 0) return events
    let length = 0
    for (const { bytes } of events) length += bytes.length
    const memory = new Uint8Array(length)
    let end = 0
    return events.map(({ seq, time, bytes }) => {
      const start = end
      memory.set(bytes, start)
      end += bytes.length
      return { seq, time, bytes: memory.subarray(start, end) }
    })
  }
}

/** A page for one reader. */
export function readAlone(
  ask: Ask,
  query: JournalReadQuery,
  options: ReadOptions
): ResultAsync<EventPage, PersistencyError> {
  return ask(JournalRead, query, options).map((page) => new EventPage(page, false))
}
