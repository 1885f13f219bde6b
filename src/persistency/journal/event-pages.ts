/**
 * Owns how pages of events follow each other and where catching up passes into following along. There is one way to
 * read, by sequence number; what a commit tells is only how far that will get. So there is no seam at which an event
 * could be lost or come twice, and nothing to hold for a reader that is slow.
 */

import type { Result } from 'neverthrow'
import type { Ask } from '../ask.js'
import type { PersistencyError } from '../errors.js'
import { checkEventsOptions } from './checks.js'
import { type EventPage, readAlone } from './event-page.js'
import type { Followers } from './followers.js'
import { errorOfEnd, type Position, type WaitEnd } from './position.js'
import type { CaughtUp, EventsOptions } from './types.js'

const DEFAULT_PAGE_EVENTS = 2048
const PAGE_BYTES = 1024 * 1024

export interface EventPagesParts {
  readonly ask: Ask
  readonly committed: Position
  /** Those who go on from the end. */
  readonly following: Followers
}

/** Pages of events, none of them empty, and, when it goes on live, the mark between old and new. */
export async function* readEventPages(
  options: EventsOptions | undefined,
  signal: EventsOptions['signal'],
  { ask, committed, following }: EventPagesParts
): AsyncGenerator<EventPage | CaughtUp, void, undefined> {
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
  let followed: Result<EventPage, PersistencyError> | undefined
  for (let first = true; ; first = false) {
    const page = followed ?? (await readAlone(ask, from === undefined ? query : { ...query, from }, read))
    followed = undefined
    if (page.isErr()) {
      if (first || !live || page.error.code !== 'ERR_JOB_CLOSED') throw page.error
      // The job was closed, or failed, while this reader was behind.
      if (isOver(await committed.reached(Number.POSITIVE_INFINITY, signal), signal)) return
      throw page.error
    }
    const { packed, next, lastSeq } = page.value
    if (packed.length > 0) yield page.value
    from = next
    if (to !== undefined && next > to) return
    const isThere = next <= lastSeq
    if (isThere && !caughtUp) continue
    if (!live) return
    if (!caughtUp) yield { kind: 'caughtUp', seq: lastSeq }
    caughtUp = true
    if (timeoutMs === Number.POSITIVE_INFINITY) {
      const what = await following.next({ ...query, from }, isThere, signal)
      if ('page' in what) followed = what.page
      else if (isOver(what.end, signal)) return
    }
    // Who has a time limit has it for a read of its own.
    else if (!isThere && isOver(await committed.reached(next, signal), signal)) return
  }
}

/** Whether the job was closed. Throws when it failed, or the signal fired. */
function isOver(end: WaitEnd | undefined, signal: EventsOptions['signal']): boolean {
  if (end === undefined) return false
  const error = errorOfEnd(end, 'the reading of events', signal)
  if (error !== undefined) throw error
  return true
}
