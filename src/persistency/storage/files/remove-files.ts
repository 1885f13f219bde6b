/** Owns deleting what a job has stored. */
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from 'better-sqlite3'
import type { Patient } from '../busy.js'
import { storageError } from '../sqlite-errors.js'
import type { RemoveStart } from '../start.js'
import { isLink, realFile, removeDatabase } from './companions.js'
import { syncDirectoryOf } from './disk-sync.js'
import { changeAlone } from './lone-database.js'
import { otherOwnerOf } from './own-file.js'

/** How long to wait for an owner that is about to leave, in milliseconds. */
export const IN_USE_PATIENCE_MS = 1000

/**
 * Deletes the file of a job and its companions, and the link that leads there; missing ones are no error. A damaged file is
 * deleted, the database of another program is not. Throws `PersistencyError`.
 */
export async function removeFiles({ file }: RemoveStart, patient: Patient): Promise<void> {
  let real = file
  try {
    // The file of another job: this one has none.
    if (otherOwnerOf(file) !== undefined) return
    real = realFile(file)
    changeAlone(file, patient, {
      make() {
        if (isLink(file)) rmSync(file, { force: true })
        return true
      },
      prepare: takeLogIn,
      change: () => removeAll(file)
    })
  } catch (thrown) {
    throw storageError('ERR_REMOVE', file, thrown)
  }
  // A log that is back after a loss of power would be taken for that of a job that was made anew under this id.
  await syncDirectoryOf(file)
  if (dirname(real) !== dirname(file)) await syncDirectoryOf(real)
}

/** With its log in it, the file is whole until it is deleted: a job is dropped, or it is not. */
function takeLogIn(db: Database): void {
  try {
    db.pragma('journal_mode = DELETE')
  } catch {
    // A disk without room for it may be why the job is dropped.
  }
}

function removeAll(file: string): void {
  const real = realFile(file)
  if (!isInSameDirectory(real, file)) removeDatabase(real)
  removeDatabase(file)
}

/** A link to a file beside it leads to the file of another job, which is not to go with this one. */
function isInSameDirectory(real: string, file: string): boolean {
  return dirname(real) === realFile(dirname(file))
}
