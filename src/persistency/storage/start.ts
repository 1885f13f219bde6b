/** Owns what the engine tells a storage worker about one job. Plain data. */
import type { ResolvedJobOptions } from '../options.js'

/** What to restore. */
export interface RestoreStart {
  /** Absolute path of the backup. */
  readonly from: string
  readonly overwrite: boolean
}

/** What a storage needs to go on where another thread ended. */
export interface RestartStart {
  /** Names the time from opening to closing of one job; nothing else has the same. */
  readonly session: string
  /** Writes without an outcome, for the one who announces them, are at most so many. */
  readonly maxQueueOps: number
  /** Whether another thread had the file open: a new one in its place would be a loss. */
  readonly again: boolean
}

export interface StorageStart {
  /** `serve` the job until it is released, `remove` its files, or `restore` them. */
  readonly task: 'serve' | 'remove' | 'restore'
  /** Of a task of restoring. */
  readonly restore?: RestoreStart
  /** Of a job with `restart`. */
  readonly restart?: RestartStart
  readonly jobId: string
  /** Path of the database file, or `:memory:`. */
  readonly file: string
  readonly options: Pick<
    ResolvedJobOptions,
    'durability' | 'cacheSizeBytes' | 'mmapSizeBytes' | 'busyTimeoutMs' | 'whenIdle' | 'journal'
  >
  /** How many databases may be open at once on the thread; the same for all of its jobs. */
  readonly maxOpen: number
}
