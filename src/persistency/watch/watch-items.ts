/**
 * Owns how a watcher gets from the rows to the changes, and back to the rows when it was too slow. With a journal both
 * have a place in it, and changes are read from there; without one they are what this job commits.
 */
import { ResultAsync } from 'neverthrow'
import { untraced } from '../../brokers/definitions.js'
import type { Ask } from '../ask.js'
import { PersistencyError } from '../errors.js'
import type { EventPage } from '../journal/event-page.js'
import { readEventPages } from '../journal/event-pages.js'
import type { Followers } from '../journal/followers.js'
import { JournalInfo } from '../journal/messages.js'
import { errorOfEnd, type Position, type WaitEnd } from '../journal/position.js'
import type { KvRangeQuery } from '../message-payloads.js'
import { KvScan } from '../messages.js'
import type { KvRow, ReadOptions } from '../types.js'
import { ownChange } from '../writes/own-ops.js'
import type { CommitFeed } from './commit-feed.js'
import { concerns } from './matching.js'
import type { WatchedChanges, WatchedState, WatchItem, WatchOptions } from './types.js'
import type { Watcher } from './watcher.js'

export interface WatchParts {
  readonly ask: Ask
  readonly feed: CommitFeed
  readonly committed: Position
  readonly following: Followers
  /** Whether an error says that there is no journal. */
  readonly isWithoutJournal: (error: PersistencyError) => boolean
  /** Calls when everything that was asked before has been sent. */
  readonly inLine: (sent: () => void) => void
}

type Items<End = void> = AsyncGenerator<readonly WatchItem[], End, undefined>
type Signal = WatchOptions['signal']

/** Nobody asked for a scan. */
const UntracedScan = untraced(KvScan)

const DEFAULT_BUFFER_BYTES = 1024 * 1024

export async function* watchItems(
  query: KvRangeQuery,
  { initial = false, from, maxBufferBytes = DEFAULT_BUFFER_BYTES }: WatchOptions,
  signal: Signal,
  parts: WatchParts
): Items {
  let next = from
  let state: WatchedState['kind'] | undefined = initial ? 'initial' : undefined
  if (from === undefined) {
    const watcher = parts.feed.add(query, maxBufferBytes)
    try {
      const info = await parts.ask(JournalInfo, undefined, patience(signal))
      if (info.isOk()) next = info.value.lastSeq + 1
      else if (!parts.isWithoutJournal(info.error)) throw info.error
      else {
        state = yield* fromCommits(watcher, initial, signal, parts)
        if (state === undefined) return
      }
    } finally {
      parts.feed.remove(watcher)
    }
  }
  yield* fromJournal(query, next ?? 1, { state, begun: from === undefined }, signal, parts)
}

/** Ends with the rows that the journal is to go on from, once there is one: not everything is told by commits then. */
async function* fromCommits(
  watcher: Watcher,
  initial: boolean,
  signal: Signal,
  parts: WatchParts
): Items<WatchedState['kind'] | undefined> {
  if (initial) watcher.pause()
  for (let kind: WatchedState['kind'] | undefined = initial ? 'initial' : undefined; ; ) {
    if (watcher.hasJournal) return kind ?? 'resync'
    if (watcher.behind) kind ??= 'resync'
    if (kind !== undefined) {
      parts.inLine(() => watcher.resume(parts.feed.lastSent))
      const page = await parts.ask(UntracedScan, watcher.query, patience(signal))
      if (page.isErr()) {
        if (await ended(page.error, signal, parts)) return undefined
        throw page.error
      }
      watcher.seen(page.value.rows)
      yield [{ kind, rows: page.value.rows }]
      kind = undefined
      continue
    }
    const end = await watcher.news(signal)
    if (end !== undefined && isOver(end, signal)) return undefined
    const items = watcher.take()
    if (items.length > 0) yield items
  }
}

async function* fromJournal(
  query: KvRangeQuery,
  first: number,
  { state, begun }: { readonly state: WatchedState['kind'] | undefined; readonly begun: boolean },
  signal: Signal,
  parts: WatchParts
): Items {
  let next = first
  for (let kind = state; ; kind = 'resync') {
    if (kind !== undefined) {
      const found = await rowsWithPlace(query, signal, parts)
      if (found.isErr()) {
        if (await ended(found.error, signal, parts)) return
        throw found.error
      }
      yield [{ kind, ...found.value }]
      next = found.value.journalSeq + 1
    }
    try {
      const options = { from: next, live: true, ...patience(signal) }
      for await (const page of readEventPages(options, signal, parts)) {
        if ('kind' in page) continue
        const items = changesIn(page, query)
        next = page.next
        if (items.length > 0) yield items
      }
      return
    } catch (thrown) {
      // Who asked for an event gets the answer of the journal; for others it is only a way to read.
      if (!begun || !(thrown instanceof PersistencyError)) throw thrown
      if (thrown.code === 'ERR_EVENTS_GONE') continue
      if (await ended(thrown, signal, parts)) return
      throw thrown
    }
  }
}

/** What of a page concerns a range. Most often that is nothing: only what is told is copied. */
function changesIn(page: EventPage, query: KvRangeQuery): WatchedChanges[] {
  const items: WatchedChanges[] = []
  for (const { ops, seq } of page.decoded) {
    const concerned = ops.filter((op) => concerns(op, query))
    if (concerned.length === 0) continue
    const changes = page.shared ? concerned.map(ownChange) : concerned
    items.push({ kind: 'changes', changes, journalSeq: seq })
  }
  return items
}

/**
 * The rows, and the last event that they contain. A storage that does not tell the place of a scan is asked before it:
 * what another owner writes in between is in the rows then, and told as changes, too.
 */
function rowsWithPlace(
  query: KvRangeQuery,
  signal: Signal,
  { ask }: WatchParts
): ResultAsync<{ readonly rows: readonly KvRow[]; readonly journalSeq: number }, PersistencyError> {
  const before = ask(JournalInfo, undefined, patience(signal))
  const page = ask(UntracedScan, { ...query, withPlace: true }, patience(signal))
  return ResultAsync.combine([before, page]).map(([{ lastSeq }, { rows, journalSeq = lastSeq }]) => ({
    rows,
    journalSeq
  }))
}

/** Whether a reading failed because the job was closed while the watcher was behind; throws when the job failed. */
async function ended(error: PersistencyError, signal: Signal, { committed }: WatchParts): Promise<boolean> {
  if (error.code !== 'ERR_JOB_CLOSED') return false
  const end = await committed.reached(Number.POSITIVE_INFINITY, signal)
  return end === undefined || isOver(end, signal)
}

/** `true` when the job was closed; throws when it failed, or the signal fired. */
function isOver(end: WaitEnd, signal: Signal): boolean {
  const error = errorOfEnd(end, 'the watching', signal)
  if (error !== undefined) throw error
  return true
}

/** A watcher waits as long as it takes; the end of the storage ends that as well. */
function patience(signal: Signal): ReadOptions {
  return { timeoutMs: Number.POSITIVE_INFINITY, signal }
}
