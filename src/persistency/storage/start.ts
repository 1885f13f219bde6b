/** Owns what the engine tells a storage worker about one job. Plain data. */
import type { ResolvedJobOptions } from '../options.js'

/** What to restore. */
export interface RestoreStart {
  /** Absolute path of the backup. */
  readonly from: string
  readonly overwrite: boolean
}

export interface StorageStart {
  /** `serve` the job until it is released, `remove` its files, or `restore` them. */
  readonly task: 'serve' | 'remove' | 'restore'
  /** Of a task of restoring. */
  readonly restore?: RestoreStart
  readonly jobId: string
  /** Path of the database file, or `:memory:`. */
  readonly file: string
  readonly options: Pick<
    ResolvedJobOptions,
    'durability' | 'cacheSizeBytes' | 'busyTimeoutMs' | 'whenIdle' | 'journal'
  >
  /** How many databases may be open at once on the thread; the same for all of its jobs. */
  readonly maxOpen: number
}
