/** Entry of the thread for one piece of work that SQLite cannot pause: see `aside.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { PersistencyError } from '../errors.js'
import type { AsideMessage, AsideStart } from './aside.js'
import { BUSY_SLICE_MS, isBusy, whenFree } from './busy.js'
import { rewrite, shrink } from './compact.js'
import type { Operation } from './operation.js'
import { storageError } from './sqlite-errors.js'
import { unreadable, verifyDatabase } from './verify.js'

const { task, ended } = workerData as AsideStart
const flag = new Int32Array(ended)
/** How it ends when it is told to; the other side knows why. */
const ENDED = new PersistencyError('ERR_ABORTED', 'ended')
const isEnded = (): boolean => Atomics.load(flag, 0) !== 0

const operation: Operation = {
  get ended() {
    return isEnded() ? ENDED : undefined
  },
  progress: (progress) => post({ kind: 'progress', progress })
}

function post(message: AsideMessage): void {
  parentPort?.postMessage(message)
}

function open(): Database.Database {
  return new Database(task.file, { fileMustExist: true, timeout: BUSY_SLICE_MS })
}

function verify(): unknown {
  let db: Database.Database
  try {
    db = open()
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

function compact(): void {
  const db = open()
  let rewritten = false
  try {
    const patient = { busyTimeoutMs: task.busyTimeoutMs, urgent: isEnded }
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

try {
  post({ kind: 'done', value: task.kind === 'verify' ? verify() : compact() })
} catch (thrown) {
  if (thrown === ENDED) post({ kind: 'ended' })
  else post({ kind: 'failed', error: storageError('ERR_STORAGE', task.file, thrown).toJSON() })
}
