/** Owns making the file of a job, private to its owner, and taking back one that an opening has made in vain. */
import { accessSync, constants, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { PersistencyError } from '../../errors.js'
import type { Durability } from '../../options.js'
import { codeOf, directoryInPlace, storageError } from '../sqlite-errors.js'
import type { StorageStart } from '../start.js'
import { hasCompanions, logBytes, removeDatabase } from './companions.js'
import { emptyDatabase } from './database-file.js'
import { beginAlone, CHANGES_OPEN_FILES } from './lone-database.js'
import { OpenedFile } from './opened-file.js'
import { refuseOtherOwner } from './own-file.js'
import { makePrivateDirectory, placePrivateFile } from './private-files.js'
import { MEMORY } from './root-dir.js'

type JobFile = Pick<StorageStart, 'jobId' | 'file'>

/** A file that may have to be made. */
interface NewJobFile extends JobFile {
  readonly options: { readonly durability: Durability }
}

/**
 * Makes the directory and the file, which SQLite would not make private, unless they are there. Answers whether it made
 * the file. Throws `PersistencyError`, `ERR_JOB_NOT_FOUND` where there is no file and none may be made.
 */
export function provideFile({ jobId, file, options }: NewJobFile, create: boolean): boolean {
  if (file === MEMORY) return false
  try {
    if (create) makePrivateDirectory(dirname(file))
  } catch (thrown) {
    throw storageError('ERR_CREATE_DIR', dirname(file), thrown)
  }
  let made = false
  try {
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats?.isDirectory()) throw directoryInPlace()
    if (stats === undefined && !create) throw notStored({ jobId, file })
    if (stats === undefined) made = makeUnlessThere(file, options.durability !== 'off')
    // SQLite would open a file that may not be written to, and fail with the first write.
    else accessSync(file, constants.R_OK | constants.W_OK)
  } catch (thrown) {
    throw storageError('ERR_OPEN', file, thrown)
  }
  refuseOtherOwner(file)
  return made
}

/** Whether the file is there; also where that cannot be told, so that opening it says why. */
export function mayBeStored(file: string): boolean {
  if (file === MEMORY) return false
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined
  } catch {
    return true
  }
}

/** The error of an opening that is to make nothing. */
export function notStored({ jobId, file }: JobFile): PersistencyError {
  const why = file === MEMORY ? 'it is not open, and ":memory:" keeps no other' : `${file} is not there`
  return new PersistencyError('ERR_JOB_NOT_FOUND', `no job "${jobId}": ${why}; create: false makes none`)
}

/**
 * Another owner may have been faster. A file without its log is laid out before anybody finds it; where there is a log of a
 * file that has gone, SQLite is given an empty one, for which it removes that.
 */
function makeUnlessThere(file: string, synced: boolean): boolean {
  try {
    placePrivateFile(file, hasCompanions(file) ? undefined : { bytes: emptyDatabase(), synced })
    return true
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
    return false
  }
}

/**
 * Removes a file that `provideFile` has made, and nobody has open, when the opening has failed: unless somebody else has
 * it open by now, or has stored something in it.
 *
 * @param found the file as it was when it had been made, for one that cannot be opened
 */
export function takeBack(file: string, found?: OpenedFile): void {
  try {
    removeUnused(file, found)
  } catch {
    // The caller has a failure to tell that says more.
  }
}

/** What could not be opened once may not be opened again; with nothing in it, it is nobody's. */
function removeUnused(file: string, found: OpenedFile | undefined): void {
  try {
    removeLocked(file)
  } catch (thrown) {
    if (!isUnopened(thrown) || !isAsMade(file, found)) throw thrown
    removeDatabase(file)
  }
}

function isAsMade(file: string, found: OpenedFile | undefined): boolean {
  const { size } = statSync(file)
  if (size === 0) return true
  return found?.unchanged === true && size === emptyDatabase().length && logBytes(file) === 0
}

function isUnopened(thrown: unknown): boolean {
  return /^SQLITE_(CANTOPEN|IOERR)/.test(codeOf(thrown) ?? '')
}

/** While it is locked: whoever opens it in between would store something in it. Throws what SQLite throws. */
function removeLocked(file: string): void {
  const found = new OpenedFile(file)
  const db = new Database(file, { fileMustExist: true, timeout: 0 })
  let unused: boolean
  try {
    unused = isUnused(db)
    found.requireInPlace()
    if (unused && CHANGES_OPEN_FILES) removeDatabase(file)
  } finally {
    db.close()
  }
  if (unused && !CHANGES_OPEN_FILES) removeDatabase(file)
}

function isUnused(db: Database.Database): boolean {
  beginAlone(db)
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[]
  // The journal notes its format there, whether it has events or not.
  return tables.every(
    (name) => name === 'journal_meta' || db.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get() === undefined
  )
}
