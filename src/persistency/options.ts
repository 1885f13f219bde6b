/** Owns the options of jobs: names, defaults and limits. */
import type { Result } from 'neverthrow'
import {
  booleanValue,
  type Check,
  type Complete,
  checkOptions,
  complete,
  integerFrom,
  isPlain,
  oneOf,
  positiveMs
} from './checks/options.js'
import type { PersistencyError } from './errors.js'
import type { JournalOptions } from './journal/types.js'

/** What the storage does to keep committed data through a power loss. See `docs/lifecycle-and-guarantees.md`. */
export type Durability = 'normal' | 'full' | 'off'

/** How a job behaves. Every option has a default. */
export interface JobOptions {
  /**
   * Whether a job that has no file is made. With `false` it is `ERR_JOB_NOT_FOUND`, and nothing is made, not even the
   * directory; in `:memory:` there are no jobs but the open ones. It concerns the opening alone: a job that is open is
   * answered either way. Default `true`.
   */
  readonly create?: boolean | undefined
  /**
   * `normal` (default): committed data survives the end of the process, and a power loss may take the last commits
   * but never corrupts. `full`: each commit is on disk before it is acknowledged. `off`: the operating system decides;
   * a power loss may corrupt the file.
   */
  readonly durability?: Durability | undefined
  /**
   * Memory that the storage may use for pages of the file, in bytes; it takes only what it needs. Rows outside of it
   * are read from the operating system's cache, or the disk. Default 32 MiB, on shared threads 2 MiB.
   */
  readonly cacheSizeBytes?: number | undefined
  /**
   * Memory that the storage may use for rows that `getMany` has read, or gets that were under way side by side, in bytes.
   * Read again that way, small rows are found there in half of the time or less, as long as nobody else has written to the
   * file. 0 for none, more than 2 GiB have no effect. Default 32 MiB, on shared threads 2 MiB.
   */
  readonly rowCacheBytes?: number | undefined
  /**
   * Bytes of the file that the storage may map into memory, from its beginning, instead of reading them page by page:
   * reads of a file much larger than `cacheSizeBytes` become up to twice as fast. At most 2 GiB have an effect, and what
   * is mapped counts as resident memory. Whoever cuts a mapped file short, or a disk that fails under it, ends the whole
   * process. Default 0: nothing is mapped.
   */
  readonly mmapSizeBytes?: number | undefined
  /** Bytes of accepted writes that may wait for their commit. Default 64 MiB. */
  readonly maxQueueBytes?: number | undefined
  /** Operations that may wait for their commit. Default 100 000. */
  readonly maxQueueOps?: number | undefined
  /** Past the limits of the queue, `wait` (default) makes `persist` wait for room, `refuse` makes it fail. */
  readonly whenFull?: 'wait' | 'refuse' | undefined
  /** Time limit of reads and of `deleteAcked` in milliseconds, `Infinity` for none. Default 5000. */
  readonly requestTimeoutMs?: number | undefined
  /** How long the storage waits for a lock that another process holds, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number | undefined
  /** How long opening the storage may take, in milliseconds. Default 30 000. */
  readonly openTimeoutMs?: number | undefined
  /**
   * `keep` (default) holds the database open as long as the job is. `close` lets it be closed while others need its
   * place under `maxOpenJobs`; the next call opens it again, in order, and the job notices nothing but the time that
   * takes. Needs a directory, and threads that are shared or `none`.
   */
  readonly whenIdle?: 'keep' | 'close' | undefined
  /**
   * Keeps every write as an event, which can be read again; see `docs/event-sourcing.md`. `true` keeps all of them,
   * limits let the oldest fall off. A file that has a journal goes on with it and its limits when this is left out or
   * `false`, the default; `true` lifts the limits.
   */
  readonly journal?: boolean | JournalOptions | undefined
  /**
   * Has the storage started again when its thread dies: accepted writes are kept, sent again in order and applied once,
   * reads are asked again, and the job goes on; see `docs/lifecycle-and-guarantees.md`. It fails when new threads get
   * nowhere. Takes a copy of each write, and a row per transaction. Needs a directory and a thread besides the one that
   * opens the job. Default `false`: the job fails.
   */
  readonly restart?: boolean | undefined
}

/** Job options with every default filled in. */
export type ResolvedJobOptions = Complete<JobOptions>

/** The options of a job that is opened without any. On shared threads the caches are of 2 MiB instead. */
export const DEFAULT_JOB_OPTIONS: ResolvedJobOptions = Object.freeze({
  create: true,
  durability: 'normal',
  cacheSizeBytes: 32 * 1024 * 1024,
  rowCacheBytes: 32 * 1024 * 1024,
  mmapSizeBytes: 0,
  maxQueueBytes: 64 * 1024 * 1024,
  maxQueueOps: 100_000,
  whenFull: 'wait',
  requestTimeoutMs: 5000,
  busyTimeoutMs: 5000,
  openTimeoutMs: 30_000,
  whenIdle: 'keep',
  journal: false,
  restart: false
})

/** Those of jobs on shared threads: there may be a thousand of them, so each has small caches. */
export const SHARED_JOB_OPTIONS: ResolvedJobOptions = Object.freeze({
  ...DEFAULT_JOB_OPTIONS,
  cacheSizeBytes: 2 * 1024 * 1024,
  rowCacheBytes: 2 * 1024 * 1024
})

/** What the options of a job may be. */
export const JOB_CHECKS: Readonly<Record<keyof JobOptions, Check>> = {
  create: booleanValue,
  durability: oneOf('normal', 'full', 'off'),
  cacheSizeBytes: integerFrom(64 * 1024),
  rowCacheBytes: integerFrom(0),
  mmapSizeBytes: integerFrom(0),
  maxQueueBytes: integerFrom(1),
  maxQueueOps: integerFrom(1),
  whenFull: oneOf('wait', 'refuse'),
  requestTimeoutMs: positiveMs,
  busyTimeoutMs: integerFrom(0, 2 ** 31 - 1),
  openTimeoutMs: positiveMs,
  whenIdle: oneOf('keep', 'close'),
  journal: journalOption,
  restart: booleanValue
}

/** Those that are objects, which become the job's own. */
export const NESTED_JOB_OPTIONS: readonly string[] = ['journal']

/** Checks options, and answers those that are given. Errors: `ERR_OPTION`, for unknown names too. */
export function checkJobOptions(options: unknown): Result<JobOptions, PersistencyError> {
  return checkOptions<JobOptions>(options, JOB_CHECKS, NESTED_JOB_OPTIONS)
}

/** Fills in what is missing of options that have been checked. */
export function completeJobOptions(
  { journal, ...given }: JobOptions,
  defaults: ResolvedJobOptions = DEFAULT_JOB_OPTIONS
): ResolvedJobOptions {
  const resolved = complete<JobOptions>(defaults, given)
  if (typeof journal !== 'object') return complete<JobOptions>(resolved, { journal })
  const limits = Object.entries(journal).filter(([, limit]) => limit !== undefined)
  return { ...resolved, journal: Object.freeze(Object.fromEntries(limits) as JournalOptions) }
}

const JOURNAL_CHECKS = { maxEvents: integerFrom(1), maxAgeMs: integerFrom(1), maxBytes: integerFrom(1) }

/** Allows what asks for a journal. */
function journalOption(value: unknown): string | undefined {
  if (typeof value === 'boolean') return undefined
  const limits = checkOptions(value, JOURNAL_CHECKS)
  return limits.isOk() && isPlain(value as object)
    ? undefined
    : 'true, false, or { maxEvents, maxAgeMs, maxBytes } with integers of at least 1'
}
