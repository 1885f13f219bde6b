/**
 * Owns the lock of an exclusive owner on a root directory. It is a lock on a SQLite file that is held as long as the
 * owner lives: the operating system lets go of it with the process, however that ends, so there is no stale lock, and
 * no process id to be compared. Who is refused can still read who holds it.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { err, ok, type Result } from 'neverthrow'
import { PersistencyError } from '../../errors.js'
import { isBusy } from '../busy.js'
import { makePrivateDirectory, placePrivateFile } from '../files/private-files.js'
import { codeOf, storageError } from '../sqlite-errors.js'

/** No job has this name: ids do not start with a dot. */
const LOCK_FILE = '.persistency-owner'

/** Another owner that is about to leave, or to arrive, is waited for so long, in milliseconds. */
const PATIENCE_MS = 100

/** How often to try where several arrive at once. */
const ATTEMPTS = 10

/** Those of this thread. Kept here, so that the garbage collector does not close a lock whose owner was dropped. */
const held = new Set<RootLock>()

interface Owner {
  readonly pid: number
  readonly since: string
}

export class RootLock {
  readonly #db: Database.Database

  private constructor(db: Database.Database) {
    this.#db = db
  }

  /** Makes the directory if need be, and takes its lock. Errors: `ERR_ROOT_IN_USE`, `ERR_CREATE_DIR`, `ERR_OPEN`. */
  static take(rootDir: string): Result<RootLock, PersistencyError> {
    try {
      makePrivateDirectory(rootDir)
    } catch (thrown) {
      return err(storageError('ERR_CREATE_DIR', rootDir, thrown))
    }
    const file = join(rootDir, LOCK_FILE)
    let db: Database.Database | undefined
    try {
      if (!existsSync(file)) placePrivateFile(file)
    } catch (thrown) {
      if (codeOf(thrown) !== 'EEXIST') return err(storageError('ERR_OPEN', file, thrown))
    }
    try {
      db = new Database(file, { timeout: PATIENCE_MS })
      reserve(db)
      const lock = new RootLock(db)
      held.add(lock)
      return ok(lock)
    } catch (thrown) {
      const owner = db === undefined || !isBusy(thrown) ? undefined : ownerIn(db)
      db?.close()
      return err(isBusy(thrown) ? inUse(rootDir, owner) : storageError('ERR_OPEN', file, thrown))
    }
  }

  /** Whether somebody else holds the lock of a directory; for those who do not ask for it. Errors: `ERR_ROOT_IN_USE`. */
  static check(rootDir: string): Result<void, PersistencyError> {
    const file = join(rootDir, LOCK_FILE)
    if (!existsSync(file)) return ok(undefined)
    let db: Database.Database | undefined
    try {
      db = new Database(file, { timeout: PATIENCE_MS })
      db.exec('BEGIN IMMEDIATE; ROLLBACK')
      return ok(undefined)
    } catch (thrown) {
      if (isBusy(thrown)) return err(inUse(rootDir, db === undefined ? undefined : ownerIn(db)))
      return err(storageError('ERR_OPEN', file, thrown))
    } finally {
      db?.close()
    }
  }

  /** Lets go. Repeating it is harmless. */
  release(): void {
    held.delete(this)
    this.#db.close()
  }
}

/**
 * Writes who we are and reserves the file: from then on others can read from it, but not reserve it. Between the two
 * somebody else may have written; then it is begun anew.
 */
function reserve(db: Database.Database): void {
  db.pragma('synchronous = OFF')
  const me: Owner = { pid: process.pid, since: new Date().toISOString() }
  for (let attempt = 1; ; attempt++) {
    writeOwner(db, me)
    db.exec('BEGIN IMMEDIATE')
    const owner = ownerIn(db)
    if (attempt === ATTEMPTS || (owner?.pid === me.pid && owner.since === me.since)) return
    db.exec('ROLLBACK')
  }
}

function writeOwner(db: Database.Database, { pid, since }: Owner): void {
  db.transaction(() => {
    db.exec('CREATE TABLE IF NOT EXISTS owner (pid INTEGER NOT NULL, since TEXT NOT NULL); DELETE FROM owner')
    db.prepare('INSERT INTO owner VALUES (?, ?)').run(pid, since)
  }).immediate()
}

function ownerIn(db: Database.Database): Owner | undefined {
  try {
    return db.prepare('SELECT pid, since FROM owner').get() as Owner | undefined
  } catch {
    // It is just being written.
    return undefined
  }
}

function inUse(rootDir: string, owner: Owner | undefined): PersistencyError {
  const who = owner === undefined ? 'another owner' : ownerText(owner)
  const message = `${rootDir}: is held exclusively by ${who}; close it there, or use another directory`
  return new PersistencyError('ERR_ROOT_IN_USE', message, { cause: owner })
}

function ownerText({ pid, since }: Owner): string {
  return `${pid === process.pid ? 'this process' : `process ${pid}`} since ${since}`
}
