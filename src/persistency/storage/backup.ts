/**
 * Owns copying an open database into a file. SQLite copies some pages at a time, and carries what the same connection
 * writes meanwhile over by itself: so the copy is never begun anew, and is as of the moment it is complete.
 */
import { statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { PersistencyError } from '../errors.js'
import type { Backup } from '../maintenance/types.js'
import { recognise } from './files/database-file.js'
import { PartialFile, refuseOpenDatabase } from './files/partial-file.js'
import { type Operation, throwIfEnded } from './operation.js'
import { storageError } from './sqlite-errors.js'

/** Copied at a time; other calls have their turn in between. About a millisecond. */
const STEP_PAGES = 256

/** The copy is brought to the disk bit by bit, elsewhere: all at once, at the end, would hold up the storage thread. */
const SYNC_EVERY_PAGES = 2048

/** How often progress is told, in milliseconds. */
const TELL_EVERY_MS = 20

/** Throws `PersistencyError`; nothing is left behind then. */
export async function backUp(
  db: Database.Database,
  path: string,
  overwrite: boolean,
  operation: Operation
): Promise<Backup> {
  const started = performance.now()
  let partial: PartialFile | undefined
  try {
    refuseOpenDatabase(path, 'choose another name for the backup')
    partial = new PartialFile(path, overwrite)
    const written = await open(partial.path, 'r')
    try {
      await copyPages(db, partial.path, written, operation)
    } finally {
      await written.close()
    }
    finish(partial.path)
    throwIfEnded(operation)
    refuseOpenDatabase(path, 'choose another name for the backup')
    await partial.complete()
  } catch (thrown) {
    partial?.discard()
    throw storageError('ERR_BACKUP', path, thrown)
  }
  return { path, bytes: statSync(path).size, durationMs: performance.now() - started }
}

async function copyPages(
  db: Database.Database,
  path: string,
  written: FileHandle,
  operation: Operation
): Promise<void> {
  const pageSize = db.pragma('page_size', { simple: true }) as number
  let toldAt = 0
  let sincePages = 0
  let syncing: Promise<unknown> | undefined
  const sync = (): void => {
    sincePages = 0
    // What cannot be synced here fails where SQLite does it.
    syncing = written.sync().then(
      () => (syncing = undefined),
      () => (syncing = undefined)
    )
  }
  const { totalPages } = await db.backup(path, {
    progress({ totalPages, remainingPages }) {
      throwIfEnded(operation)
      sincePages += STEP_PAGES
      if (sincePages >= SYNC_EVERY_PAGES && syncing === undefined) sync()
      if (performance.now() - toldAt >= TELL_EVERY_MS) {
        toldAt = performance.now()
        const total = totalPages * pageSize
        operation.progress({ phase: 'copying', done: total - remainingPages * pageSize, total })
      }
      return STEP_PAGES
    }
  })
  await syncing
  // SQLite was refused a look at the file, and takes nothing for the whole.
  if (totalPages === 0) throw Object.assign(new Error('the database is locked'), { code: 'SQLITE_BUSY' })
  operation.progress({ phase: 'copying', done: totalPages * pageSize, total: totalPages * pageSize })
}

/** Makes the copy one plain file that needs no log beside it, so that it can be read from read-only places too. */
function finish(path: string): void {
  const copy = new Database(path, { fileMustExist: true })
  try {
    if (recognise(copy, path)) throw new PersistencyError('ERR_BACKUP', `${path}: the copy is empty`)
    copy.pragma('synchronous = FULL')
    copy.pragma('journal_mode = DELETE')
  } finally {
    copy.close()
  }
}
