/** Owns what the engine tells a storage worker about one job. Plain data. */
import type { ResolvedJobOptions } from '../options.js'

export interface StorageStart {
  /** `serve` the job until it is released, or `remove` its files. */
  readonly task: 'serve' | 'remove'
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
