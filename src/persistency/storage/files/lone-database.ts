/** Owns being the only one who has a database open. */
import type { Database } from 'better-sqlite3'

/**
 * Begins a transaction that nobody else can be beside, of whatever process. Before the first look at the database, and
 * without writing to it. Throws what SQLite throws when somebody else has it open.
 */
export function beginAlone(db: Database): void {
  // In force before the first look, it takes the file for this connection alone, and does without the shared memory for
  // which a full disk has no room.
  db.pragma('locking_mode = EXCLUSIVE')
  db.exec('BEGIN EXCLUSIVE')
}
