/**
 * Owns how pages of events follow each other and where catching up passes into following along. There is one way to
 * read, by sequence number; what a commit tells is only how far that will get. So there is no seam at which an event
 * could be lost or come twice, and nothing to hold for a reader that is slow.
 */

import type { Ask } from '../ask.js'
import { checkEventsOptions } from './checks.js'
import type { PackedEvent } from './message-payloads.js'
import { JournalRead } from './messages.js'
import { errorOfEnd, type Position } from './position.js'
import type { CaughtUp, EventsOptions } from './types.js'

const DEFAULT_PAGE_EVENTS = 2048
const PAGE_BYTES = 1024 * 1024

export interface EventPagesParts {
  readonly ask: Ask
  readonly committed: Position
}

/** Pages of events, none of them empty, and, when it goes on live, the mark between old and new. */
export async function* readEventPages(
  options: EventsOptions | undefined,
  signal: EventsOptions['signal'],
  { ask, committed }: EventPagesParts
): AsyncGenerator<readonly PackedEvent[] | CaughtUp, void, undefined> {
  const checked = checkEventsOptions(options)
  if (checked.isErr()) throw checked.error
  const { to, stream, live = false, pageSize = DEFAULT_PAGE_EVENTS } = checked.value
  // Who waits for the next event, however long it takes, waits for the storage as well.
  const timeoutMs = checked.value.timeoutMs ?? (live ? Number.POSITIVE_INFINITY : undefined)
  const read = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
  const query = {
    ...(to !== undefined && { to }),
    ...(stream !== undefined && { stream }),
    limit: pageSize,
    maxBytes: PAGE_BYTES
  }
  let from = checked.value.from
  let caughtUp = false
  for (let first = true; ; first = false) {
    const page = await ask(JournalRead, from === undefined ? query : { ...query, from }, read)
    if (page.isErr()) {
      if (first || !live || page.error.code !== 'ERR_JOB_CLOSED') throw page.error
      // The job was closed, or failed, while this reader was behind.
      if (await ends(committed, Number.POSITIVE_INFINITY, signal)) return
      throw page.error
    }
    const { events, next, lastSeq } = page.value
    if (events.length > 0) yield events
    from = next
    if (to !== undefined && next > to) return
    if (next <= lastSeq) continue
    if (!live) return
    if (!caughtUp) yield { kind: 'caughtUp', seq: lastSeq }
    caughtUp = true
    if (await ends(committed, next, signal)) return
  }
}

/** Waits for an event; `true` when the job was closed first. Throws when it failed, or the signal fired. */
async function ends(committed: Position, seq: number, signal: EventsOptions['signal']): Promise<boolean> {
  const end = await committed.reached(seq, signal)
  if (end === undefined) return false
  const error = errorOfEnd(end, 'the reading of events', signal)
  if (error !== undefined) throw error
  return true
}
