/**
 * Owns work on a database file for which SQLite takes long and cannot pause: it is done on a thread of its own, beside
 * that of the storage, so that nobody waits for it who need not. This side starts the thread.
 */
import { Worker } from 'node:worker_threads'
import { messageOf } from '../../runtime/message-of.js'
import { PersistencyError, type PersistencyErrorData } from '../errors.js'
import type { Progress } from '../maintenance/types.js'
import type { Operation } from './operation.js'
import { bundleRemedy } from './outside-bundles.js'
import { codeOf } from './sqlite-errors.js'

/** Only when it is needed: where a bundle has no `import.meta.url`, this throws. */
const workerUrl = (): URL => new URL('./aside-worker.js', import.meta.url)

/** What is to be done. Plain data. */
export type AsideTask = VerifyTask | VerifyFileTask | CompactTask

interface FileTask {
  readonly file: string
  readonly busyTimeoutMs: number
}

export interface VerifyTask extends FileTask {
  readonly kind: 'verify'
  readonly quick: boolean
}

/** Of a file that nobody has open, which is not to be changed, nor anything made beside it. */
export interface VerifyFileTask extends FileTask {
  readonly kind: 'verifyFile'
  readonly quick: boolean
}

export interface CompactTask extends FileTask {
  readonly kind: 'compact'
}

export interface AsideStart {
  readonly task: AsideTask
  /** Not 0 once the work is to end. */
  readonly ended: SharedArrayBuffer
}

export type AsideMessage =
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: PersistencyErrorData }
  /** Broken off because it was told to. */
  | { readonly kind: 'ended' }

/** How often to look whether the operation is to end, in milliseconds. */
const LOOK_EVERY_MS = 20

/** Does it, and answers once the thread has gone. Throws `PersistencyError`. */
export function aside(task: AsideTask, operation: Operation): Promise<unknown> {
  const ended = new SharedArrayBuffer(4)
  const start: AsideStart = { task, ended }
  return new Promise((resolve, reject) => {
    let failure: unknown = new PersistencyError('ERR_STORAGE', `${task.file}: the thread for it ended early`)
    let done: { readonly value: unknown } | undefined
    const worker = startWorker(start)
    const look = setInterval(() => {
      if (operation.ended !== undefined) Atomics.store(new Int32Array(ended), 0, 1)
    }, LOOK_EVERY_MS)
    worker.on('message', (message: AsideMessage) => {
      if (message.kind === 'progress') operation.progress(message.progress)
      else if (message.kind === 'done') done = message
      else failure = message.kind === 'failed' ? PersistencyError.from(message.error) : operation.ended
    })
    worker.on('error', (cause) => {
      failure = notDone(task, cause)
    })
    worker.once('exit', () => {
      clearInterval(look)
      if (done === undefined) reject(failure)
      else resolve(done.value)
    })
  })
}

function startWorker(start: AsideStart): Worker {
  try {
    return new Worker(workerUrl(), { workerData: start, execArgv: [], name: `storage ${start.task.kind}` })
  } catch (cause) {
    throw notDone(start.task, cause)
  }
}

function notDone({ file }: AsideTask, cause: unknown): PersistencyError {
  const message = `${file}: ${messageOf(cause)}${bundleRemedy(cause)}`
  return new PersistencyError('ERR_STORAGE', message, { cause, backendCode: codeOf(cause) })
}
