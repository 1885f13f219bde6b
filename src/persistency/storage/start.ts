/** Owns what the engine tells a thread to do about one job. Plain data. */
import type { ResolvedJobOptions } from '../options.js'

/** What a storage needs to go on where another thread ended. */
export interface RestartStart {
  /** Names the time from opening to closing of one job; nothing else has the same. */
  readonly session: string
  /** Writes without an outcome, for the one who announces them, are at most so many. */
  readonly maxQueueOps: number
  /** Whether another thread had the file open: a new one in its place would be a loss. */
  readonly again: boolean
}

interface OfJob {
  readonly jobId: string
  /** Path of the database file, or `:memory:`. */
  readonly file: string
}

/** The options that a thread has a use for. */
export const SERVED_OPTIONS = [
  'create',
  'durability',
  'cacheSizeBytes',
  'rowCacheBytes',
  'mmapSizeBytes',
  'busyTimeoutMs',
  'whenIdle',
  'journal'
] as const satisfies readonly (keyof ResolvedJobOptions)[]

/** Serves the job until it is released. */
export interface ServeStart extends OfJob {
  readonly task: 'serve'
  /** Of a job with `restart`. */
  readonly restart?: RestartStart
  readonly options: Pick<ResolvedJobOptions, (typeof SERVED_OPTIONS)[number]>
  /** How many databases may be open at once on the thread; the same for all of its jobs. */
  readonly maxOpen: number
}

/** Removes the files of the job, which is not open. */
export interface RemoveStart extends OfJob {
  readonly task: 'remove'
}

/** Puts a backup in the place of the job, which is not open. */
export interface RestoreStart extends OfJob {
  readonly task: 'restore'
  /** Absolute path of the backup. */
  readonly from: string
  readonly overwrite: boolean
}

/** What is done to the files of a job that is not open. */
export type ChangeStart = RemoveStart | RestoreStart

export type StorageStart = ServeStart | ChangeStart
