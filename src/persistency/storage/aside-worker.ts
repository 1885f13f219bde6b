/** Entry of the thread for one piece of work that SQLite cannot pause: see `aside.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { PersistencyError } from '../errors.js'
import type { AsideMessage, AsideStart } from './aside.js'
import { workOn } from './aside-work.js'
import { isBusy } from './busy.js'
import type { Operation } from './operation.js'
import { storageError } from './sqlite-errors.js'

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

try {
  post({ kind: 'done', value: workOn(task, operation, isEnded) })
} catch (thrown) {
  // Told to end while it waited for a lock, it stops waiting.
  const ends = thrown === ENDED || (isEnded() && isBusy(thrown))
  if (ends) post({ kind: 'ended' })
  else post({ kind: 'failed', error: storageError('ERR_STORAGE', task.file, thrown).toJSON() })
}
