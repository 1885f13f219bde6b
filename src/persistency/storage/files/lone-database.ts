/** Owns being the only one who has a database open, and doing something to its files meanwhile. */
import Database from 'better-sqlite3'
import { PersistencyError } from '../../errors.js'
import { BUSY_SLICE_MS, type Patient, whenFree } from '../busy.js'
import { codeOf } from '../sqlite-errors.js'
import { recognise } from './database-file.js'

/** Windows neither deletes nor replaces a file that is open, so there the lock has to go first. */
export const CHANGES_OPEN_FILES = process.platform !== 'win32'

/**
 * Begins a transaction that nobody else can be beside, of whatever process. Before the first look at the database, and
 * without writing to it. Throws what SQLite throws when somebody else has it open.
 */
export function beginAlone(db: Database.Database): void {
  // In force before the first look, it takes the file for this connection alone, and does without the shared memory for
  // which a full disk has no room.
  db.pragma('locking_mode = EXCLUSIVE')
  db.exec('BEGIN EXCLUSIVE')
}

/**
 * Requires that no other connection, of whatever process, has the file open, and deletes or replaces it: while it is
 * locked, so that nobody opens it in between. Whoever waits for the lock gets that of a file that is no longer in its
 * place, and notices. A file that is damaged, or no database, is nobody's; one that cannot be looked into for any other reason
 * may be somebody's. Throws `ERR_JOB_IN_USE`, and what SQLite throws.
 *
 * @param change removes what belongs to the file first: with the file gone SQLite, which closes it after that, touches
 *   nothing of that name, which would be somebody else's
 * @param prepare is given the database before
 */
export function changeAlone(
  file: string,
  patient: Patient,
  change: () => void,
  prepare: (db: Database.Database) => void = () => {}
): void {
  const open = openAlone(file, patient)
  try {
    if (open !== undefined && isDone(open, prepare) && CHANGES_OPEN_FILES) {
      change()
      return
    }
  } finally {
    open?.close()
  }
  change()
}

/** `undefined` where there is no sound database of which to be the only one. */
function openAlone(file: string, patient: Patient): Database.Database | undefined {
  let db: Database.Database | undefined
  try {
    const opened = new Database(file, {
      fileMustExist: true,
      timeout: Math.min(BUSY_SLICE_MS, patient.busyTimeoutMs)
    })
    db = opened
    whenFree(patient, () => beginAlone(opened))
    recognise(opened, file)
    // The lock stays.
    opened.exec('ROLLBACK')
    return opened
  } catch (thrown) {
    db?.close()
    if (isDamage(thrown)) return undefined
    if (!codeOf(thrown)?.startsWith('SQLITE_BUSY')) throw thrown
    const message = `${file}: is in use by another owner, in this process or another; close it there first`
    throw new PersistencyError('ERR_JOB_IN_USE', message)
  }
}

/** Whether it was not the file that made it fail. */
function isDone(db: Database.Database, prepare: (db: Database.Database) => void): boolean {
  try {
    prepare(db)
    return true
  } catch (thrown) {
    if (isDamage(thrown)) return false
    throw thrown
  }
}

/** Whether SQLite says that a file is damaged, or no database. */
export function isDamage(thrown: unknown): boolean {
  return /^SQLITE_(NOTADB|CORRUPT)/.test(codeOf(thrown) ?? '')
}
