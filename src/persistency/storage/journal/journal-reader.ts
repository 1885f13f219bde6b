/** Owns finding events in the journal: rows that hold many, and the events in them. Synchronous. */
import { ByteReader } from '../../../bytes/byte-reader.js'
import { PersistencyError } from '../../errors.js'
import { damagedJournal } from '../../journal/damaged-journal.js'
import { JOURNAL_FORMAT } from '../../journal/event-codec.js'
import type { PackedEvent } from '../../journal/message-payloads.js'
import type { Statements } from '../statements.js'

const COLUMNS = 'seq, events, time, bytes, format, body'
const ROW_WITH = `SELECT ${COLUMNS} FROM journal WHERE seq <= ? ORDER BY seq DESC LIMIT 1`
const ROW_AT = `SELECT ${COLUMNS} FROM journal WHERE seq = ?`
const OF_STREAM =
  'SELECT seq FROM journal_streams WHERE stream = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT ?'

/** A row of the journal. */
export interface JournalRow {
  /** Of its first event. */
  readonly seq: number
  readonly events: number
  readonly time: number
  /** Of all rows that ever were, up to and with this one. */
  readonly bytes: number
  readonly format: number
  readonly body: Uint8Array
}

export class JournalReader {
  readonly #statements: Statements
  readonly #file: string

  /** @param file names the database, for messages */
  constructor(statements: Statements, file: string) {
    this.#statements = statements
    this.#file = file
  }

  /** The row that holds an event. Throws when there is none. */
  rowWith(seq: number): JournalRow {
    return this.#known(seq, this.#statements.get(ROW_WITH).get(seq))
  }

  /** The rows that hold a span, in order; the first and the last may hold more. */
  *rows(from: number, to: number): Generator<JournalRow, void, undefined> {
    for (let seq = from; seq <= to; ) {
      const row = seq === from ? this.rowWith(seq) : this.#known(seq, this.#statements.get(ROW_AT).get(seq))
      yield row
      seq = row.seq + row.events
    }
  }

  /** The events of a span, in order; from its first on as many as are asked for. */
  *events(from: number, to: number): Generator<PackedEvent, void, undefined> {
    for (const row of this.rows(from, to)) yield* this.eventsIn(row, from, to)
  }

  /** The first events of a stream in a span. */
  *ofStream(
    stream: string,
    from: number,
    to: number,
    limit: number
  ): Generator<PackedEvent, void, undefined> {
    const seqs = this.#statements.get(OF_STREAM, 'pluck').all(stream, from, to, limit) as number[]
    for (let at = 0; at < seqs.length; ) {
      const row = this.rowWith(seqs[at] as number)
      const behind = row.seq + row.events
      let end = at + 1
      while (end < seqs.length && (seqs[end] as number) < behind) end++
      yield* this.#pick(row, seqs.slice(at, end))
      at = end
    }
  }

  /** The events of a row in a span. */
  *eventsIn(row: JournalRow, from: number, to: number): Generator<PackedEvent, void, undefined> {
    const reader = new ByteReader(row.body)
    const last = Math.min(to, row.seq + row.events - 1)
    for (let seq = row.seq; seq <= last; seq++) {
      const length = this.#readLength(reader, seq)
      if (seq < from) reader.skip(length)
      else yield { seq, time: row.time, bytes: reader.view(length) }
    }
  }

  /** Some events of a row, in order: from its begin on once, however many they are. */
  *#pick(row: JournalRow, seqs: readonly number[]): Generator<PackedEvent, void, undefined> {
    const reader = new ByteReader(row.body)
    let next = row.seq
    for (const seq of seqs) {
      for (; next < seq; next++) reader.skip(this.#readLength(reader, next))
      yield { seq, time: row.time, bytes: reader.view(this.#readLength(reader, seq)) }
      next++
    }
  }

  #known(seq: number, found: unknown): JournalRow {
    const row = found as JournalRow | undefined
    if (row === undefined || seq >= row.seq + row.events) {
      throw damagedJournal(`${this.#file}: the journal is damaged: it has no event ${seq}`)
    }
    if (row.format !== JOURNAL_FORMAT) {
      const message = `${this.#file}: event ${seq} of the journal has format ${row.format}, expected ${JOURNAL_FORMAT}; it was written by a later release, use that one`
      throw new PersistencyError('ERR_JOURNAL', message)
    }
    return row
  }

  #readLength(reader: ByteReader, seq: number): number {
    const length = reader.remaining >= 4 ? reader.u32() : -1
    if (length >= 0 && length <= reader.remaining) return length
    throw damagedJournal(`${this.#file}: the journal is damaged: event ${seq} is cut short`)
  }
}
