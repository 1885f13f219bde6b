/**
 * Owns one past state: a private temporary database, which SQLite keeps in memory while it is small and on disk when
 * it grows, filled step by step from the snapshot and the events behind it.
 */
import Database from 'better-sqlite3'
import { decodeEvent } from '../../journal/event-codec.js'
import type { TxOp } from '../../types.js'
import { SqliteStore } from '../sqlite-store.js'
import type { JournalLog } from './journal-log.js'
import type { PlainRow } from './plain-rows.js'

const CREATE =
  'CREATE TABLE kv (category BLOB NOT NULL, key BLOB NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (category, key)) WITHOUT ROWID'
const CACHE_KIB = 8 * 1024

/** So much is done between two looks at the clock, or less when it is so many bytes. */
const ROWS_AT_ONCE = 64
const EVENTS_AT_ONCE = 64
const BYTES_AT_ONCE = 1024 * 1024

/**
 * So often it is begun in small steps. Each may be in vain: nothing falls off meanwhile where the file has one owner, but
 * another owner knows nothing of it.
 */
const MAX_ATTEMPTS = 4

const FIRST_ROWS = `SELECT category, key, CAST(payload AS BLOB) FROM journal_snapshot ORDER BY category, key LIMIT ${ROWS_AT_ONCE}`
const NEXT_ROWS = `SELECT category, key, CAST(payload AS BLOB) FROM journal_snapshot WHERE (category, key) > (?, ?) ORDER BY category, key LIMIT ${ROWS_AT_ONCE}`
const PUT = 'INSERT INTO kv (category, key, payload) VALUES (?, ?, ?)'

export class PastStore {
  readonly store: SqliteStore
  #attempts: number
  readonly #db: Database.Database
  readonly #put: Database.Statement
  /** The first event of the journal when the copying of the snapshot began. */
  #snapshotOf: number | undefined
  #copied = false
  #rowsDone = 0
  #behind: PlainRow | undefined
  /** The last event that is in it. */
  #seq = 0
  /** The event that the last step was for. */
  #aim = 0
  /** Whether it has been the state that was wanted. */
  #reached = false
  #changes = 0

  /** @param attempts how many were begun for the same purpose, and had to be given up */
  constructor(attempts: number) {
    this.#attempts = attempts
    const db = new Database('')
    db.pragma('journal_mode = MEMORY')
    db.pragma('synchronous = OFF')
    db.pragma(`cache_size = -${CACHE_KIB}`)
    db.exec(CREATE)
    this.#db = db
    this.#put = db.prepare(PUT)
    this.store = new SqliteStore(db, { busyTimeoutMs: 0, urgent: () => false })
  }

  /** The event it is the state of, once the snapshot is copied. */
  get seq(): number | undefined {
    return this.#copied ? this.#seq : undefined
  }

  get attempts(): number {
    return this.#attempts
  }

  /** Whether it is made in one go, because what it is made of was folded too often meanwhile. */
  get inOneGo(): boolean {
    return this.#attempts >= MAX_ATTEMPTS
  }

  /** It has served its purpose. */
  done(): void {
    this.#attempts = 0
  }

  /** How much has been done on the way to the state as of `seq`. How many rows are left to copy is not known. */
  progress(seq: number): { readonly done: number; readonly total: number } {
    const first = this.#snapshotOf ?? seq
    const done = this.#rowsDone + (this.#copied ? this.#seq - first + 1 : 0)
    return { done, total: Math.max(done, this.#rowsDone + seq - first + 1) }
  }

  /** Whether what it still needs of the journal is there. */
  fits({ firstSeq }: JournalLog): boolean {
    if (this.#copied) return this.#seq >= firstSeq - 1
    return this.#snapshotOf === undefined || this.#snapshotOf === firstSeq
  }

  /** How many operations came in since this was asked last, without those of the first way to the state. */
  takeChanges(): number {
    const changes = this.#changes
    this.#changes = 0
    return changes
  }

  /**
   * Goes on towards the state as of `seq` until it is reached or `over` says so; `true` when it is reached. A step that
   * follows another one takes at least twice as many rows and events as events came in between: so it gains on any
   * writer, and no more come in meanwhile than it was made of.
   */
  advance(journal: JournalLog, seq: number, over: () => boolean, follows: boolean): boolean {
    let owed = follows ? 2 * (seq - this.#aim) : 0
    this.#aim = seq
    const reached = this.#db.transaction(() => {
      while (!this.#copied || this.#seq < seq) {
        owed -= this.#copied
          ? this.#applySome(journal, Math.min(seq, this.#seq + EVENTS_AT_ONCE))
          : this.#copySome(journal)
        if (owed <= 0 && !this.inOneGo && over()) break
      }
      return this.#copied && this.#seq >= seq
    })()
    this.#reached ||= reached
    return reached
  }

  close(): void {
    this.store.close()
  }

  /** Answers how many rows. */
  #copySome(journal: JournalLog): number {
    this.#snapshotOf ??= journal.firstSeq
    const rows =
      this.#behind === undefined
        ? journal.statements.get(FIRST_ROWS, 'raw').iterate()
        : journal.statements.get(NEXT_ROWS, 'raw').iterate(this.#behind[0], this.#behind[1])
    let copied = 0
    let bytes = 0
    for (const row of rows as IterableIterator<PlainRow>) {
      this.#put.run(...row)
      this.#behind = row
      copied++
      bytes += row[2].length
      if (bytes >= BYTES_AT_ONCE) break
    }
    this.#rowsDone += copied
    if (copied === ROWS_AT_ONCE || bytes >= BYTES_AT_ONCE) return copied
    this.#behind = undefined
    this.#copied = true
    this.#seq = this.#snapshotOf - 1
    return copied
  }

  /** Answers how many events. */
  #applySome(journal: JournalLog, to: number): number {
    const ops: TxOp[] = []
    let last = this.#seq
    let bytes = 0
    for (const event of journal.reader.events(this.#seq + 1, to)) {
      for (const op of decodeEvent(event).ops) ops.push(op)
      last = event.seq
      bytes += event.bytes.length
      if (bytes >= BYTES_AT_ONCE) break
    }
    const applied = last - this.#seq
    this.store.apply(ops)
    this.#seq = last
    if (this.#reached) this.#changes += ops.length
    return applied
  }
}
