/** Looks at and prepares database files with SQLite itself, beside the library under test. */
import Database from 'better-sqlite3'
import { hexOf } from './storage-results.js'

export const CREATE_KV =
  'CREATE TABLE kv ( category BLOB NOT NULL, key BLOB NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (category, key) ) WITHOUT ROWID'

export interface PlainRow {
  readonly category: string
  readonly key: string
  readonly payload: string
}

/** Runs `body` with a connection of its own, which is closed afterwards. */
export function withDatabase<T>(file: string, body: (db: Database.Database) => T): T {
  const db = new Database(file)
  try {
    return body(db)
  } finally {
    db.close()
  }
}

export function execute(file: string, sql: string): void {
  withDatabase(file, (db) => db.exec(sql))
}

/** All rows of a file, in order: the category as text, key and payload in hex. */
export function rowsIn(file: string): PlainRow[] {
  return withDatabase(file, (db) => {
    const rows = db.prepare('SELECT category, key, payload FROM kv ORDER BY category, key').all() as {
      category: Buffer
      key: Buffer
      payload: Buffer
    }[]
    return rows.map(({ category, key, payload }) => ({
      category: category.toString('utf8'),
      key: hexOf(key),
      payload: hexOf(payload)
    }))
  })
}

/** The statements that made what is in a file, with white space evened out. */
export function schemaOf(file: string): string[] {
  return withDatabase(file, (db) =>
    (db.prepare('SELECT sql FROM sqlite_master ORDER BY rowid').pluck().all() as string[]).map((sql) =>
      sql.replace(/\s+/g, ' ')
    )
  )
}

/** A way to provoke failures: every put of this payload ends in `RAISE(how, 'refused by trigger')`. */
export function refusePayload(file: string, payload: Uint8Array, how: 'ABORT' | 'ROLLBACK' | 'FAIL'): void {
  execute(
    file,
    `CREATE TRIGGER refuse_${how} BEFORE INSERT ON kv WHEN NEW.payload = x'${hexOf(payload)}'
     BEGIN SELECT RAISE(${how}, 'refused by trigger'); END`
  )
}

/** Has every transaction of a job with a journal fail at its end that writes this payload. */
export function refuseEvents(file: string, payload: Uint8Array): void {
  execute(
    file,
    `CREATE TRIGGER refuse_events BEFORE INSERT ON journal WHEN instr(NEW.body, x'${hexOf(payload)}')
     BEGIN SELECT RAISE(ABORT, 'refused by trigger'); END`
  )
}

/** Holds a lock on a file with a connection of its own until it is released. */
export function holdLock(file: string, sql = 'BEGIN IMMEDIATE'): { release(): void } {
  const db = new Database(file)
  db.exec(sql)
  return {
    release() {
      if (!db.open) return
      if (db.inTransaction) db.exec('ROLLBACK')
      db.close()
    }
  }
}
