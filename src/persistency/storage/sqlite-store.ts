/** Owns what can be done to one open database. Synchronous; throws what SQLite throws. */
import type { Database } from 'better-sqlite3'
import { type KeyRange, prefixRange } from '../key-range.js'
import type { Key } from '../keys.js'
import type { KvScanPage } from '../message-payloads.js'
import { PACKED_PAYLOAD, PackedPayloads } from '../packed.js'
import type { PutOp, TxOp } from '../types.js'
import { type Patient, whenFree } from './busy.js'
import { OpenedFile } from './opened-file.js'
import { inRange, RangeReader, type Scan } from './range-reader.js'
import { codeOf } from './sqlite-errors.js'
import { Statements } from './statements.js'

/** Encoded category names kept at hand; programs use few, hostile ones must not fill the memory. */
const MAX_CACHED_CATEGORIES = 1024

/** How many rows one statement stores, if there are so many: about half again as fast as one by one. */
const STORED = 16

/** How many rows one statement reads, largest first: a list of keys is split into such. */
const GATHERED = [64, 32, 16, 8, 4, 2, 1] as const

// Each is prepared when it is first used: a thousand open jobs that do little are to take little memory.
const BEGIN = 'BEGIN IMMEDIATE'
const COMMIT = 'COMMIT'
const ROLLBACK = 'ROLLBACK'
const SAVEPOINT = 'SAVEPOINT write'
const RELEASE = 'RELEASE write'
const UNDO = 'ROLLBACK TO write'
const PUT = 'INSERT OR REPLACE INTO kv (category, key, payload) VALUES (?, ?, ?)'
const PUT_MANY = PUT + ', (?, ?, ?)'.repeat(STORED - 1)
const DELETE = 'DELETE FROM kv WHERE category = ? AND key = ?'
const GET = 'SELECT payload FROM kv WHERE category = ? AND key = ?'
const EXISTS = 'SELECT 1 FROM kv WHERE category = ? AND key = ?'

/** Reads many rows of one category in the order of the keys: one pass through the engine costs less than many. */
function gatherSql(rows: number): string {
  const wanted = Array.from({ length: rows }, () => '(?)').join(', ')
  return `WITH wanted(k) AS (VALUES ${wanted})
    SELECT CAST(group_concat(${PACKED_PAYLOAD}, '') AS BLOB) FROM wanted LEFT JOIN kv ON category = ? AND key = k`
}

export class SqliteStore {
  readonly #db: Database
  readonly #patient: Patient
  readonly #file: OpenedFile
  readonly #statements: Statements
  readonly #ranges: RangeReader
  readonly #categories = new Map<string, Buffer>()
  #lastName = ''
  #lastCategory: Buffer = Buffer.alloc(0)

  /** Takes over the connection; `close` closes it. */
  constructor(db: Database, patient: Patient) {
    this.#db = db
    this.#patient = patient
    this.#file = new OpenedFile(db.name)
    this.#statements = new Statements(db)
    this.#ranges = new RangeReader(this.#statements)
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction
  }

  begin(): void {
    this.#file.requireInPlace()
    whenFree(this.#patient, () => this.#statements.get(BEGIN).run())
  }

  commit(): void {
    this.#statements.get(COMMIT).run()
  }

  /** Ends the transaction without a trace; SQLite may have done so by itself, after a full disk for instance. */
  rollback(): void {
    if (this.#db.inTransaction) this.#statements.get(ROLLBACK).run()
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
    this.#statements.get(SAVEPOINT).run()
    try {
      this.#applyAll(ops)
    } catch (thrown) {
      if (this.#db.inTransaction) {
        this.#statements.get(UNDO).run()
        this.#statements.get(RELEASE).run()
      }
      throw thrown
    }
    this.#statements.get(RELEASE).run()
  }

  /** Stores rows in their order, within the transaction. When it throws, any of them may be stored. */
  putMany(puts: readonly PutOp[]): void {
    let at = 0
    for (; at + STORED <= puts.length; at += STORED) {
      const values: Uint8Array[] = []
      for (let next = at; next < at + STORED; next++) {
        const { category, key, payload } = puts[next] as PutOp
        values.push(this.#category(category), key.bytes, payload)
      }
      this.#statements.get(PUT_MANY).run(values)
    }
    for (; at < puts.length; at++) this.#applyOne(puts[at] as PutOp)
  }

  /** Removes a row and answers whether it was there. */
  delete(category: string, key: Key): boolean {
    return this.#statements.get(DELETE).run(this.#category(category), key.bytes).changes > 0
  }

  get(category: string, key: Key): Uint8Array | undefined {
    return this.#statements.get(GET, 'pluck').get(this.#category(category), key.bytes) as Buffer | undefined
  }

  exists(category: string, key: Key): boolean {
    return this.#statements.get(EXISTS, 'pluck').get(this.#category(category), key.bytes) !== undefined
  }

  /** The payloads of many rows, in the order of the keys. */
  getMany(category: string, keys: readonly Key[]): PackedPayloads {
    const name = this.#category(category)
    const packed: Uint8Array[] = []
    let most: number = GATHERED[0]
    for (let from = 0; from < keys.length; ) {
      const size = GATHERED.find((rows) => rows <= Math.min(most, keys.length - from)) as number
      const values: Uint8Array[] = []
      for (let at = from; at < from + size; at++) values.push((keys[at] as Key).bytes)
      values.push(name)
      try {
        packed.push(this.#statements.get(gatherSql(size), 'pluck').get(values) as Uint8Array)
        from += size
      } catch (thrown) {
        // Payloads that are too large for one value together are read in smaller groups.
        if (codeOf(thrown) !== 'SQLITE_TOOBIG' || size === 1) throw thrown
        most = size / 2
      }
    }
    return new PackedPayloads(packed)
  }

  count(category: string, range: KeyRange): number {
    return this.#ranges.count(this.#category(category), range)
  }

  /** Reads the next piece of a scan; answers all of it when that was the last. */
  goOn(scan: Scan): KvScanPage | undefined {
    return this.#ranges.goOn(this.#category(scan.query.category), scan)
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

  /** Brings the write-ahead log into the file and cuts it, as far as other connections allow. */
  checkpoint(): void {
    this.#db.pragma('wal_checkpoint(TRUNCATE)')
  }

  close(): void {
    this.#db.close()
  }

  #applyAll(ops: readonly TxOp[]): void {
    for (let at = 0; at < ops.length; ) {
      const puts = putsFrom(ops, at)
      if (puts.length > 0) this.putMany(puts)
      else this.#applyOne(ops[at] as TxOp)
      at += Math.max(1, puts.length)
    }
  }

  #applyOne(op: TxOp): void {
    switch (op.kind) {
      case 'put':
        this.#statements.get(PUT).run(this.#category(op.category), op.key.bytes, op.payload)
        return
      case 'delete':
        this.#statements.get(DELETE).run(this.#category(op.category), op.key.bytes)
        return
      case 'deletePrefix': {
        const { where, values } = inRange(this.#category(op.category), prefixRange(op.prefix))
        this.#statements.get(`DELETE FROM kv WHERE ${where}`).run(...values)
        return
      }
      default:
        op satisfies never
    }
  }

  #category(name: string): Buffer {
    if (name === this.#lastName) return this.#lastCategory
    let bytes = this.#categories.get(name)
    if (bytes === undefined) {
      if (this.#categories.size >= MAX_CACHED_CATEGORIES) this.#categories.clear()
      bytes = Buffer.from(name)
      this.#categories.set(name, bytes)
    }
    this.#lastName = name
    this.#lastCategory = bytes
    return bytes
  }
}

/** The puts that stand in a row. */
function putsFrom(ops: readonly TxOp[], start: number): PutOp[] {
  const puts: PutOp[] = []
  for (let at = start; at < ops.length; at++) {
    const op = ops[at] as TxOp
    if (op.kind !== 'put') break
    puts.push(op)
  }
  return puts
}
