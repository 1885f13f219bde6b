/** Owns what can be done to one open database. Synchronous; throws what SQLite throws. */
import type { Database } from 'better-sqlite3'
import type { PackedPage, PackedPayloads } from '../frames/packed.js'
import type { PackedPuts } from '../frames/packed-writes.js'
import type { KeyRange } from '../keys/key-range.js'
import type { Key } from '../keys/keys.js'
import type { KvScanPage, KvScanQuery } from '../message-payloads.js'
import type { PutOp, TxOp } from '../types.js'
import { type Patient, whenFree } from './busy.js'
import { logOf } from './files/companions.js'
import { OpenedFile } from './files/opened-file.js'
import { MEMORY } from './files/root-dir.js'
import { fitsOneStatement } from './gather.js'
import type { JournalLog, SeqRange } from './journal/journal-log.js'
import { type CachedDatabase, KeyReader } from './key-reader.js'
import type { Pieces } from './pieces.js'
import { type Counting, RangeReader, Scan } from './range-reader.js'
import { RowCache } from './row-cache.js'
import { RowWriter } from './row-writer.js'
import { Statements } from './statements.js'

// Each is prepared when it is first used: a thousand open jobs that do little are to take little memory.
const BEGIN = 'BEGIN IMMEDIATE'
const BEGIN_READING = 'BEGIN'
const COMMIT = 'COMMIT'
const ROLLBACK = 'ROLLBACK'
const SAVEPOINT = 'SAVEPOINT write'
const RELEASE = 'RELEASE write'
const UNDO = 'ROLLBACK TO write'
const EXISTS = 'SELECT 1 FROM kv WHERE category = ? AND key = ?'
const DATA_VERSION = 'PRAGMA data_version'

/** What a store may have besides a database. */
export interface StoreParts {
  /** The journal of the file, if it has one. */
  readonly journal?: JournalLog | undefined
  /** Finds a journal that another owner has begun since the file was opened. */
  readonly findJournal?: () => JournalLog | undefined
  /** What rows that were read may take in memory. Default 0. */
  readonly rowCacheBytes?: number
}

export class SqliteStore implements CachedDatabase {
  readonly #db: Database
  readonly #patient: Patient
  readonly #file: OpenedFile
  /** What is committed is in there until a checkpoint. */
  readonly #log: OpenedFile
  readonly statements: Statements
  readonly #keys: KeyReader
  readonly #ranges: RangeReader
  /** Changes rows, past the journal. */
  readonly rows: RowWriter
  readonly #findJournal: () => JournalLog | undefined
  #journal: JournalLog | undefined
  /** Of the file, when it was found to have no journal. */
  #dataVersion: number | undefined
  /** Whether a transaction that only reads is under way. */
  #onlyReads = false

  /** Takes over the connection; `close` closes it. */
  constructor(
    db: Database,
    patient: Patient,
    { journal, findJournal = () => undefined, rowCacheBytes = 0 }: StoreParts = {}
  ) {
    this.#db = db
    this.#patient = patient
    this.#file = new OpenedFile(db.name)
    this.#log = new OpenedFile(db.memory ? MEMORY : logOf(db.name), 'its write-ahead log ')
    this.#journal = journal
    this.#findJournal = findJournal
    this.statements = new Statements(db)
    const cache = rowCacheBytes > 0 ? new RowCache(rowCacheBytes) : undefined
    this.#keys = new KeyReader(this.statements, this, cache)
    this.#ranges = new RangeReader(this.statements)
    this.rows = new RowWriter(this.statements, 'kv', cache)
  }

  /** Where writes are recorded, if they are. */
  get journal(): JournalLog | undefined {
    return this.#journal
  }

  /** The file as it was opened. */
  get file(): OpenedFile {
    return this.#file
  }

  /** For what is done to the database as a whole. */
  get connection(): Database {
    return this.#db
  }

  /** Changes with what another connection commits, never with what this one does. */
  get dataVersion(): number {
    return this.statements.get(DATA_VERSION, 'pluck').get() as number
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction
  }

  get uncertain(): boolean {
    return this.#db.inTransaction && !this.#onlyReads
  }

  begin(): void {
    whenFree(this.#patient, () => {
      this.#requireInPlace()
      this.statements.get(BEGIN).run()
    })
    try {
      // SQLite may have waited for a lock, and the file have been moved meanwhile.
      this.#requireInPlace()
      if (this.#journal === undefined) this.lookForJournal()
      this.#journal?.begin()
    } catch (thrown) {
      this.rollback()
      throw thrown
    }
  }

  #requireInPlace(): void {
    this.#file.requireStillInPlace()
    this.#log.requireStillInPlace()
  }

  /**
   * The journal, which another owner may have begun since the file was opened. No write may pass it by; within a
   * transaction that writes, nobody can begin one.
   */
  lookForJournal(): JournalLog | undefined {
    const version = this.dataVersion
    if (version === this.#dataVersion) return this.#journal
    this.#journal = this.#findJournal()
    this.#dataVersion = version
    return this.#journal
  }

  /** Answers what the transaction added to the journal. */
  commit(): SeqRange | undefined {
    this.journal?.settle()
    this.statements.get(COMMIT).run()
    return this.journal?.afterCommit()
  }

  /** Ends the transaction without a trace; SQLite may have done so by itself, after a full disk for instance. */
  rollback(): void {
    if (this.#db.inTransaction) this.statements.get(ROLLBACK).run()
  }

  /** Reads outside of a transaction, waiting for a lock if need be. */
  read<T>(work: () => T): T {
    return whenFree(this.#patient, work)
  }

  /** Reads in one transaction, so that what several statements see is of one moment. */
  consistently<T>(work: () => T): T {
    if (this.#db.inTransaction) return work()
    this.statements.get(BEGIN_READING).run()
    this.#onlyReads = true
    try {
      const read = work()
      this.statements.get(COMMIT).run()
      return read
    } catch (thrown) {
      this.rollback()
      throw thrown
    } finally {
      this.#onlyReads = false
    }
  }

  /** Applies the operations of one write, all or none, within the transaction. */
  apply(ops: readonly TxOp[]): void {
    const [first] = ops
    // A statement on one row is all or none by itself.
    if (ops.length === 1 && first !== undefined && first.kind !== 'deletePrefix') {
      this.rows.apply(first)
      return
    }
    this.atomically(() => this.rows.applyAll(ops))
  }

  /** Does something within the transaction that leaves no trace of itself in the file when it throws. */
  atomically<T>(work: () => T): T {
    this.statements.get(SAVEPOINT).run()
    let done: T
    try {
      done = work()
    } catch (thrown) {
      this.#undo()
      throw thrown
    }
    this.statements.get(RELEASE).run()
    return done
  }

  #undo(): void {
    if (!this.#db.inTransaction) return
    this.statements.get(UNDO).run()
    this.statements.get(RELEASE).run()
  }

  /** Applies the operations of one write, as `apply` does, and enters them in the journal if there is one. */
  write(ops: readonly TxOp[]): void {
    if (this.journal === undefined) this.apply(ops)
    else
      this.#recorded(
        (journal) => journal.recordWrite(ops),
        () => this.apply(ops)
      )
  }

  /** The same piece by piece, within one transaction. */
  *writeInPieces(ops: readonly TxOp[]): Pieces {
    const { journal } = this
    const mark = journal?.mark ?? 0
    this.statements.get(SAVEPOINT).run()
    try {
      journal?.recordWrite(ops)
      yield* this.rows.applyInPieces(ops)
    } catch (thrown) {
      this.#undo()
      journal?.rewind(mark)
      throw thrown
    }
    this.statements.get(RELEASE).run()
  }

  /** Stores rows in their order, each as a write of its own. When it throws, any of them may be stored. */
  writeRows(puts: readonly PutOp[]): void {
    this.#recorded(
      (journal) => {
        for (const put of puts) journal.recordPut(put)
      },
      () => this.rows.putMany(puts)
    )
  }

  /** Stores rows that came together in a frame, as `writeRows` does. */
  writePuts(puts: PackedPuts): void {
    if (this.journal !== undefined) this.writeRows(puts.puts)
    else this.rows.putValues(puts.values((name) => this.rows.category(name)))
  }

  /** Removes a row and answers whether it was there. */
  delete(category: string, key: Key): boolean {
    const mark = this.journal?.mark ?? 0
    return this.#recorded(
      (journal) => journal.recordWrite([{ kind: 'delete', category, key }]),
      () => {
        const removed = this.rows.remove(this.rows.category(category), key.bytes)
        if (!removed) this.journal?.rewind(mark)
        return removed
      }
    )
  }

  get(category: string, key: Key): Uint8Array | undefined {
    return this.#keys.get(this.rows.category(category), key)
  }

  exists(category: string, key: Key): boolean {
    return this.statements.get(EXISTS, 'pluck').get(this.rows.category(category), key.bytes) !== undefined
  }

  /** The payloads of many rows, in the order of the keys. */
  getMany(category: string, keys: readonly Key[]): PackedPayloads {
    const gathered = (): PackedPayloads => this.#keys.getMany(this.rows.category(category), keys)
    return fitsOneStatement(keys.length) ? gathered() : this.consistently(gathered)
  }

  count(category: string, range: KeyRange): number {
    return this.#ranges.count(this.rows.category(category), range)
  }

  /** Counts the next piece of a range; answers how many rows there are when that was the last. */
  countPiece(category: string, counting: Counting): number | undefined {
    return this.#ranges.countPiece(this.rows.category(category), counting)
  }

  /** Reads the next piece of a scan; answers all of it when that was the last. */
  readPiece(scan: Scan): PackedPage | undefined {
    return this.#ranges.readPiece(this.rows.category(scan.query.category), scan)
  }

  /** Reads a scan in one go. */
  scan(query: KvScanQuery): KvScanPage {
    const scan = new Scan(query)
    for (;;) {
      const page = this.readPiece(scan)
      if (page !== undefined) return page
    }
  }

  /**
   * Brings everything committed to the disk, whatever the durability in force: a commit under `synchronous = FULL`
   * syncs the write-ahead log, which holds all commits since the last checkpoint. Rewriting the version makes such a
   * commit. With `synchronous = OFF` earlier checkpoints were not synced either, so one that is syncs the file. Waits for
   * a lock if need be.
   */
  sync(): void {
    whenFree(this.#patient, () => this.#sync())
  }

  #sync(): void {
    this.#file.requireInPlace()
    this.#log.requireInPlace()
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

  /** Brings the write-ahead log into the file and cuts it; answers `false` when other connections allow only part of it. */
  checkpoint(): boolean {
    const [told] = this.#db.pragma('wal_checkpoint(TRUNCATE)') as { busy: number; log: number }[]
    // Who only holds a lock has nothing to do with a log that is empty.
    return told === undefined || told.busy === 0 || told.log === 0
  }

  close(): void {
    this.#db.close()
  }

  /** Records before it does: what cannot be recorded is not done, and what fails is not recorded. */
  #recorded<T>(record: (journal: JournalLog) => void, work: () => T): T {
    const { journal } = this
    if (journal === undefined) return work()
    return journal.undoing(() => {
      record(journal)
      return work()
    })
  }
}
