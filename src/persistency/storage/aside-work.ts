/** Owns the work on a database file that SQLite takes long for and cannot pause, on whatever thread; see `aside.ts`. */
import Database from 'better-sqlite3'
import { PersistencyError } from '../errors.js'
import type { VerifyReport } from '../maintenance/types.js'
import { withDamage, withJournal } from '../maintenance/verify-journal.js'
import type { AsideTask, CompactTask, VerifyFileTask, VerifyTask } from './aside.js'
import { BUSY_SLICE_MS, isBusy, onceFree, type Patient, whenFree } from './busy.js'
import { rewrite, shrink } from './compact.js'
import { mayBeStored } from './files/job-file.js'
import { openPlain } from './files/plain-database.js'
import { compareAll } from './journal/compare-all.js'
import { hasJournal } from './journal/tables.js'
import type { Operation } from './operation.js'
import { storageError } from './sqlite-errors.js'
import { isDamage, isOfSurroundings } from './surroundings.js'
import { unreadable, verifyDatabase } from './verify.js'

/** Does it now. Throws what SQLite throws, and what `operation` ends with. */
export function workOn(task: AsideTask, operation: Operation, urgent: () => boolean): unknown {
  const patient = { busyTimeoutMs: task.busyTimeoutMs, urgent }
  switch (task.kind) {
    case 'verify':
      return verify(task, operation, patient)
    case 'verifyFile':
      return verifyFile(task, operation, patient)
    case 'compact':
      return compact(task, operation, patient)
  }
}

/** Does it on this thread, where nobody is to be blocked for a lock that somebody else holds. */
export function workHere(task: AsideTask, operation: Operation): Promise<unknown> {
  const attempt = (): unknown => workOn({ ...task, busyTimeoutMs: 0 }, operation, () => true)
  return onceFree(task.busyTimeoutMs, operation, attempt)
}

function open({ file, busyTimeoutMs }: AsideTask, readonly = false): Database.Database {
  const timeout = Math.min(BUSY_SLICE_MS, busyTimeoutMs)
  return new Database(file, { fileMustExist: true, readonly, timeout })
}

function verify(task: VerifyTask, operation: Operation, patient: Patient): VerifyReport {
  let db: Database.Database
  try {
    db = open(task)
  } catch (thrown) {
    if (isOfSurroundings(thrown) && mayBeStored(task.file)) throw thrown
    return unreadable(thrown)
  }
  try {
    db.pragma('query_only = ON')
    return verifyNow(db, task, operation, patient)
  } finally {
    db.close()
  }
}

/** As of one moment: only what comes first can find a lock, and nothing is done twice because of one. */
function verifyNow(
  db: Database.Database,
  { quick }: VerifyTask | VerifyFileTask,
  operation: Operation,
  patient: Patient
): VerifyReport {
  db.exec('BEGIN')
  try {
    return whenFree(patient, () => verifyDatabase(db, quick, operation))
  } finally {
    // After some failures SQLite has ended it by itself.
    if (db.inTransaction) db.exec('ROLLBACK')
  }
}

/** With its journal, for which there is no storage that could be asked. */
function verifyFile(task: VerifyFileTask, operation: Operation, patient: Patient): VerifyReport {
  const db = openToVerify(task, patient)
  try {
    const report = verifyNow(db, task, operation, patient)
    if (!report.ok || task.quick) return report
    return whenFree(patient, () => (hasJournal(db, task.file) ? compared(report, db, operation) : report))
  } finally {
    db.close()
  }
}

/** What is so damaged that there is nothing to hold is opened all the same, so that the report tells it. */
function openToVerify(task: VerifyFileTask, patient: Patient): Database.Database {
  const { file } = task
  let db: Database.Database | undefined
  try {
    db = openPlain(file, patient)
  } catch (thrown) {
    if (isDamage(thrown)) return open(task, true)
    throw storageError('ERR_OPEN', file, thrown)
  }
  if (db !== undefined) return db
  const message = `${file}: is the file of a job, not a backup: it cannot be read without a log beside it; open the job and verify it, or restore it, which verifies a copy`
  throw new PersistencyError('ERR_OPEN', message)
}

function compared(report: VerifyReport, db: Database.Database, operation: Operation): VerifyReport {
  try {
    return withJournal(report, compareAll(db, operation))
  } catch (thrown) {
    if (thrown instanceof PersistencyError && thrown.code === 'ERR_JOURNAL') return withDamage(report, thrown)
    throw thrown
  }
}

function compact(task: CompactTask, operation: Operation, patient: Patient): void {
  const db = open(task)
  let rewritten = false
  try {
    // The copy that is being made may be large: it goes into a file, not into the memory of this process.
    db.pragma('temp_store = FILE')
    whenFree(patient, () => rewrite(db, operation))
    rewritten = true
    whenFree(patient, () => shrink(db, operation))
  } catch (thrown) {
    // Once it is rewritten, the next checkpoint that finds the log free shrinks the file.
    if (!rewritten || !isBusy(thrown)) throw thrown
  } finally {
    db.close()
  }
}
