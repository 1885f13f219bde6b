/** Owns being the only one who has a database open, and doing something to its files meanwhile. */
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { PersistencyError } from '../../errors.js'
import { type Patient, whenFree } from '../busy.js'
import { codeOf } from '../sqlite-errors.js'
import { isDamage } from '../surroundings.js'
import { recognise } from './database-file.js'
import { MOVED, OpenedFile } from './opened-file.js'

/** Windows neither deletes nor replaces a file that is open, so there the lock has to go first. */
export const CHANGES_OPEN_FILES = process.platform !== 'win32'

/** So often the file is looked for anew that somebody takes away meanwhile. */
const MOST_ATTEMPTS = 10

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
 * place, and notices. A file that is damaged, or no database, is nobody's; one that cannot be looked into for any other
 * reason may be somebody's. Throws `ERR_JOB_IN_USE`, and what SQLite throws.
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
  for (let attempt = 1; existsSync(file); attempt++) {
    try {
      changeThere(file, patient, change, prepare)
      return
    } catch (thrown) {
      // Another owner was faster, and may have made it anew.
      if (attempt === MOST_ATTEMPTS || !hasGone(file, thrown)) throw thrown
    }
  }
  change()
}

function changeThere(
  file: string,
  patient: Patient,
  change: () => void,
  prepare: (db: Database.Database) => void
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
  const found = new OpenedFile(file)
  let db: Database.Database | undefined
  try {
    // While it waits somebody may take the file away, and SQLite is not to open the log of another one.
    const opened = new Database(file, { fileMustExist: true, timeout: 0 })
    db = opened
    whenFree(patient, () => {
      found.requireInPlace()
      beginAlone(opened)
    })
    // From here on nobody takes it away.
    found.requireInPlace()
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

/** Whether the file that was found is no longer in its place. */
function hasGone(file: string, thrown: unknown): boolean {
  return codeOf(thrown) === MOVED || !existsSync(file)
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
