/**
 * Owns reading a database that is not to be changed, nor anything made beside it, and that others may open meanwhile. No
 * descriptor of ours leads to such a file: on POSIX closing one drops every lock that this process has on it, also those of
 * a job that is open. So SQLite reads it, which minds that.
 */
import Database from 'better-sqlite3'
import { BUSY_SLICE_MS, type Patient, whenFree } from '../busy.js'
import { codeOf } from '../sqlite-errors.js'

/**
 * Opens it, and has it stay as it is until it is closed. `undefined` for one with a write-ahead log, as that of a job is:
 * SQLite cannot read it without making one. Throws what SQLite throws.
 */
export function openPlain(file: string, patient: Patient): Database.Database | undefined {
  const timeout = Math.min(BUSY_SLICE_MS, patient.busyTimeoutMs)
  const db = new Database(file, { fileMustExist: true, readonly: true, timeout })
  try {
    // The lock of the first look stays. With a log it would have to be one that takes the right to write, and where it
    // cannot be had SQLite makes no log.
    db.pragma('locking_mode = EXCLUSIVE')
    whenFree(patient, () => db.pragma('schema_version'))
    // Windows knows no such right.
    if (db.pragma('journal_mode', { simple: true }) !== 'wal') return db
  } catch (thrown) {
    if (!isForWantOfLog(thrown)) {
      db.close()
      throw thrown
    }
  }
  db.close()
  return undefined
}

/** It is the lock that cannot be had; on Windows, the log that cannot be made. */
function isForWantOfLog(thrown: unknown): boolean {
  return /^SQLITE_(IOERR_LOCK|CANTOPEN)$/.test(codeOf(thrown) ?? '')
}
