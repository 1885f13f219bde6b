/**
 * Owns how far the storage has come with the writes of one session, in the file: stored in the transaction of their
 * effect, so that the thread which goes on after a death knows what it must not apply a second time.
 */
import type { Database } from 'better-sqlite3'
import { PersistencyError, type PersistencyErrorData } from '../errors.js'
import type { RestartStart } from './start.js'
import { Statements } from './statements.js'
import { failedAmong, lastSeqAmong, type Task } from './tasks.js'

// Made by the first transaction of a job with `restart`: other files have no such tables.
const CREATE = [
  `CREATE TABLE IF NOT EXISTS restart_sessions (
    session TEXT PRIMARY KEY,
    seq     INTEGER NOT NULL,
    time    INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS restart_failures (
    session TEXT NOT NULL,
    first   INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    error   TEXT NOT NULL,
    PRIMARY KEY (session, first)
  ) WITHOUT ROWID`
]
const FORGET_OLD = [
  'DELETE FROM restart_failures WHERE session IN (SELECT session FROM restart_sessions WHERE time < ?)',
  'DELETE FROM restart_sessions WHERE time < ?'
]
const FORGET = [
  'DELETE FROM restart_failures WHERE session = ?',
  'DELETE FROM restart_sessions WHERE session = ?'
]
const FIND = 'SELECT seq FROM restart_sessions WHERE session = ?'
const FAILURES = 'SELECT first, last, error FROM restart_failures WHERE session = ?'
const REACHED = 'INSERT OR REPLACE INTO restart_sessions (session, seq, time) VALUES (?, ?, ?)'
const FAILED = 'INSERT OR REPLACE INTO restart_failures (session, first, last, error) VALUES (?, ?, ?, ?)'
const FORGET_FAILURES = 'DELETE FROM restart_failures WHERE session = ? AND last <= ?'

/**
 * A session that ended without being closed leaves its rows. One that has stored nothing for a day has long been told
 * what came of its last write, should it still be there.
 */
const OLD_MS = 24 * 60 * 60 * 1000

/** What earlier threads did with the writes of a session. */
export interface DealtWith {
  /** All writes up to this one were applied, or failed. 0 for none. */
  readonly seq: number
  /** Those that failed, the latest of them at least. */
  readonly failures: ReadonlyMap<number, PersistencyError>
}

/** Writes one after the other that failed for the same reason: a full disk may fail a hundred thousand. */
interface Failures {
  readonly first: number
  readonly last: number
  /** A `PersistencyErrorData` as JSON. */
  readonly error: string
}

export class RestartLog {
  readonly #start: RestartStart
  /** What the transactions before this one have stored, and what this one would. */
  #stored: number
  #staged = 0
  /** Failures of writes that no transaction could tell of yet. */
  #untold: Failures[] = []
  #made = false
  #statements: { readonly db: Database; readonly prepared: Statements } | undefined
  /** As it was when the thread took the session up. */
  readonly before: DealtWith

  /** Goes on with the session, as the database says. */
  constructor(start: RestartStart, db: Database) {
    this.#start = start
    this.before = this.#read(db)
    this.#stored = this.before.seq
  }

  /** Stores what becomes of the tasks of a transaction, within it and at its end. Throws what SQLite throws. */
  record(db: Database, tasks: readonly Task[]): void {
    const failures = [...this.#untold]
    addFailures(failures, tasks)
    const seq = Math.max(this.#stored, lastSeqAmong(tasks), failures.at(-1)?.last ?? 0)
    this.#staged = seq
    if (seq === this.#stored) return
    const statements = this.#of(db)
    const { session, maxQueueOps } = this.#start
    const now = Date.now()
    if (!this.#made) {
      for (const sql of CREATE) statements.get(sql).run()
      for (const sql of FORGET_OLD) statements.get(sql).run(now - OLD_MS)
    }
    statements.get(REACHED).run(session, seq, now)
    if (failures.length === 0) return
    for (const { first, last, error } of failures) statements.get(FAILED).run(session, first, last, error)
    statements.get(FORGET_FAILURES).run(session, seq - maxQueueOps)
  }

  /** The transaction is committed. */
  committed(): void {
    if (this.#staged === this.#stored) return
    this.#stored = this.#staged
    this.#untold = []
    this.#made = true
  }

  /** Tasks have come to an end without a transaction: the next one tells of them. */
  notRecorded(tasks: readonly Task[]): void {
    addFailures(this.#untold, tasks)
    // Of earlier ones everybody has heard: more writes than that are never without an outcome.
    const heard = (this.#untold.at(-1)?.last ?? 0) - this.#start.maxQueueOps
    while ((this.#untold[0]?.last ?? Number.POSITIVE_INFINITY) <= heard) this.#untold.shift()
  }

  /** Removes what is stored of the session: every write has an outcome, and none follows. Throws what SQLite throws. */
  forget(db: Database): void {
    if (this.#stored === 0) return
    const statements = this.#of(db)
    db.transaction(() => {
      for (const sql of FORGET) statements.get(sql).run(this.#start.session)
    }).immediate()
  }

  #read(db: Database): DealtWith {
    const statements = this.#of(db)
    const failures = new Map<number, PersistencyError>()
    if (!statements.hasTable('restart_sessions')) return { seq: 0, failures }
    const { session } = this.#start
    const seq = (statements.get(FIND, 'pluck').get(session) as number | undefined) ?? 0
    for (const { first, last, error } of statements.get(FAILURES).all(session) as Failures[]) {
      const cause = PersistencyError.from(JSON.parse(error) as PersistencyErrorData)
      for (let failed = first; failed <= last; failed++) failures.set(failed, cause)
    }
    return { seq, failures }
  }

  /** The database may have been closed and opened again meanwhile. */
  #of(db: Database): Statements {
    if (this.#statements?.db !== db) this.#statements = { db, prepared: new Statements(db) }
    return this.#statements.prepared
  }
}

function addFailures(list: Failures[], tasks: readonly Task[]): void {
  for (const { event, error: cause } of failedAmong(tasks)) {
    const { seq } = event
    if (seq === 0) continue
    const error = JSON.stringify(cause)
    const before = list.at(-1)
    const goesOn = before?.last === seq - 1 && before.error === error
    if (goesOn) list[list.length - 1] = { ...before, last: seq }
    else list.push({ first: seq, last: seq, error })
  }
}
