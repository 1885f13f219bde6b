/** Owns the coordinator of one root directory. Knows no SQL and no threads; `open` builds the engine that does. */
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow'
import { isHub } from '../brokers/check-place.js'
import { BrokerContext } from '../brokers/context.js'
import { defineRequest, type SyncRequestDefinition } from '../brokers/definitions.js'
import type { BrokerHub } from '../brokers/hub.js'
import { checkPath } from './absolute-path.js'
import { ByJobId, jobNotFound } from './by-job-id.js'
import { checkJobId } from './checks/job-id.js'
import { checkOptions, RESTORE_CHECKS } from './checks/options.js'
import { closeOnSignal, type EndSignal } from './close-on-signal.js'
import { describeValue } from './describe.js'
import { PersistencyError } from './errors.js'
import { tellIgnored } from './ignored-options.js'
import type { Job } from './job.js'
import type { RestoreOptions, VerifyOptions, VerifyReport } from './maintenance/types.js'
import { checkJobOptions, completeJobOptions, type JobOptions, type ResolvedJobOptions } from './options.js'
import { type PersistencyOptions, resolvePersistencyOptions } from './persistency-options.js'
import { SqliteEngine } from './storage/engine/sqlite-engine.js'
import { checkRootDir, isSameDirectory, type RootDir } from './storage/files/root-dir.js'
import { verifyFile } from './storage/verify-file.js'
import type { StorageEngine } from './storage-engine.js'
import { Tenants } from './tenants.js'

/** What a coordinator is made of. */
export interface PersistencyParts {
  /** Names the place in messages. */
  readonly rootDir: string
  readonly hub: BrokerHub
  /** Runs the storage of the jobs. */
  readonly engine: StorageEngine
  /** The options of jobs that are opened without any. */
  readonly jobOptions: ResolvedJobOptions
  /** As in {@link PersistencyOptions}. */
  readonly closeOnSignal?: boolean | readonly EndSignal[]
}

let singleton: Persistency | undefined

/**
 * Opens and closes the jobs of one root directory. Each job is one tenant: one file, one broker context, and a storage
 * thread of its own, a place on a shared one, or none.
 *
 * Belongs to the thread that made it. No method throws or rejects for an expected reason. Opening, closing and
 * dropping are idempotent, and calls for one id that overlap take part in the same work.
 */
export class Persistency extends ByJobId {
  /** Absolute path of the directory, or `:memory:`. */
  readonly rootDir: string
  /** Where `JobOpened`, `JobClosed`, `JobFailed` and `JobRestarted` of all jobs are told; the parent of the contexts of the jobs. */
  readonly context: BrokerContext
  /** Where the events and requests of its jobs travel: `new EventBroker(persistency.hub, job.context)` sees those of a job. */
  readonly hub: BrokerHub
  readonly #engine: StorageEngine
  readonly #defaults: ResolvedJobOptions
  readonly #tenants: Tenants
  readonly #leaveSignals: () => void
  #closed: ResultAsync<void, PersistencyError> | undefined

  /**
   * For those who bring an engine of their own; everybody else uses {@link Persistency.open}.
   *
   * @throws TypeError for what is no parts: a directory, or the options of `open`
   */
  constructor(parts: PersistencyParts) {
    super()
    checkParts(parts)
    this.rootDir = parts.rootDir
    this.context = BrokerContext.create(`persistency ${parts.rootDir}`)
    this.hub = parts.hub
    this.#engine = parts.engine
    const { rootDir, hub, context } = this
    this.#tenants = new Tenants({ rootDir, hub, context, engine: parts.engine })
    this.#defaults = parts.jobOptions
    const { closeOnSignal: signals = false } = parts
    const close = async (): Promise<string | undefined> => (await this.close()).match(() => undefined, String)
    this.#leaveSignals = signals === false ? () => {} : closeOnSignal(signals, { name: parts.rootDir, close })
  }

  /**
   * Makes the coordinator of a directory. Leaves no trace in the file system: the directory is made, private to its
   * owner, by the first `openJob`; with `exclusive`, by this.
   *
   * Errors: `ERR_ROOT_DIR` when the path is empty, or it or its nearest existing ancestor is no directory, and for a URL that
   * is none of a file; `ERR_OPTION`; with `exclusive` also `ERR_ROOT_IN_USE`, `ERR_CREATE_DIR` and `ERR_OPEN`.
   */
  static open(rootDir: RootDir | PersistencyOptions): Result<Persistency, PersistencyError> {
    return resolvePersistencyOptions(rootDir).andThen(
      ({ rootDir: directory, hub, threads, maxOpenJobs, exclusive, closeOnSignal, jobOptions }) =>
        SqliteEngine.create(directory, { threads, maxOpenJobs })
          .andThen((engine) => engine.check(jobOptions).map(() => engine))
          .andThen((engine) => (exclusive ? engine.lock().map(() => engine) : ok(engine)))
          .map(
            (engine) => new Persistency({ rootDir: engine.rootDir, hub, engine, jobOptions, closeOnSignal })
          )
    )
  }

  /**
   * The one instance of this thread: made by the first call, which names the directory, and answered by all others.
   *
   * Errors: as `open`; `ERR_NOT_INITIALISED` without a directory before the first; `ERR_OTHER_INSTANCE` when it lives
   * already with another directory.
   */
  static instance(rootDir?: RootDir | PersistencyOptions): Result<Persistency, PersistencyError> {
    if (singleton !== undefined) return sameRoot(singleton, rootDir)
    if (rootDir === undefined) {
      const message = 'Persistency is not initialised: call Persistency.instance(rootDir) first'
      return err(new PersistencyError('ERR_NOT_INITIALISED', message))
    }
    return Persistency.open(rootDir).map((made) => {
      singleton = made
      return made
    })
  }

  /** Closes the one instance and forgets it; another directory may follow. Repeating it is harmless. */
  static async reset(): Promise<void> {
    const former = singleton
    singleton = undefined
    await former?.close()
  }

  /**
   * Verifies a backup without restoring it: as {@link Job.verify}, the journal included, on a thread of its own. The file is
   * read and nothing is made beside it, so it may be in a place that cannot be written to. What is wrong is in the report;
   * an `Err` says that it could not be checked, and nothing about what is in it.
   *
   * Errors: `ERR_PATH`, `ERR_OPTION`; `ERR_OPEN` when the file cannot be read, or is that of a closed job, which has a log
   * when it is read; `ERR_JOB_IN_USE` when it is a database in use; `ERR_STORAGE` when somebody has a lock on it for five seconds;
   * `ERR_VERSION` of its journal; `ERR_ABORTED`.
   */
  static verifyFile(path: string, options?: VerifyOptions): ResultAsync<VerifyReport, PersistencyError> {
    return verifyFile(path, options)
  }

  /** The open jobs by id; follows along as jobs open and close. */
  get jobs(): ReadonlyMap<string, Job> {
    return this.#tenants.jobs
  }

  override job(id: string): Result<Job, PersistencyError> {
    const job = this.jobs.get(id)
    return job === undefined ? err(jobNotFound(id)) : ok(job)
  }

  /** Whether a job of that id is open. */
  hasJob(id: string): boolean {
    return this.jobs.has(id)
  }

  /**
   * The ids of all jobs that have a file in the directory, open or not, and of those that are open, sorted; in `:memory:`,
   * of the open ones. Goes by the names of the files and opens none. Nothing is made: a directory that is not there has no jobs.
   *
   * Errors: `ERR_LIST` when the directory cannot be read, `ERR_PERSISTENCY_CLOSED`.
   */
  listJobs(): ResultAsync<readonly string[], PersistencyError> {
    if (this.#tenants.ended !== undefined) return errAsync(this.#tenants.ended)
    const stored = this.#engine.list?.() ?? okAsync<readonly string[], PersistencyError>([])
    return stored.map((ids) => [...new Set([...ids, ...this.jobs.keys()])].sort())
  }

  /**
   * Opens a job, or answers the one that is open; its options are those of the call that opened it, and others are a
   * warning, `PERSISTENCY_OPTIONS_IGNORED`. The file is made when it is not there, unless `create: false` says that it must
   * be. An opening that fails leaves no file that it has made, unless its thread died over it; one that
   * timed out takes it back as soon as its thread gets to that.
   *
   * Errors: `ERR_JOB_ID`, `ERR_OPTION`, `ERR_PERSISTENCY_CLOSED`, `ERR_JOB_NOT_FOUND` with `create: false`, and the
   * reasons why a file cannot be opened: `ERR_CREATE_DIR`, `ERR_OPEN`, `ERR_NOT_A_DATABASE`, `ERR_VERSION`,
   * `ERR_FOREIGN_SCHEMA`, `ERR_STORAGE_DIED`, `ERR_TIMEOUT`, `ERR_TOO_MANY_JOBS`, `ERR_ROOT_IN_USE`.
   */
  openJob(id: string, options?: JobOptions): ResultAsync<Job, PersistencyError> {
    const checked = checkJobId(id).andThen(() => checkJobOptions(options))
    if (checked.isErr()) return errAsync(checked.error)
    if (this.#tenants.ended !== undefined) return errAsync(this.#tenants.ended)
    const wanted = completeJobOptions(checked.value, this.#defaults)
    const opened = new ResultAsync(this.#tenants.open(id, wanted))
    if (options === undefined) return opened
    return opened.map((job) => {
      tellIgnored(job, this.rootDir, checked.value, wanted)
      return job
    })
  }

  /**
   * Closes a job: calls made from now on fail, everything accepted before is applied, then the file is released.
   * Closing a job that is not open is ok.
   */
  closeJob(id: string): ResultAsync<void, PersistencyError> {
    return new ResultAsync(this.#tenants.close(id))
  }

  /**
   * Closes a job and deletes its files. A job that was never stored is ok.
   *
   * Errors: `ERR_JOB_ID`, before any file is touched; `ERR_JOB_IN_USE` when another owner, in this process or another,
   * has the file open; `ERR_ROOT_IN_USE`; `ERR_VERSION` and `ERR_FOREIGN_SCHEMA` when the file is not ours; `ERR_REMOVE`;
   * those of closing.
   */
  dropJob(id: string): ResultAsync<void, PersistencyError> {
    return checkJobId(id).asyncAndThen(() => new ResultAsync(this.#tenants.drop(id)))
  }

  /**
   * Puts a backup in the place of a job that is not open: the file is copied, the copy is verified, and takes its place
   * in one step. Until then nothing of the job is changed. The backup stays as it is; it may be the file of a closed job,
   * which cannot be opened until it has been read.
   *
   * Errors: `ERR_JOB_ID`, `ERR_PATH`, `ERR_OPTION`; `ERR_EXISTS` when the job has a file, unless `overwrite`;
   * `ERR_JOB_IN_USE` when the job is open, here or elsewhere, or the backup is a database in use;
   * `ERR_BACKUP_UNSOUND`; `ERR_RESTORE`; `ERR_VERSION` and `ERR_FOREIGN_SCHEMA` when the file in its place is not ours;
   * `ERR_ROOT_IN_USE`; `ERR_PERSISTENCY_CLOSED`.
   */
  restore(id: string, path: string, options?: RestoreOptions): ResultAsync<void, PersistencyError> {
    const checked = checkJobId(id)
      .andThen(() => checkPath(path))
      .andThen((from) =>
        checkOptions<RestoreOptions>(options, RESTORE_CHECKS).map(({ overwrite = false }) => ({
          from,
          overwrite
        }))
      )
    if (checked.isErr()) return errAsync(checked.error)
    if (this.#tenants.ended !== undefined) return errAsync(this.#tenants.ended)
    const { from, overwrite } = checked.value
    return new ResultAsync(this.#tenants.restore(id, from, overwrite))
  }

  /** Closes every job, and opens none from now on. Repeating it is harmless. Errors: the first one of a job. */
  close(): ResultAsync<void, PersistencyError> {
    this.#closed ??= new ResultAsync(
      this.#tenants.closeAll().then((closed) => {
        this.#leaveSignals()
        return closed
      })
    )
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Persistency ${this.rootDir} [${[...this.jobs.keys()].join(', ')}]`
  }
}

/** Asks whoever provides it for the instance of a context; an application provides it where it makes one. */
export const GetPersistency: SyncRequestDefinition<void, Persistency, PersistencyError> = defineRequest<
  void,
  Persistency,
  PersistencyError
>('persistency.getPersistency', { sync: true })

/** The compiler finds this, and plain JavaScript has none: it would fail later, over what is not there. */
function checkParts(parts: Partial<PersistencyParts> | undefined): void {
  const { hub, engine, jobOptions } = parts ?? {}
  if (isHub(hub) && engine !== undefined && jobOptions !== undefined) return
  throw new TypeError(
    `new Persistency takes a hub, an engine and job options; got ${describeValue(parts)}. Call Persistency.open(rootDir) instead`
  )
}

function sameRoot(
  instance: Persistency,
  rootDir: RootDir | PersistencyOptions | undefined
): Result<Persistency, PersistencyError> {
  if (rootDir === undefined) return ok(instance)
  const asked = resolvePersistencyOptions(rootDir).andThen((options) => checkRootDir(options.rootDir))
  if (asked.isErr()) return err(asked.error)
  if (isSameDirectory(asked.value, instance.rootDir)) return ok(instance)
  const message = `Persistency is initialised with ${instance.rootDir}; reset() it before using ${asked.value}`
  return err(new PersistencyError('ERR_OTHER_INSTANCE', message))
}
