/** Owns cutting the journal into pages of events. */
import { PersistencyError } from '../../errors.js'
import type { JournalPage, JournalReadQuery, PackedEvent } from '../../journal/message-payloads.js'
import type { JournalLog } from './journal-log.js'

const READ_ON = 'read from there, or raise the limits of the journal'

/** The next events of a query. Throws `ERR_EVENTS_GONE` when the first that is wanted has fallen off. */
export function readPage(journal: JournalLog, query: JournalReadQuery): JournalPage {
  const { from = journal.firstSeq, stream, limit, maxBytes } = query
  const { firstSeq, lastSeq } = journal
  const to = Math.min(query.to ?? lastSeq, lastSeq)
  requireKept(journal, from)
  const found =
    stream === undefined
      ? journal.reader.events(from, Math.min(to, from + limit - 1))
      : journal.reader.ofStream(stream, from, to, limit)
  const events: PackedEvent[] = []
  let bytes = 0
  for (const event of found) {
    // A page that is full is left here, before anything is read for the next.
    if (events.length > 0 && bytes + event.bytes.length > maxBytes) {
      return { events, next: event.seq, firstSeq, lastSeq }
    }
    bytes += event.bytes.length
    events.push(event)
  }
  const last = events.at(-1)
  const cut = events.length === limit && last !== undefined
  return { events, next: cut ? last.seq + 1 : Math.max(from, to + 1), firstSeq, lastSeq }
}

/** Whether the events from `seq` on are all there. Throws `ERR_EVENTS_GONE` otherwise, with what to do. */
export function requireKept({ firstSeq }: JournalLog, seq: number, remedy = READ_ON): void {
  if (seq >= firstSeq) return
  const message = `event ${seq} has fallen off the journal: the first that is there is ${firstSeq}; ${remedy}`
  throw new PersistencyError('ERR_EVENTS_GONE', message)
}
