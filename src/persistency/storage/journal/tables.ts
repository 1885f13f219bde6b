/** Owns the tables of the journal: making them, recognising them, and the facts that stand beside the events. */
import type { Database } from 'better-sqlite3'
import { PersistencyError } from '../../errors.js'
import { JOURNAL_FORMAT } from '../../journal/event-codec.js'
import type { JournalOptions } from '../../journal/types.js'
import type { Pieces } from '../pieces.js'
import { Statements } from '../statements.js'
import { copyRows } from './copy-rows.js'

export const SNAPSHOT_TABLE = 'journal_snapshot'

const CREATE = `
  CREATE TABLE journal (
    seq    INTEGER PRIMARY KEY,
    events INTEGER NOT NULL,
    time   INTEGER NOT NULL,
    bytes  INTEGER NOT NULL,
    format INTEGER NOT NULL,
    body   BLOB NOT NULL
  );
  CREATE TABLE journal_snapshot (
    category BLOB NOT NULL,
    key      BLOB NOT NULL,
    payload  BLOB NOT NULL,
    PRIMARY KEY (category, key)
  ) WITHOUT ROWID;
  CREATE TABLE journal_streams (
    stream     TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    stream_seq INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
  ) WITHOUT ROWID;
  CREATE TABLE journal_keys (
    id         TEXT PRIMARY KEY,
    first_seq  INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL,
    stream_seq INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX journal_keys_last ON journal_keys (last_seq);
  CREATE TABLE journal_meta (
    name  TEXT PRIMARY KEY,
    value INTEGER
  ) WITHOUT ROWID;
  INSERT INTO journal_meta (name, value) VALUES ('format', ${JOURNAL_FORMAT}), ('first_seq', 1)`

const LIMITS = { maxEvents: 'max_events', maxAgeMs: 'max_age_ms', maxBytes: 'max_bytes' } as const

/** Whether a file has a journal. Throws `ERR_VERSION` for one that a later release wrote. */
export function hasJournal(db: Database, file: string): boolean {
  if (!new Statements(db).hasTable('journal_meta')) return false
  const format = readMeta(db, 'format')
  if (format === JOURNAL_FORMAT) return true
  const message = `${file}: its journal has format ${String(format)}, expected ${JOURNAL_FORMAT}; it was written by a later release`
  throw new PersistencyError('ERR_VERSION', message)
}

/** Makes the tables, with a snapshot of the rows that are there. Within a transaction. */
export function* createJournal(db: Database): Pieces {
  db.exec(CREATE)
  yield* copyRows(db)
}

export function readMeta(db: Database, name: string): number | undefined {
  const value = db.prepare('SELECT value FROM journal_meta WHERE name = ?').pluck().get(name)
  return (value as number | null | undefined) ?? undefined
}

export function readLimits(db: Database): JournalOptions {
  const limits: Record<string, number> = {}
  for (const [option, name] of Object.entries(LIMITS)) {
    const value = readMeta(db, name)
    if (value !== undefined) limits[option] = value
  }
  return limits
}

/** Puts limits in place of those that are there. Within a transaction. */
export function writeLimits(db: Database, limits: JournalOptions): void {
  const put = db.prepare('INSERT OR REPLACE INTO journal_meta (name, value) VALUES (?, ?)')
  for (const [option, name] of Object.entries(LIMITS))
    put.run(name, limits[option as keyof JournalOptions] ?? null)
}
