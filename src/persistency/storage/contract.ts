/** Owns which messages of the storage port cross between the thread of a job and that of its storage. */
import type { ThreadContract } from '../../threads/link/carried.js'
import { SUBSCRIPTION_REQUESTS } from '../eventsourcing/messages.js'
import { JOURNAL_REQUESTS } from '../journal/messages.js'
import { MAINTENANCE_REQUESTS, MaintenanceProgress } from '../maintenance/messages.js'
import {
  KvCount,
  KvDelete,
  KvExists,
  KvFlush,
  KvGet,
  KvGetMany,
  KvScan,
  PersistAgain,
  PersistCommitted,
  PersistEvent,
  PersistFailed,
  WritesSettled
} from '../messages.js'

/** What crosses between a storage worker and the thread of its job. */
export const STORAGE_CONTRACT: ThreadContract = {
  toWorker: [
    PersistEvent,
    PersistAgain,
    WritesSettled,
    KvGet,
    KvGetMany,
    KvExists,
    KvScan,
    KvCount,
    KvDelete,
    KvFlush,
    ...JOURNAL_REQUESTS,
    ...SUBSCRIPTION_REQUESTS,
    ...MAINTENANCE_REQUESTS
  ],
  toHost: [PersistCommitted, PersistFailed, MaintenanceProgress]
}
