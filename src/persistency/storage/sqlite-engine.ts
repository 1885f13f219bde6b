/** Owns the engine that gives each job a SQLite file and a worker thread of its own. Main-thread side. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { BrokerContext } from '../../brokers/context.js'
import { BrokerError, messageOf } from '../../brokers/errors.js'
import { BrokerHub } from '../../brokers/hub.js'
import { type ServedContext, type WorkerExit, WorkerHost } from '../../threads/worker-host.js'
import { isPersistencyErrorData, PersistencyError } from '../errors.js'
import { STORAGE_CONTRACT } from '../messages.js'
import { DEFAULT_JOB_OPTIONS } from '../options.js'
import type { OpenedStorage, OpenStorage, StorageEngine } from '../storage-engine.js'
import { checkRootDir, jobFile, MEMORY } from './root-dir.js'
import type { StorageStart } from './start.js'

const WORKER = new URL('./worker.js', import.meta.url)

export class SqliteEngine implements StorageEngine {
  /** Absolute path of the directory, or `:memory:`. */
  readonly rootDir: string

  private constructor(rootDir: string) {
    this.rootDir = rootDir
  }

  /** Errors: `ERR_ROOT_DIR`. */
  static create(rootDir: string): Result<SqliteEngine, PersistencyError> {
    return checkRootDir(rootDir).map((path) => new SqliteEngine(path))
  }

  open(request: OpenStorage): ResultAsync<OpenedStorage, PersistencyError> {
    const { jobId, hub, context, options, onFailed } = request
    const start = this.#start('serve', jobId, options)
    return this.#serve(start, hub, context, options.openTimeoutMs).map(({ host, served }) => {
      let closing = false
      void host.exited.then((exit) => {
        if (!closing) onFailed(died(jobId, exit))
      })
      return {
        close() {
          closing = true
          return new ResultAsync(stop(host, served)).mapErr((error) => toError(error, start, 'ERR_STORAGE'))
        }
      }
    })
  }

  remove(jobId: string): ResultAsync<void, PersistencyError> {
    const start = this.#start('remove', jobId, DEFAULT_JOB_OPTIONS)
    if (start.file === MEMORY) return new ResultAsync(Promise.resolve(ok(undefined)))
    const hub = new BrokerHub()
    const context = BrokerContext.create(`remove ${jobId}`)
    return this.#serve(start, hub, context, DEFAULT_JOB_OPTIONS.openTimeoutMs).andThen(({ host, served }) =>
      new ResultAsync(stop(host, served)).mapErr((error) => toError(error, start))
    )
  }

  /** Starts a worker for one task; a worker whose task cannot be started is gone when the error comes back. */
  #serve(
    start: StorageStart,
    hub: BrokerHub,
    context: BrokerContext,
    timeoutMs: number
  ): ResultAsync<{ host: WorkerHost; served: ServedContext }, PersistencyError> {
    let host: WorkerHost
    try {
      host = new WorkerHost(WORKER, { hub, name: `storage ${start.jobId}` })
    } catch (cause) {
      return errAsync(
        new PersistencyError('ERR_OPEN', `the storage thread cannot be started: ${messageOf(cause)}`, {
          cause
        })
      )
    }
    return host
      .serve(context, STORAGE_CONTRACT, start, timeoutMs)
      .map((served) => ({ host, served }))
      .orElse(
        (error) =>
          new ResultAsync(host.stop().then(() => err<never, PersistencyError>(toError(error, start))))
      )
  }

  #start(task: StorageStart['task'], jobId: string, options: StorageStart['options']): StorageStart {
    const { durability, cacheSizeBytes, busyTimeoutMs } = options
    const file = jobFile(this.rootDir, jobId)
    return { task, jobId, file, options: { durability, cacheSizeBytes, busyTimeoutMs } }
  }
}

async function stop(host: WorkerHost, served: ServedContext): Promise<Result<void, unknown>> {
  const released = await served.release()
  await host.stop()
  return released
}

function died(jobId: string, exit: WorkerExit): PersistencyError {
  const why = exit.error === undefined ? `ended with code ${exit.code}` : `died: ${messageOf(exit.error)}`
  const message = `the storage thread of job "${jobId}" ${why}; writes that were not acknowledged may be lost, openJob starts it again`
  return new PersistencyError('ERR_STORAGE_DIED', message, { cause: exit.error })
}

/** The worker answers its own errors as plain data; anything else comes from the framework. */
function toError(
  error: unknown,
  { jobId, file }: StorageStart,
  otherwise: 'ERR_OPEN' | 'ERR_STORAGE' = 'ERR_OPEN'
): PersistencyError {
  const cause = error instanceof BrokerError && error.kind === 'startFailed' ? error.cause : error
  if (isPersistencyErrorData(cause)) return PersistencyError.from(cause)
  const message = `the storage of job "${jobId}" (${file}): ${messageOf(error)}`
  return new PersistencyError(codeOf(error) ?? otherwise, message, { cause: error })
}

function codeOf(error: unknown): 'ERR_TIMEOUT' | 'ERR_STORAGE_DIED' | undefined {
  if (!(error instanceof BrokerError)) return undefined
  if (error.kind === 'timeout') return 'ERR_TIMEOUT'
  return error.kind === 'disconnected' ? 'ERR_STORAGE_DIED' : undefined
}
