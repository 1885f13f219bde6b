/**
 * Owns appending to the journal of one open database, in the transactions of its store: events are gathered in memory
 * and stored in rows of many just before the commit, so that an event costs little more than its bytes.
 */
import type { Database } from 'better-sqlite3'
import { ByteWriter } from '../../../bytes/byte-writer.js'
import {
  JOURNAL_FORMAT,
  type OwnEvent,
  writeOwnEvent,
  writePutEvent,
  writeWriteEvent
} from '../../journal/event-codec.js'
import type { JournalStatus } from '../../journal/types.js'
import type { PutOp, TxOp } from '../../types.js'
import { Statements } from '../statements.js'
import { JournalReader, type JournalRow } from './journal-reader.js'
import { Retention } from './retention.js'
import { readLimits } from './tables.js'

/** A row of the journal holds so many events, or bytes, at most: what is read or falls off is cut at rows. */
const ROW_EVENTS = 128
const ROW_BYTES = 32 * 1024

const DATA_VERSION = 'PRAGMA data_version'
const LAST_ROW = 'SELECT seq, events, time, bytes FROM journal ORDER BY seq DESC LIMIT 1'
const FIRST_SEQ = "SELECT value FROM journal_meta WHERE name = 'first_seq'"
const INSERT = `INSERT INTO journal (seq, events, time, bytes, format, body) VALUES (?, ?, ?, ?, ${JOURNAL_FORMAT}, ?)`
const BYTES_BEFORE = 'SELECT bytes - octet_length(body) FROM journal ORDER BY seq LIMIT 1'

/** First and last sequence number of what one transaction added. */
export interface SeqRange {
  readonly firstSeq: number
  readonly lastSeq: number
}

export class JournalLog {
  readonly statements: Statements
  readonly reader: JournalReader
  readonly #db: Database
  readonly #retention: Retention
  readonly #pending = new ByteWriter(64 * 1024)
  /** Where each pending event ends. */
  #ends: number[] = []
  /** Last event that lies in the table, as this transaction sees it. */
  #stored = 0
  #firstSeq = 1
  #time = 0
  #bytes = 0
  #storedBefore = 0
  #bytesBefore = 0
  #dataVersion = -1
  /** Whether the fields above are what the file says. */
  #known = false
  /** Whether something was read within the transaction, which may be taken back. */
  #readWithin = false
  #failure: { readonly thrown: unknown } | undefined
  #outsideCommits: number
  #generation = 0

  /** @param outsideCommits how many were counted when the file was open before, for the same job */
  constructor(db: Database, outsideCommits = 0) {
    this.#db = db
    this.#outsideCommits = outsideCommits
    this.statements = new Statements(db)
    this.reader = new JournalReader(this.statements, db.name)
    this.#retention = new Retention(this.statements, this.reader, readLimits(db))
  }

  /** The last event, pending ones included. */
  get lastSeq(): number {
    return this.#stored + this.#ends.length
  }

  /** The first event that has not fallen off. */
  get firstSeq(): number {
    return this.#firstSeq
  }

  /** Commits by others that left the journal as it was. */
  get outsideCommits(): number {
    return this.#outsideCommits
  }

  /** Changes when events that could be read within a transaction may have been taken back with it. */
  get generation(): number {
    return this.#generation
  }

  /** Whether nothing has been taken back since `generation` was last the same. */
  get certain(): boolean {
    return this.#known || !this.#readWithin
  }

  /** Lets nothing fall off as long as `held` answers `true`. */
  hold(held: () => boolean): void {
    this.#retention.held = held
  }

  /** A transaction has begun. */
  begin(): void {
    this.refresh()
    this.#readWithin = false
    this.#failure = undefined
    this.#storedBefore = this.#stored
    this.#bytesBefore = this.#bytes
    this.#known = false
  }

  /**
   * Stores what is pending, and lets fall off what is over the limits: before a commit, and before reading. When that
   * has failed once, the transaction is not to be committed: it fails again.
   */
  settle(): void {
    if (this.#failure !== undefined) throw this.#failure.thrown
    const events = this.lastSeq - this.#storedBefore
    if (events === 0) return
    try {
      this.#store()
      this.#firstSeq = this.#retention.apply(
        { firstSeq: this.#firstSeq, lastSeq: this.#stored, bytes: this.#bytes, time: this.#time },
        { events, bytes: this.#bytes - this.#bytesBefore }
      )
    } catch (thrown) {
      this.#failure = { thrown }
      throw thrown
    }
  }

  /** The transaction is committed; answers what it added. */
  afterCommit(): SeqRange | undefined {
    this.#known = true
    if (this.#stored === this.#storedBefore) return undefined
    return { firstSeq: this.#storedBefore + 1, lastSeq: this.#stored }
  }

  /** Does what records events: when it throws, they are taken back. */
  undoing<T>(work: () => T): T {
    const { mark } = this
    try {
      return work()
    } catch (thrown) {
      this.rewind(mark)
      throw thrown
    }
  }

  /** Where the pending events end now; see {@link JournalLog.rewind}. */
  get mark(): number {
    return this.#ends.length
  }

  /** Takes back what was recorded since the mark. */
  rewind(mark: number): void {
    this.#pending.rewind(mark === 0 ? 0 : (this.#ends[mark - 1] as number))
    this.#ends.length = mark
  }

  recordPut(put: PutOp): void {
    const at = this.#begin()
    writePutEvent(this.#pending, put)
    this.#end(at)
  }

  recordWrite(ops: readonly TxOp[]): void {
    const at = this.#begin()
    writeWriteEvent(this.#pending, ops)
    this.#end(at)
  }

  recordOwn(event: OwnEvent, ops: readonly TxOp[]): void {
    const at = this.#begin()
    writeOwnEvent(this.#pending, event, ops)
    this.#end(at)
  }

  /** Looks whether another connection has changed the file. */
  refresh(): void {
    const version = this.statements.get(DATA_VERSION, 'pluck').get() as number
    if (this.#known && version === this.#dataVersion) return
    this.rewind(0)
    if (!this.certain) this.#generation++
    this.#readWithin = false
    // Another owner may have given others, also between the opening of the file and now.
    if (version !== this.#dataVersion) this.#retention.limits = readLimits(this.#db)
    const before = this.#known ? this.#stored : undefined
    this.#dataVersion = version
    const row = this.statements.get(LAST_ROW).get() as JournalRow | undefined
    this.#firstSeq = this.statements.get(FIRST_SEQ, 'pluck').get() as number
    this.#stored = row === undefined ? this.#firstSeq - 1 : row.seq + row.events - 1
    this.#time = row?.time ?? 0
    this.#bytes = row?.bytes ?? 0
    // Somebody else has committed something that is no event.
    if (before === this.#stored) this.#outsideCommits++
    this.#known = true
  }

  status(): JournalStatus {
    const before = this.statements.get(BYTES_BEFORE, 'pluck').get() as number | undefined
    return {
      firstSeq: this.#firstSeq,
      lastSeq: this.lastSeq,
      bytes: before === undefined ? 0 : this.#bytes - before,
      limits: this.#retention.limits,
      outsideCommits: this.#outsideCommits
    }
  }

  /** Reads in one transaction, so that what it reads fits together. */
  consistently<T>(work: () => T): T {
    if (this.#db.inTransaction) {
      this.settle()
      this.#readWithin = true
      return work()
    }
    return this.#db.transaction(() => {
      this.refresh()
      return work()
    })()
  }

  #store(): void {
    if (this.#ends.length === 0) return
    const ends = this.#ends
    this.#time = Math.max(this.#time, Date.now())
    for (let event = 0, start = 0; event < ends.length; ) {
      let next = event + 1
      while (next < ends.length && next - event < ROW_EVENTS && (ends[next] as number) - start <= ROW_BYTES) {
        next++
      }
      const end = ends[next - 1] as number
      this.#bytes += end - start
      const values = [
        this.#stored + 1,
        next - event,
        this.#time,
        this.#bytes,
        this.#pending.written(start, end)
      ]
      this.statements.get(INSERT).run(values)
      this.#stored += next - event
      event = next
      start = end
    }
    this.#ends = []
    this.#pending.clear()
  }

  /** Each event begins with its length. */
  #begin(): number {
    const at = this.#pending.offset
    this.#pending.u32(0)
    return at
  }

  #end(at: number): void {
    const end = this.#pending.offset
    this.#pending.patchU32(at, end - at - 4)
    this.#ends.push(end)
  }
}
