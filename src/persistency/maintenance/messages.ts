/**
 * Owns the messages by which a storage is backed up, verified, measured and compacted. Part of the storage port: see
 * `messages.ts`.
 */
import { defineEvent, type EventDefinition } from '../../brokers/definitions.js'
import { storageRequest } from '../frames/storage-request.js'
import type { Backup, Compaction, JobStats, Progress, VerifyReport } from './types.js'

/** What every long operation is asked with. */
export interface KvOperation {
  /** Told in the `MaintenanceProgress` of this operation; chosen by who asks. */
  readonly operation: number
}

export interface KvBackupQuery extends KvOperation {
  /** Absolute path of the file to be made. */
  readonly path: string
  readonly overwrite: boolean
}

export interface KvVerifyQuery extends KvOperation {
  readonly quick: boolean
}

export interface KvStatsQuery {
  readonly rows: boolean
}

/** What a storage knows of itself. */
export type StorageStats = Pick<JobStats, 'rows' | 'fileBytes' | 'walBytes' | 'freeBytes'>

/** How far an operation on a job has come. */
export interface MaintenanceProgressPayload extends KvOperation, Progress {
  readonly jobId: string
}

/** Copies everything committed into a file, while other calls go on. */
export const KvBackup = storageRequest<KvBackupQuery, Backup>('persistency.backup')
/** Checks what is stored; whatever is wrong is in the report. */
export const KvVerify = storageRequest<KvVerifyQuery, VerifyReport>('persistency.verify')
/** Measures what is stored. */
export const KvStats = storageRequest<KvStatsQuery, StorageStats>('persistency.stats')
/** Gives space that is not in use back. */
export const KvCompact = storageRequest<KvOperation, Compaction>('persistency.compact')
/** A backup, a check or a compaction has come further. Emitted now and then, in the context of the job. */
export const MaintenanceProgress: EventDefinition<MaintenanceProgressPayload> = defineEvent(
  'persistency.maintenanceProgress'
)

export const MAINTENANCE_REQUESTS = [KvBackup, KvVerify, KvStats, KvCompact] as const
