/** Owns the shapes of what is done to a job as a whole: backing up, restoring, verifying, measuring, compacting. */
import type { CancelSignal } from '../../runtime/platform.js'
import type { ResolvedJobOptions } from '../options.js'

/** How far an operation has come. */
export interface Progress {
  /** What is being done: `copying` bytes, checking the `file`, reading `rows`, `rewriting` or `shrinking` the file. */
  readonly phase: 'copying' | 'file' | 'rows' | 'rewriting' | 'shrinking'
  /** How much of the phase is done: bytes when copying, rows otherwise. */
  readonly done: number
  /** How much the phase is in total; absent where that is not known before. */
  readonly total?: number
}

/** What every long operation takes. None has a time limit of its own: `AbortSignal.timeout(ms)` is one. */
export interface OperationOptions {
  /** Gives up when it fires; the operation then fails with `ERR_ABORTED`. */
  readonly signal?: CancelSignal | undefined
  /** Called now and then while it goes on. What it throws is reported like the failure of a listener. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** How to back up. */
export interface BackupOptions extends OperationOptions {
  /** Whether a file that is there already is replaced, once the backup is complete. Default `false`. */
  readonly overwrite?: boolean | undefined
}

/** What a backup came to. */
export interface Backup {
  /** Absolute path of the file. */
  readonly path: string
  readonly bytes: number
  /** How long it took, in milliseconds. */
  readonly durationMs: number
}

/** How to restore. */
export interface RestoreOptions {
  /** Whether what the job has stored is replaced. Default `false`. */
  readonly overwrite?: boolean | undefined
}

/** How to verify. */
export interface VerifyOptions extends OperationOptions {
  /** Leaves out what takes longest, as `PRAGMA quick_check` does. Default `false`. */
  readonly quick?: boolean | undefined
}

/** Something that is not as it should be. */
export interface VerifyProblem {
  /**
   * `file`: it is not there or cannot be read; `integrity`: SQLite finds damage; `version`, `schema`: the layout is not ours;
   * `rows`: values that are no bytes; `categories`: names that are no UTF-8, which no call can reach; `journal`: rows that
   * are not what the journal says, or a journal that cannot be read.
   */
  readonly check: 'file' | 'integrity' | 'version' | 'schema' | 'rows' | 'categories' | 'journal'
  /** What was found, for people. */
  readonly message: string
}

/** What came of verifying. */
export interface VerifyReport {
  /** Whether there is no problem. */
  readonly ok: boolean
  /** At most a hundred. */
  readonly problems: readonly VerifyProblem[]
  /** How many rows were read. */
  readonly rows: number
  /** How long it took, in milliseconds. */
  readonly durationMs: number
}

/** What to measure, and how patiently. */
export interface StatsOptions {
  /** Whether to count the rows, for which all of them are visited. Default `true`. */
  readonly rows?: boolean | undefined
  /** Gives up when it fires. */
  readonly signal?: CancelSignal | undefined
}

/** How long the last transactions took. */
export interface CommitStats {
  /** How many there were since the job was opened. */
  readonly count: number
  /** How many of the last ones the latencies are of: at most 1024. */
  readonly recent: number
  /** Half of the recent ones were faster, in milliseconds; 0 before the first. */
  readonly medianMs: number
  /** 99 of 100 recent ones were faster, in milliseconds; 0 before the first. */
  readonly p99Ms: number
}

/** Figures of one job. */
export interface JobStats {
  /** How many rows there are; absent when they were not asked for. Writes that come while it counts may be in it. */
  readonly rows?: number
  /** Size of the database file, in bytes. */
  readonly fileBytes: number
  /** Size of the write-ahead log, in bytes. */
  readonly walBytes: number
  /** How much of the file is not in use: what compacting would give back, at least. */
  readonly freeBytes: number
  /** Writes that are accepted and not yet committed. */
  readonly queue: { readonly bytes: number; readonly ops: number }
  readonly commits: CommitStats
  /** The options in force. */
  readonly options: ResolvedJobOptions
}

/** What compacting came to. */
export interface Compaction {
  /** Size of the file before and after, in bytes. */
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** For how long writes, and what stood behind them, had to wait, in milliseconds. */
  readonly blockedMs: number
}
