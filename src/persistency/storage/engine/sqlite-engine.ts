/** Owns the engine that gives each job a SQLite file and a place on a thread. The side of whoever opens the jobs. */
import { randomUUID } from 'node:crypto'
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { BrokerContext } from '../../../brokers/context.js'
import { BrokerHub } from '../../../brokers/hub.js'
import { messageOf } from '../../../runtime/message-of.js'
import type { ServedContext } from '../../../threads/host/host-contexts.js'
import { PersistencyError } from '../../errors.js'
import { DEFAULT_JOB_OPTIONS, type ResolvedJobOptions } from '../../options.js'
import type { OpenedStorage, OpenStorage, StorageEngine } from '../../storage-engine.js'
import { mayBeStored, notStored } from '../files/job-file.js'
import { checkRootDir, jobFile, jobsAt, MEMORY, type RootDir } from '../files/root-dir.js'
import { storedJobs } from '../files/stored-jobs.js'
import { bundleRemedy } from '../outside-bundles.js'
import { type ChangeStart, SERVED_OPTIONS, type ServeStart, type StorageStart } from '../start.js'
import { RootLock } from './root-lock.js'
import { SeatedJob, serve, toError } from './seated-job.js'
import { type Seat, type SeatRequest, ThreadPool, type ThreadPoolOptions } from './thread-pool.js'

const NO_CAP = { maxOpenJobs: Number.POSITIVE_INFINITY }

const DEFAULT_THREADS: ThreadPoolOptions = { threads: 'dedicated', ...NO_CAP }

const ONE_FOR_ALL = { shared: 1 } as const

export class SqliteEngine implements StorageEngine {
  /** Absolute path of the directory, or `:memory:`. */
  readonly rootDir: string
  readonly #options: ThreadPoolOptions
  readonly #threads: ThreadPool
  /** Removing a file may wait for a lock, so it does not happen where jobs are served. */
  readonly #removers: ThreadPool
  /** Restoring takes as long as the file is large. */
  readonly #restorers: ThreadPool
  readonly #removersHub = new BrokerHub()
  #lock: RootLock | undefined

  private constructor(rootDir: string, options: ThreadPoolOptions) {
    this.rootDir = rootDir
    this.#options = options
    this.#threads = new ThreadPool(options)
    const { threads } = options
    this.#removers = new ThreadPool({
      threads: typeof threads === 'object' ? ONE_FOR_ALL : threads,
      ...NO_CAP
    })
    this.#restorers = new ThreadPool({ threads: threads === 'none' ? 'none' : 'dedicated', ...NO_CAP })
  }

  /** Errors: `ERR_ROOT_DIR`. */
  static create(
    rootDir: RootDir,
    options: ThreadPoolOptions = DEFAULT_THREADS
  ): Result<SqliteEngine, PersistencyError> {
    return checkRootDir(rootDir).map((path) => new SqliteEngine(path, options))
  }

  /** Keeps every other owner, of whatever process, out of the directory until `close`. Errors: those of `RootLock`. */
  lock(): Result<void, PersistencyError> {
    if (this.rootDir === MEMORY)
      return refuse('option "exclusive" is not for ":memory:"; nobody else sees it')
    const taken = RootLock.take(this.rootDir)
    this.#lock = taken.unwrapOr(undefined)
    return taken.map(() => undefined)
  }

  close(): void {
    this.#lock?.release()
    this.#lock = undefined
  }

  /** Whether this engine can do what the options of a job ask for. Errors: `ERR_OPTION`. */
  check({
    whenIdle,
    restart
  }: Pick<ResolvedJobOptions, 'whenIdle' | 'restart'>): Result<void, PersistencyError> {
    if (restart && this.rootDir === MEMORY)
      return refuse('option "restart" is not for ":memory:"; what the job holds ends with its thread')
    if (restart && this.#options.threads === 'none')
      return refuse(
        'option "restart" is not for threads: "none"; there is no storage thread that could die alone'
      )
    if (whenIdle !== 'close') return ok(undefined)
    const message = 'option "whenIdle" of "close"'
    if (this.#options.threads === 'dedicated') {
      return refuse(
        `${message} needs threads: { shared: n } or "none"; an idle thread of its own costs far more than its file`
      )
    }
    if (this.rootDir === MEMORY)
      return refuse(`${message} is not for ":memory:"; what the job holds would be lost`)
    return ok(undefined)
  }

  open(request: OpenStorage): ResultAsync<OpenedStorage, PersistencyError> {
    const { jobId, hub, options } = request
    const closable = options.whenIdle === 'close'
    const allowed = this.check(options)
      .andThen(() => this.#checkLock())
      .andThen(() => this.#checkStored(jobId, options.create))
    if (allowed.isErr()) return errAsync(allowed.error)
    // The same for every thread that serves the job until it is closed.
    const restart = options.restart && { session: randomUUID(), maxQueueOps: options.maxQueueOps }
    return SeatedJob.open({
      request,
      seat: () => this.#seat(this.#threads, { hub, jobId, closable }),
      start: ({ maxOpen }, again) => ({
        task: 'serve',
        ...this.#fileOf(jobId),
        options: told(options),
        maxOpen,
        ...(restart !== false && { restart: { ...restart, again } })
      })
    })
  }

  remove(jobId: string): ResultAsync<void, PersistencyError> {
    const start = { task: 'remove', ...this.#fileOf(jobId) } as const
    return this.#change(start, this.#removers, DEFAULT_JOB_OPTIONS.openTimeoutMs)
  }

  restore(jobId: string, from: string, overwrite: boolean): ResultAsync<void, PersistencyError> {
    if (this.rootDir === MEMORY) {
      const message = `${from}: cannot be restored into ":memory:"; what is there ends with its job`
      return errAsync(new PersistencyError('ERR_RESTORE', message))
    }
    const start = { task: 'restore', ...this.#fileOf(jobId), from, overwrite } as const
    return this.#change(start, this.#restorers, Number.POSITIVE_INFINITY)
  }

  jobsAt(path: string): readonly string[] {
    return jobsAt(this.rootDir, path)
  }

  list(): ResultAsync<readonly string[], PersistencyError> {
    return new ResultAsync(storedJobs(this.rootDir))
  }

  /** Has a thread do something to the files of a job that is not open. */
  #change(start: ChangeStart, pool: ThreadPool, timeoutMs: number): ResultAsync<void, PersistencyError> {
    if (start.file === MEMORY) return new ResultAsync(Promise.resolve(ok(undefined)))
    const { task, jobId } = start
    const context = BrokerContext.create(`${task} ${jobId}`)
    const request = { hub: this.#removersHub, jobId, closable: false }
    const seat = this.#checkLock().andThen(() => this.#seat(pool, request))
    if (seat.isErr()) return errAsync(seat.error)
    return serve(seat.value, context, start, timeoutMs).andThen((served) =>
      new ResultAsync(release(seat.value, served)).mapErr((error) => toError(error, start))
    )
  }

  /** Whether somebody else holds the directory exclusively. */
  #checkLock(): Result<void, PersistencyError> {
    if (this.#lock !== undefined || this.rootDir === MEMORY) return ok(undefined)
    return RootLock.check(this.rootDir)
  }

  /** No thread is started for a job that is not to be made, nor a place taken under `maxOpenJobs`. */
  #checkStored(jobId: string, create: boolean): Result<void, PersistencyError> {
    const file = jobFile(this.rootDir, jobId)
    return create || mayBeStored(file) ? ok(undefined) : err(notStored({ jobId, file }))
  }

  #seat(pool: ThreadPool, request: SeatRequest): Result<Seat, PersistencyError> {
    let seat: Seat | undefined
    try {
      seat = pool.take(request)
    } catch (cause) {
      const message = `the storage thread cannot be started: ${messageOf(cause)}${bundleRemedy(cause)}`
      return err(new PersistencyError('ERR_OPEN', message, { cause }))
    }
    if (seat !== undefined) return ok(seat)
    const message = `job "${request.jobId}" cannot be opened: maxOpenJobs is ${this.#options.maxOpenJobs}, and none of the databases that are open may be closed; close a job, raise the limit, or open jobs with whenIdle: "close"`
    return err(new PersistencyError('ERR_TOO_MANY_JOBS', message))
  }

  #fileOf(jobId: string): Pick<StorageStart, 'jobId' | 'file'> {
    return { jobId, file: jobFile(this.rootDir, jobId) }
  }
}

function told(options: ServeStart['options']): ServeStart['options'] {
  return Object.fromEntries(SERVED_OPTIONS.map((name) => [name, options[name]])) as ServeStart['options']
}

function refuse(message: string): Result<never, PersistencyError> {
  return err(new PersistencyError('ERR_OPTION', message))
}

async function release(seat: Seat, served: ServedContext): Promise<Result<void, unknown>> {
  const released = await served.release()
  await seat.leave()
  return released
}
