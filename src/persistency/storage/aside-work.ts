/** Owns the work on a database file that SQLite takes long for and cannot pause, on whatever thread; see `aside.ts`. */
import Database from 'better-sqlite3'
import { PersistencyError } from '../errors.js'
import type { VerifyReport } from '../maintenance/types.js'
import { withDamage, withJournal } from '../maintenance/verify-journal.js'
import type { AsideTask, CompactTask, VerifyFileTask, VerifyTask } from './aside.js'
import { BUSY_SLICE_MS, isBusy, retried, whenFree } from './busy.js'
import { rewrite, shrink } from './compact.js'
import { compareAll } from './journal/compare-all.js'
import { hasJournal } from './journal/tables.js'
import { type Operation, throwIfEnded } from './operation.js'
import { unreadable, verifyDatabase } from './verify.js'

/** Does it now. Throws what SQLite throws, and what `operation` ends with. */
export function workOn(task: AsideTask, operation: Operation, urgent: () => boolean): unknown {
  switch (task.kind) {
    case 'verify':
      return verify(task, operation)
    case 'verifyFile':
      return verifyFile(task, operation)
    case 'compact':
      return compact(task, operation, urgent)
  }
}

/** Does it on this thread, where nobody is to be blocked for a lock that somebody else holds. */
export function workHere(task: AsideTask, operation: Operation): Promise<unknown> {
  const deadline = performance.now() + task.busyTimeoutMs
  const attempt = (): unknown => {
    throwIfEnded(operation)
    return workOn({ ...task, busyTimeoutMs: 0 }, operation, () => true)
  }
  return retried(attempt, (thrown) => isBusy(thrown) && performance.now() < deadline)
}

function open({ file, busyTimeoutMs }: AsideTask, readonly = false): Database.Database {
  const timeout = Math.min(BUSY_SLICE_MS, busyTimeoutMs)
  return new Database(file, { fileMustExist: true, readonly, timeout })
}

function verify(task: VerifyTask, operation: Operation): unknown {
  let db: Database.Database
  try {
    db = open(task)
  } catch (thrown) {
    return unreadable(thrown)
  }
  try {
    db.pragma('query_only = ON')
    return verifyDatabase(db, task.quick, operation)
  } finally {
    db.close()
  }
}

/** With its journal, for which there is no storage that could be asked. */
function verifyFile(task: VerifyFileTask, operation: Operation): VerifyReport {
  const db = open(task, true)
  try {
    const report = verifyDatabase(db, task.quick, operation)
    if (!report.ok || task.quick || !hasJournal(db, task.file)) return report
    return compared(report, db, operation)
  } finally {
    db.close()
  }
}

function compared(report: VerifyReport, db: Database.Database, operation: Operation): VerifyReport {
  try {
    return withJournal(report, compareAll(db, operation))
  } catch (thrown) {
    if (thrown instanceof PersistencyError && thrown.code === 'ERR_JOURNAL') return withDamage(report, thrown)
    throw thrown
  }
}

function compact(task: CompactTask, operation: Operation, urgent: () => boolean): void {
  const db = open(task)
  let rewritten = false
  try {
    const patient = { busyTimeoutMs: task.busyTimeoutMs, urgent }
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
