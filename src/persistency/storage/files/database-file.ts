/**
 * Owns what is in a database file: laying it out, recognising it, refusing strangers. The layout is the Nim library's,
 * so that either library opens the other's files: one table, `user_version` 1, WAL.
 */
import Database from 'better-sqlite3'
import { PersistencyError } from '../../errors.js'
import type { Durability, ResolvedJobOptions } from '../../options.js'
import { BUSY_SLICE_MS, type Patient, whenFree } from '../busy.js'
import { codeOf, storageError } from '../sqlite-errors.js'
import { MEMORY } from './root-dir.js'

export const USER_VERSION = 1

const CREATE_KV = `
  CREATE TABLE kv (
    category BLOB NOT NULL,
    key      BLOB NOT NULL,
    payload  BLOB NOT NULL,
    PRIMARY KEY (category, key)
  ) WITHOUT ROWID`

/** The columns of `kv` as `PRAGMA table_info` tells them: name, type, not null, position in the primary key. */
const KV_COLUMNS = 'category BLOB 1 1, key BLOB 1 2, payload BLOB 1 0'

const SYNCHRONOUS: Record<Durability, string> = { off: 'OFF', normal: 'NORMAL', full: 'FULL' }

/**
 * Pages in the WAL after which a commit brings them into the file. Four times SQLite's own number: rows in random
 * order are stored half again as fast, and a commit that does it takes some tens of milliseconds.
 */
const CHECKPOINT_PAGES = 4000

/** A WAL that has grown is cut back to this size by the next checkpoint that can. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024

/** Where the header of a file says that it is written by way of a log, once for writers and once for readers. */
const VERSIONS_OF_MODE = [18, 20] as const
const IN_WAL_MODE = 2

/** SQLite takes a larger cache for none. */
const MOST_CACHE_KIB = 2 ** 31 - 1

/** A file, and how to use it. */
export interface DatabaseFile {
  /** Its path, or `:memory:`. */
  readonly file: string
  readonly options: Pick<ResolvedJobOptions, 'durability' | 'cacheSizeBytes' | 'mmapSizeBytes'>
}

/**
 * Opens the file of a job, and lays it out when it is empty. Throws `PersistencyError`.
 *
 * @param requireInPlace throws when the path leads to another file by now: the log that SQLite makes by that name would be
 *   part of that one
 */
export function openDatabase(
  { file, options }: DatabaseFile,
  patient: Patient,
  requireInPlace: () => void = () => {}
): Database.Database {
  let db: Database.Database | undefined
  try {
    const opened = new Database(file, {
      fileMustExist: file !== MEMORY,
      // While it waits for its first look, somebody may delete the file, or replace it.
      timeout: 0
    })
    db = opened
    whenFree(patient, () => {
      requireInPlace()
      opened.pragma('schema_version')
      opened.pragma(`busy_timeout = ${Math.min(BUSY_SLICE_MS, patient.busyTimeoutMs)}`)
      const fresh = recognise(opened, file)
      // An empty file has nothing to roll back to; without a journal of its own, the change to WAL is one page written.
      if (fresh) opened.pragma('journal_mode = MEMORY')
      configure(opened, file, options)
      if (!fresh) return
      // With a log, SQLite has a lock for as long as the database is open, and the file stays in its place.
      requireInPlace()
      create(opened)
    })
    return opened
  } catch (thrown) {
    db?.close()
    throw storageError(codeOf(thrown) === 'SQLITE_NOTADB' ? 'ERR_NOT_A_DATABASE' : 'ERR_OPEN', file, thrown)
  }
}

/** Whether the file is empty and ours to make; refuses, without changing it, a file that is not ours. */
export function recognise(db: Database.Database, file: string): boolean {
  const version = db.pragma('user_version', { simple: true }) as number
  const tables = db
    .prepare("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    .pluck()
    .all() as string[]
  if (version !== USER_VERSION && version !== 0) {
    const message = `${file}: incompatible user_version: got ${version}, expected ${USER_VERSION}; it was written by another program or a later release`
    throw new PersistencyError('ERR_VERSION', message)
  }
  // A database whose tables are gone keeps its encoding.
  const encoding = db.pragma('encoding', { simple: true }) as string
  if (encoding !== 'UTF-8') {
    const message = `${file}: its text encoding is ${encoding}; the databases of this library are UTF-8`
    throw new PersistencyError('ERR_FOREIGN_SCHEMA', message)
  }
  if (version === 0 && tables.length === 0) return true
  if (!tables.includes('kv') || !hasKvLayout(db)) {
    const message = `${file}: is a SQLite database of something else: it has no table kv(category, key, payload) as expected; move it away or choose another job id`
    throw new PersistencyError('ERR_FOREIGN_SCHEMA', message)
  }
  if (version === 0) db.pragma(`user_version = ${USER_VERSION}`)
  return false
}

/** Whether there is a table `kv` of exactly our columns. */
export function hasKvLayout(db: Database.Database): boolean {
  const columns = db.pragma('table_info(kv)') as { name: string; type: string; notnull: number; pk: number }[]
  return (
    columns.map(({ name, type, notnull, pk }) => `${name} ${type} ${notnull} ${pk}`).join(', ') === KV_COLUMNS
  )
}

function configure(
  db: Database.Database,
  file: string,
  { durability, cacheSizeBytes, mmapSizeBytes }: DatabaseFile['options']
): void {
  const mode = db.pragma('journal_mode = WAL', { simple: true })
  // A file that cannot change to WAL keeps the mode it had, which is MEMORY for a fresh one.
  if (mode !== (file === MEMORY ? 'memory' : 'wal')) {
    const message = `${file}: the file system does not support write-ahead logging (journal mode is ${String(mode)})`
    throw new PersistencyError('ERR_OPEN', message)
  }
  db.pragma(`synchronous = ${SYNCHRONOUS[durability]}`)
  db.pragma('temp_store = MEMORY')
  db.pragma('foreign_keys = OFF')
  limitCache(db, cacheSizeBytes)
  db.pragma(`mmap_size = ${mmapSizeBytes}`)
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  db.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`)
}

/**
 * SQLite sets the memory of twenty pages aside when it reads the first one, or that of the whole cache if this is smaller.
 * A job at rest needs three; and there may be a thousand. So the first page is read while the cache is small.
 */
function limitCache(db: Database.Database, bytes: number): void {
  db.pragma('cache_size = 2')
  db.pragma('shrink_memory')
  db.pragma('schema_version')
  db.pragma(`cache_size = -${Math.min(Math.ceil(bytes / 1024), MOST_CACHE_KIB)}`)
}

/**
 * Table and version in one transaction: no file is ever half made. Another process may have been faster. It is synced, as
 * the first commit of a log: with it the directory is, and so the removal of a log that a former file of this name had,
 * which after a loss of power would be taken for that of this one.
 */
function create(db: Database.Database): void {
  db.transaction(() => {
    if (db.pragma('user_version', { simple: true }) === 0) layOut(db)
  }).immediate()
}

function layOut(db: Database.Database): void {
  db.exec(CREATE_KV)
  db.pragma(`user_version = ${USER_VERSION}`)
}

let empty: Buffer | undefined

/** The bytes of a file that has just been laid out, and has no log. */
export function emptyDatabase(): Uint8Array {
  empty ??= makeEmpty()
  return empty
}

function makeEmpty(): Buffer {
  const db = new Database(MEMORY)
  try {
    layOut(db)
    const bytes = db.serialize()
    // What is in memory has no log.
    bytes.fill(IN_WAL_MODE, ...VERSIONS_OF_MODE)
    return bytes
  } finally {
    db.close()
  }
}
