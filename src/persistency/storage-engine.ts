/** Owns the contract between the facade and an engine that runs the storage of jobs. Knows no engine. */
import type { ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../brokers/context.js'
import type { BrokerHub } from '../brokers/hub.js'
import type { PersistencyError } from './errors.js'
import type { ResolvedJobOptions } from './options.js'

/** Asks an engine for the storage of one job. */
export interface OpenStorage {
  readonly jobId: string
  readonly hub: BrokerHub
  /** Where the storage listens, provides and emits; see `messages.ts`. */
  readonly context: BrokerContext
  readonly options: ResolvedJobOptions
  /** To be called at most once, when the storage ends without having been closed, and is not started again. */
  readonly onFailed: (error: PersistencyError) => void
  /**
   * To be called when the process ends and everything sent has been applied: for code that runs after that, the job is no
   * longer served. An engine that has nothing to finish then leaves it alone.
   */
  readonly onProcessEnd?: () => void
  /** Of a job with `restart`. An engine that cannot start a storage again leaves it alone. */
  readonly onRestart?: RestartListener
}

/** Takes part in the storage of a job being started again. */
export interface RestartListener {
  /**
   * The storage has ended by itself. To be called before any request under way ends with `disconnected`. Answers whether
   * to serve the context again; if not, `onFailed` is to follow.
   */
  interrupted(error: PersistencyError): boolean
  /**
   * The context is served again. To be called in the very moment in which that begins, so that what has no outcome is sent
   * first, as `PersistAgain`: writes that were applied are to be answered for and not applied again.
   */
  resumed(): void
}

/** The running storage of one job. */
export interface OpenedStorage {
  /** Applies everything accepted before, then lets go of everything. Called once. */
  close(): ResultAsync<void, PersistencyError>
}

/** Runs the storage of jobs, each by itself. */
export interface StorageEngine {
  /**
   * Starts the storage of a job. Once it is ok, the messages of the context are served. With `create: false` among the
   * options, a job of which nothing is stored is `ERR_JOB_NOT_FOUND`, and nothing is made.
   */
  open(request: OpenStorage): ResultAsync<OpenedStorage, PersistencyError>
  /** Deletes what a job has stored; nothing to delete is no error. Refuses with `ERR_JOB_IN_USE` while it is open. */
  remove(jobId: string): ResultAsync<void, PersistencyError>
  /**
   * The ids of all jobs of which something is stored, open or not, in any order. Absent where nothing is stored but by open
   * jobs, or nobody knows.
   */
  list?(): ResultAsync<readonly string[], PersistencyError>
  /** Puts a backup, made with `KvBackup`, in the place of a job that is not open. Absent where there are no backups. */
  restore?(jobId: string, path: string, overwrite: boolean): ResultAsync<void, PersistencyError>
  /**
   * The ids of jobs that store what they have in the file at a path, of which there may be none. `restore` is not asked to
   * read from there while one of them is open, and none is opened meanwhile. Absent where `restore` sees to it.
   */
  jobsAt?(path: string): readonly string[]
  /** Lets go of what it holds besides its jobs. Called once, after the last of them was closed. */
  close?(): void
}
