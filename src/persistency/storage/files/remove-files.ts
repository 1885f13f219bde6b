/** Owns deleting what a job has stored. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { PersistencyError } from '../../errors.js'
import { BUSY_SLICE_MS, type Patient, whenFree } from '../busy.js'
import { codeOf, storageError } from '../sqlite-errors.js'
import type { RemoveStart } from '../start.js'
import { realFile, removeDatabase } from './companions.js'
import { recognise } from './database-file.js'
import { beginAlone } from './lone-database.js'
import { otherOwnerOf } from './own-file.js'

/** How long to wait for an owner that is about to leave, in milliseconds. */
export const IN_USE_PATIENCE_MS = 1000

/**
 * Deletes the file of a job and its companions, and the link that leads there; missing ones are no error. A damaged file is
 * deleted, the database of another program is not. Throws `PersistencyError`.
 */
export function removeFiles({ file }: RemoveStart, patient: Patient): void {
  if (existsSync(file)) {
    // The file of another job: this one has none.
    if (otherOwnerOf(file) !== undefined) return
  }
  try {
    if (existsSync(file)) refuseWhenInUse(file, patient)
    const real = realFile(file)
    if (!isInSameDirectory(real, file)) removeDatabase(real)
    removeDatabase(file)
  } catch (thrown) {
    throw storageError('ERR_REMOVE', file, thrown)
  }
}

/** A link to a file beside it leads to the file of another job, which is not to go with this one. */
function isInSameDirectory(real: string, file: string): boolean {
  return dirname(real) === realFile(dirname(file))
}

/**
 * Requires that no other connection, of whatever process, has the file open, and has `alone` do something with it. A file
 * that is damaged, or no database, is nobody's; one that cannot be looked into for any other reason may be somebody's.
 * Throws `ERR_JOB_IN_USE`, and what SQLite throws.
 */
export function refuseWhenInUse(
  file: string,
  patient: Patient,
  alone: (db: Database.Database) => void = () => {}
): void {
  let db: Database.Database | undefined
  try {
    const opened = new Database(file, {
      fileMustExist: true,
      timeout: Math.min(BUSY_SLICE_MS, patient.busyTimeoutMs)
    })
    db = opened
    whenFree(patient, () => beginAlone(opened))
    recognise(opened, file)
    opened.exec('ROLLBACK')
    alone(opened)
  } catch (thrown) {
    const code = codeOf(thrown) ?? ''
    if (/^SQLITE_(NOTADB|CORRUPT)/.test(code)) return
    if (!code.startsWith('SQLITE_BUSY')) throw thrown
    const message = `${file}: is in use by another owner, in this process or another; close it there first`
    throw new PersistencyError('ERR_JOB_IN_USE', message)
  } finally {
    db?.close()
  }
}
