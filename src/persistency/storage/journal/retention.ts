/**
 * Owns what falls off at the front of the journal: how much, by its limits, and folding it into the snapshot, so that
 * the snapshot is always the state before the first event that is left.
 */
import { decodeEvent } from '../../journal/event-codec.js'
import type { JournalOptions } from '../../journal/types.js'
import type { TxOp } from '../../types.js'
import { RowWriter } from '../row-writer.js'
import type { Statements } from '../statements.js'
import { copyPuts } from './copy-puts.js'
import type { JournalReader, JournalRow } from './journal-reader.js'
import { SNAPSHOT_TABLE } from './tables.js'

/**
 * Events, and bytes of them, that one transaction lets fall off at most, unless it adds more: a lowered limit must not
 * stop everything.
 */
const AT_ONCE = { events: 1024, bytes: 1024 * 1024 }

const OLDEST =
  'SELECT seq, events, time, bytes - octet_length(body) AS before FROM journal WHERE seq > ? ORDER BY seq LIMIT 1'
const REMOVE_ROWS = 'DELETE FROM journal WHERE seq + events <= ? AND seq < ?'
const REMOVE_OF_STREAM = 'DELETE FROM journal_streams WHERE stream = ? AND seq < ?'
const REMOVE_KEYS = 'DELETE FROM journal_keys WHERE last_seq < ?'
const SET_FIRST = "UPDATE journal_meta SET value = ? WHERE name = 'first_seq'"

/** What the journal holds when a transaction is about to be committed. */
export interface JournalExtent {
  readonly firstSeq: number
  readonly lastSeq: number
  /** Of all rows that ever were. */
  readonly bytes: number
  readonly time: number
}

/** What a transaction has added. */
export interface Added {
  readonly events: number
  readonly bytes: number
}

interface OldRow {
  readonly seq: number
  readonly events: number
  readonly time: number
  /** Bytes of all rows that ever were before this one. */
  readonly before: number
}

export class Retention {
  limits: JournalOptions
  /** Whether nothing may fall off now. */
  held: () => boolean = () => false
  readonly #statements: Statements
  readonly #reader: JournalReader
  readonly #snapshot: RowWriter

  constructor(statements: Statements, reader: JournalReader, limits: JournalOptions) {
    this.limits = limits
    this.#statements = statements
    this.#reader = reader
    this.#snapshot = new RowWriter(statements, SNAPSHOT_TABLE)
  }

  /** Lets fall off what is over the limits, within the transaction; answers the first event that is left. */
  apply(extent: JournalExtent, added: Added): number {
    const most = Math.max(AT_ONCE.events, 2 * added.events)
    const due = this.#due(extent, most)
    if (due <= extent.firstSeq || this.held()) return extent.firstSeq
    const last = Math.min(due, extent.firstSeq + most) - 1
    const firstSeq = this.#fold(extent.firstSeq, last, Math.max(AT_ONCE.bytes, 2 * added.bytes))
    this.#statements.get(REMOVE_ROWS).run(firstSeq, firstSeq)
    this.#statements.get(REMOVE_KEYS).run(firstSeq)
    this.#statements.get(SET_FIRST).run(firstSeq)
    return firstSeq
  }

  /** The first event that the limits allow, looking no further than is of use. */
  #due({ firstSeq, lastSeq, bytes, time }: JournalExtent, most: number): number {
    const { maxEvents, maxAgeMs, maxBytes } = this.limits
    let due = maxEvents === undefined ? firstSeq : Math.max(firstSeq, lastSeq - maxEvents + 1)
    if (maxAgeMs === undefined && maxBytes === undefined) return due
    const tooOld = time - (maxAgeMs ?? Number.POSITIVE_INFINITY)
    const tooFar = bytes - (maxBytes ?? Number.POSITIVE_INFINITY)
    for (let row = this.#oldest(0); row !== undefined; row = this.#oldest(row.seq)) {
      const next = row.seq + row.events
      // The newest row stays, however large.
      if ((row.time >= tooOld && row.before >= tooFar) || next > lastSeq) break
      due = Math.max(due, next)
      if (due - firstSeq >= most) break
    }
    return due
  }

  #oldest(after: number): OldRow | undefined {
    return this.#statements.get(OLDEST).get(after) as OldRow | undefined
  }

  /** Folds the rows of a span until they are so many bytes; answers the first event that is left. */
  #fold(from: number, to: number, mostBytes: number): number {
    let bytes = 0
    for (const row of this.#reader.rows(from, to)) {
      if (!copyPuts(this.#statements, row, from, to)) this.#foldRow(row, from, to)
      bytes += row.body.length
      const next = row.seq + row.events
      if (bytes >= mostBytes && next <= to) return next
    }
    return to + 1
  }

  #foldRow(row: JournalRow, from: number, to: number): void {
    const ops: TxOp[] = []
    for (const packed of this.#reader.eventsIn(row, from, to)) {
      const event = decodeEvent(packed)
      for (const op of event.ops) ops.push(op)
      // The last event of each stream stays known: the next append may ask for its position.
      if (event.kind === 'event' && event.stream !== undefined) {
        this.#statements.get(REMOVE_OF_STREAM).run(event.stream, event.seq)
      }
    }
    this.#snapshot.applyAll(ops)
  }
}
