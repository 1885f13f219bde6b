/** Looks at the journal of a job, and says what it must say. */
import {
  type CaughtUp,
  defineProjection,
  type Job,
  type JournalEvent,
  jsonEvents,
  type Key,
  key,
  type PutOp,
  type RecordedEvent,
  type TxOp
} from 'persistency'
import { hexOf, textOf, utf8 } from './storage-results.js'

/** How many events there are. */
export const countOfEvents = defineProjection({
  name: 'count',
  version: 1,
  events: jsonEvents(),
  initial: () => 0,
  apply: (total) => total + 1
})

export const put = (name: string | number | Key, value = 'x'): PutOp => ({
  kind: 'put',
  category: 'c',
  key: typeof name === 'object' ? name : key(name),
  payload: utf8(value)
})

/** Everything that an iteration brings. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** Operations as short texts. */
export const shownOps = (ops: readonly TxOp[]): string[] =>
  ops.map((op) =>
    op.kind === 'put'
      ? `put ${op.category} ${op.key}=${hexOf(op.payload)}`
      : `${op.kind} ${op.category} ${op.kind === 'deletePrefix' ? op.prefix : op.key}`
  )

/** Events as short texts: number, type or `write`, data. */
export const shown = (events: readonly (JournalEvent | CaughtUp)[]): string[] =>
  events.map((event) => {
    if (event.kind === 'caughtUp') return `caught up ${event.seq}`
    return event.kind === 'write' ? `${event.seq} write` : `${event.seq} ${event.type} ${textOf(event.data)}`
  })

export const ownEvents = (events: readonly JournalEvent[]): RecordedEvent[] =>
  events.filter((event): event is RecordedEvent => event.kind === 'event')

/** Throws when the numbers of events are not one after the other, from `first` on. */
export function requireGapless(events: readonly JournalEvent[], first: number): void {
  for (const [index, { seq }] of events.entries()) {
    if (seq !== first + index) throw new Error(`event ${first + index} is followed by ${seq}`)
  }
}

/** Every event that the journal of a job still has. */
export const journalOf = (job: Job): Promise<JournalEvent[]> => all(job.events())
