/** Owns the SQL: one prepared statement per operation on one open database. Synchronous; throws what SQLite throws. */
import type { Database, Statement } from 'better-sqlite3'
import { type KeyRange, prefixRange } from '../key-range.js'
import { Key } from '../keys.js'
import type { KvScanPage, KvScanQuery } from '../message-payloads.js'
import type { KvRow, TxOp } from '../types.js'
import { type Patient, whenFree } from './busy.js'

/** Encoded category names kept at hand; programs use few, hostile ones must not fill the memory. */
const MAX_CACHED_CATEGORIES = 1024

const NO_BYTES = new Uint8Array(0)

export class SqliteStore {
  readonly #db: Database
  readonly #patient: Patient
  readonly #statements = new Map<string, Statement>()
  readonly #categories = new Map<string, Buffer>()
  readonly #begin: Statement
  readonly #commit: Statement
  readonly #rollback: Statement
  readonly #savepoint: Statement
  readonly #release: Statement
  readonly #undo: Statement
  readonly #put: Statement
  readonly #delete: Statement
  readonly #get: Statement
  readonly #exists: Statement

  /** Takes over the connection; `close` closes it. */
  constructor(db: Database, patient: Patient) {
    this.#db = db
    this.#patient = patient
    this.#begin = db.prepare('BEGIN IMMEDIATE')
    this.#commit = db.prepare('COMMIT')
    this.#rollback = db.prepare('ROLLBACK')
    this.#savepoint = db.prepare('SAVEPOINT write')
    this.#release = db.prepare('RELEASE write')
    this.#undo = db.prepare('ROLLBACK TO write')
    this.#put = db.prepare('INSERT OR REPLACE INTO kv (category, key, payload) VALUES (?, ?, ?)')
    this.#delete = db.prepare('DELETE FROM kv WHERE category = ? AND key = ?')
    this.#get = db.prepare('SELECT payload FROM kv WHERE category = ? AND key = ?').pluck()
    this.#exists = db.prepare('SELECT 1 FROM kv WHERE category = ? AND key = ?').pluck()
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction
  }

  begin(): void {
    whenFree(this.#patient, () => this.#begin.run())
  }

  commit(): void {
    this.#commit.run()
  }

  /** Ends the transaction without a trace; SQLite may have done so by itself, after a full disk for instance. */
  rollback(): void {
    if (this.#db.inTransaction) this.#rollback.run()
  }

  /** Reads outside of a transaction, waiting for a lock if need be. */
  read<T>(work: () => T): T {
    return whenFree(this.#patient, work)
  }

  /** Applies the operations of one write, all or none, within the transaction. */
  apply(ops: readonly TxOp[]): void {
    const [first] = ops
    // A statement on one row is all or none by itself.
    if (ops.length === 1 && first !== undefined && first.kind !== 'deletePrefix') {
      this.#applyOne(first)
      return
    }
    this.#savepoint.run()
    try {
      for (const op of ops) this.#applyOne(op)
    } catch (thrown) {
      if (this.#db.inTransaction) {
        this.#undo.run()
        this.#release.run()
      }
      throw thrown
    }
    this.#release.run()
  }

  /** Removes a row and answers whether it was there. */
  delete(category: string, key: Key): boolean {
    return this.#delete.run(this.#category(category), key.bytes).changes > 0
  }

  get(category: string, key: Key): Uint8Array | undefined {
    return this.#get.get(this.#category(category), key.bytes) as Buffer | undefined
  }

  exists(category: string, key: Key): boolean {
    return this.#exists.get(this.#category(category), key.bytes) !== undefined
  }

  count(category: string, range: KeyRange): number {
    const { where, values } = this.#inRange(category, range)
    return this.#statement(`SELECT count(*) FROM kv WHERE ${where}`, 'pluck').get(...values) as number
  }

  scan(query: KvScanQuery): KvScanPage {
    const { where, values } = this.#inRange(query.category, query.range)
    const columns = query.keysOnly ? 'key' : 'key, payload'
    const order = query.reverse ? 'DESC' : 'ASC'
    const sql = `SELECT ${columns} FROM kv WHERE ${where} ORDER BY key ${order} LIMIT ?`
    // One row more than asked for tells whether there are more.
    const limit = query.limit ?? -1
    const found = this.#statement(sql, 'raw').iterate(...values, limit === -1 ? -1 : limit + 1)
    const maxBytes = query.maxBytes ?? Number.POSITIVE_INFINITY
    const rows: KvRow[] = []
    let bytes = 0
    let more = false
    for (const [key, payload = NO_BYTES] of found as IterableIterator<[Uint8Array, Uint8Array?]>) {
      if (rows.length === limit || bytes >= maxBytes) {
        more = true
        break
      }
      rows.push({ key: Key.view(key), payload })
      bytes += key.length + payload.length
    }
    return { rows, more }
  }

  /**
   * Brings everything committed to the disk, whatever the durability in force: a commit under `synchronous = FULL`
   * syncs the write-ahead log, which holds all commits since the last checkpoint. Rewriting the version makes such a
   * commit. With `synchronous = OFF` earlier checkpoints were not synced either, so one that is syncs the file.
   */
  sync(): void {
    const former = this.#db.pragma('synchronous', { simple: true })
    const version = this.#db.pragma('user_version', { simple: true })
    try {
      this.#db.pragma('synchronous = FULL')
      this.#db.pragma(`user_version = ${String(version)}`)
      if (former === 0) this.#db.pragma('wal_checkpoint(FULL)')
    } finally {
      this.#db.pragma(`synchronous = ${String(former)}`)
    }
  }

  close(): void {
    this.#db.close()
  }

  #applyOne(op: TxOp): void {
    switch (op.kind) {
      case 'put':
        this.#put.run(this.#category(op.category), op.key.bytes, op.payload)
        return
      case 'delete':
        this.#delete.run(this.#category(op.category), op.key.bytes)
        return
      case 'deletePrefix': {
        const { where, values } = this.#inRange(op.category, prefixRange(op.prefix))
        this.#statement(`DELETE FROM kv WHERE ${where}`, 'plain').run(...values)
        return
      }
      default:
        op satisfies never
    }
  }

  #inRange(category: string, { start, stop }: KeyRange): { where: string; values: Uint8Array[] } {
    const values = [this.#category(category), start.bytes]
    if (stop === undefined || stop.length === 0) return { where: 'category = ? AND key >= ?', values }
    values.push(stop.bytes)
    return { where: 'category = ? AND key >= ? AND key < ?', values }
  }

  #statement(sql: string, form: 'plain' | 'pluck' | 'raw'): Statement {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.#db.prepare(sql)
      if (form !== 'plain') statement[form]()
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #category(name: string): Buffer {
    let bytes = this.#categories.get(name)
    if (bytes === undefined) {
      if (this.#categories.size >= MAX_CACHED_CATEGORIES) this.#categories.clear()
      bytes = Buffer.from(name)
      this.#categories.set(name, bytes)
    }
    return bytes
  }
}
