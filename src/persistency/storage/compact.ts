/** Owns rewriting a database without the space that is not in use. */
import type { Database } from 'better-sqlite3'
import type { Operation } from './operation.js'

/** Rewrites it. In a file the new pages are in the log then. */
export function rewrite(db: Database, operation: Operation): void {
  operation.progress({ phase: 'rewriting', done: 0 })
  db.exec('VACUUM')
}

/** Brings the log into the file, which only now becomes smaller. Throws like SQLite when somebody holds a lock. */
export function shrink(db: Database, operation: Operation): void {
  operation.progress({ phase: 'shrinking', done: 0 })
  const [outcome] = db.pragma('wal_checkpoint(TRUNCATE)') as [{ busy: number }]
  if (outcome.busy !== 0) throw Object.assign(new Error('the log is in use'), { code: 'SQLITE_BUSY' })
}

/** How large a database is, and how much of it is not in use, in bytes. */
export function sizeOf(db: Database): { readonly bytes: number; readonly freeBytes: number } {
  const pageSize = db.pragma('page_size', { simple: true }) as number
  const pages = db.pragma('page_count', { simple: true }) as number
  const free = db.pragma('freelist_count', { simple: true }) as number
  return { bytes: pages * pageSize, freeBytes: free * pageSize }
}
