/** Owns being the only one who has a database open, and doing something to its files meanwhile. */
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { PersistencyError } from '../../errors.js'
import { type Patient, whenFree } from '../busy.js'
import { codeOf } from '../sqlite-errors.js'
import { isDamage } from '../surroundings.js'
import { hasCompanions, isLink } from './companions.js'
import { recognise } from './database-file.js'
import { MOVED, moved, OpenedFile } from './opened-file.js'
import { placePrivateFile } from './private-files.js'

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

/** What is to be done to the files of a database. */
export interface Change {
  /**
   * Where there is neither a file nor anything that belonged to one: does it in one step, or answers `false` when somebody
   * has made a file meanwhile.
   */
  make(): boolean
  /** Is given the database, once nobody else can have it. */
  prepare?(db: Database.Database): void
  /**
   * Deletes or replaces the file. Removes what belongs to it first: with the file gone SQLite, which closes it after that,
   * touches nothing of that name, which would be somebody else's.
   *
   * @param empty whether nothing was ever stored in it: it may have been placed here to be locked
   */
  change(empty: boolean): void
}

/**
 * Requires that no other connection, of whatever process, has the file open, and deletes or replaces it: while it is
 * locked, so that nobody opens it in between. Whoever waits for the lock gets that of a file that is no longer in its
 * place, and notices. A file that is damaged, or no database, is nobody's; one that cannot be looked into for any other
 * reason may be somebody's. Throws `ERR_JOB_IN_USE`, and what SQLite throws.
 */
export function changeAlone(file: string, patient: Patient, change: Change): void {
  for (let attempt = 1; ; attempt++) {
    try {
      if (isChanged(file, patient, change)) return
    } catch (thrown) {
      if (attempt === MOST_ATTEMPTS || !hasGone(file, thrown)) throw thrown
    }
    // Another owner was faster, and may have made it anew.
    if (attempt === MOST_ATTEMPTS) throw inUse(file)
  }
}

function isChanged(file: string, patient: Patient, change: Change): boolean {
  if (!existsSync(file)) {
    if (isLink(file) || !hasCompanions(file)) return change.make()
    // What belonged to a file would be taken for part of the one that somebody makes while it is removed.
    placeToLock(file)
  }
  const open = openAlone(file, patient)
  try {
    if (open !== undefined && isDone(open.db, change) && CHANGES_OPEN_FILES) {
      change.change(open.empty)
      return true
    }
  } finally {
    open?.db.close()
  }
  change.change(open?.empty ?? false)
  return true
}

function placeToLock(file: string): void {
  try {
    placePrivateFile(file)
  } catch (thrown) {
    if (codeOf(thrown) !== 'EEXIST') throw thrown
  }
}

/** `undefined` where there is no sound database of which to be the only one. */
function openAlone(file: string, patient: Patient): { db: Database.Database; empty: boolean } | undefined {
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
    const empty = recognise(opened, file)
    // The lock stays.
    opened.exec('ROLLBACK')
    return { db: opened, empty }
  } catch (thrown) {
    db?.close()
    // Whatever it was, it was of a file that somebody has taken away meanwhile.
    if (!found.inPlace) throw moved('is no longer there')
    if (isDamage(thrown)) return undefined
    throw codeOf(thrown)?.startsWith('SQLITE_BUSY') ? inUse(file) : thrown
  }
}

function inUse(file: string): PersistencyError {
  const message = `${file}: is in use by another owner, in this process or another; close it there first`
  return new PersistencyError('ERR_JOB_IN_USE', message)
}

/** Whether the file that was found is no longer in its place. */
function hasGone(file: string, thrown: unknown): boolean {
  return codeOf(thrown) === MOVED || !existsSync(file)
}

/** Whether it was not the file that made it fail. */
function isDone(db: Database.Database, change: Change): boolean {
  try {
    change.prepare?.(db)
    return true
  } catch (thrown) {
    if (isDamage(thrown)) return false
    throw thrown
  }
}
