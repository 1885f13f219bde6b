/**
 * Owns copying an open database into a file. SQLite copies some pages at a time, and carries what the same connection
 * writes meanwhile over by itself, so that the copy is as of the moment it is complete. When another connection has
 * written, SQLite begins anew; after some times the copy is made over a connection that sees one moment only.
 */
import { statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import Database from 'better-sqlite3'
import { PersistencyError } from '../errors.js'
import type { Backup } from '../maintenance/types.js'
import { BUSY_SLICE_MS } from './busy.js'
import { recognise } from './files/database-file.js'
import { PartialFile, refuseOpenDatabase } from './files/partial-file.js'
import { type Operation, throwIfEnded } from './operation.js'
import { copyPages } from './page-copy.js'
import { storageError } from './sqlite-errors.js'

/** So often a copy is begun anew before it is made as of one moment. */
const MAX_RESTARTS = 3

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
      await copy(db, partial.path, written, operation)
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

async function copy(
  db: Database.Database,
  path: string,
  written: FileHandle,
  operation: Operation
): Promise<void> {
  if (await copyPages(db, { path, written, operation, maxRestarts: MAX_RESTARTS })) return
  // What others write does not change what this one sees; the log cannot be cut meanwhile.
  const still = new Database(db.name, { readonly: true, fileMustExist: true, timeout: BUSY_SLICE_MS })
  try {
    still.exec('BEGIN')
    still.pragma('schema_version')
    await copyPages(still, { path, written, operation, maxRestarts: Number.POSITIVE_INFINITY })
  } finally {
    still.close()
  }
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
