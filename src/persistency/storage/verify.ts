/** Owns checking a database: SQLite's own check, and what this library expects on top. Changes nothing. */
import { isUtf8 } from 'node:buffer'
import type { Database } from 'better-sqlite3'
import { messageOf } from '../../runtime/message-of.js'
import type { VerifyProblem, VerifyReport } from '../maintenance/types.js'
import { hasKvLayout, USER_VERSION } from './files/database-file.js'
import { type Operation, throwIfEnded } from './operation.js'
import { rowSteps } from './row-steps.js'
import { isOfSurroundings } from './surroundings.js'

/** More say nothing new. */
const MAX_PROBLEMS = 100

type Check = VerifyProblem['check']

/** Throws what `operation` ends with, and what keeps it from looking; what is wrong with the database is in the report. */
export function verifyDatabase(db: Database, quick: boolean, operation: Operation): VerifyReport {
  return new Verification(db, quick, operation).report()
}

/** The report on a database that is not there, or cannot even be opened for what is wrong with it. */
export function unreadable(thrown: unknown): VerifyReport {
  return { ok: false, problems: [{ check: 'file', message: messageOf(thrown) }], rows: 0, durationMs: 0 }
}

class Verification {
  readonly #db: Database
  readonly #quick: boolean
  readonly #operation: Operation
  readonly #problems: VerifyProblem[] = []
  #rows = 0

  constructor(db: Database, quick: boolean, operation: Operation) {
    this.#db = db
    this.#quick = quick
    this.#operation = operation
  }

  report(): VerifyReport {
    const started = performance.now()
    this.#check('version', () => this.#version())
    this.#check('schema', () => this.#schema())
    this.#operation.progress({ phase: 'file', done: 0 })
    this.#check('integrity', () => this.#integrity())
    if (!this.#problems.some(({ check }) => check === 'schema')) {
      this.#check('rows', () => this.#bytes())
      this.#check('categories', () => this.#categories())
    }
    const problems = this.#problems.slice(0, MAX_PROBLEMS)
    return { ok: problems.length === 0, problems, rows: this.#rows, durationMs: performance.now() - started }
  }

  /** A check that SQLite breaks off has found something, too. */
  #check(check: Check, work: () => void): void {
    throwIfEnded(this.#operation)
    try {
      work()
    } catch (thrown) {
      throwIfEnded(this.#operation)
      if (isOfSurroundings(thrown)) throw thrown
      this.#found(check, messageOf(thrown))
    }
  }

  #found(check: Check, message: string): void {
    this.#problems.push({ check, message })
  }

  #version(): void {
    const version = this.#db.pragma('user_version', { simple: true })
    if (version !== USER_VERSION)
      this.#found('version', `user_version is ${String(version)}, expected ${USER_VERSION}`)
  }

  #schema(): void {
    const encoding = this.#db.pragma('encoding', { simple: true })
    if (encoding !== 'UTF-8') this.#found('schema', `text encoding is ${String(encoding)}, expected UTF-8`)
    if (!hasKvLayout(this.#db))
      this.#found('schema', 'there is no table kv(category, key, payload) as expected')
  }

  /** SQLite finds NULLs in columns that may hold none in the same go. */
  #integrity(): void {
    const pragma = this.#quick ? 'quick_check' : 'integrity_check'
    for (const line of this.#db.prepare(`PRAGMA ${pragma}(${MAX_PROBLEMS})`).pluck().all() as string[]) {
      if (line !== 'ok') this.#found('integrity', line)
    }
  }

  #bytes(): void {
    let notBytes = 0
    for (const step of rowSteps(this.#db, true)) {
      this.#rows += step.rows
      notBytes += step.notBytes
      this.#operation.progress({ phase: 'rows', done: this.#rows })
      throwIfEnded(this.#operation)
    }
    if (notBytes > 0) this.#found('rows', `${notBytes} rows hold something else than bytes`)
  }

  #categories(): void {
    const next = this.#db.prepare('SELECT min(category) FROM kv WHERE category > ?').pluck()
    let odd = 0
    let category = this.#db.prepare('SELECT min(category) FROM kv').pluck().get()
    for (; category !== undefined && category !== null; category = next.get(category)) {
      if (category instanceof Uint8Array && !isUtf8(category)) odd++
      throwIfEnded(this.#operation)
    }
    if (odd > 0) this.#found('categories', `${odd} categories are no UTF-8`)
  }
}
