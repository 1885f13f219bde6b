/**
 * Owns the messages of a job: what any storage must listen to, provide and emit, and how these cross threads.
 *
 * This is the storage port: whoever listens to `PersistEvent` and provides the requests in a context is the storage
 * of the job of that context.
 */
import { defineEvent, type EventDefinition, type RequestDefinition } from '../brokers/definitions.js'
import type { PersistencyError } from './errors.js'
import { storageRequest } from './frames/storage-request.js'
import * as wire from './frames/wire.js'
import type {
  JobClosedPayload,
  JobFailedPayload,
  JobOpenedPayload,
  JobRestartedPayload,
  KvAddress,
  KvManyQuery,
  KvPayloads,
  KvRangeQuery,
  KvScanPage,
  KvScanQuery,
  PersistCommittedPayload,
  PersistEventPayload,
  PersistFailedPayload,
  WritesSettledPayload
} from './message-payloads.js'

/** A write was accepted. Emitted when that happens, before anything is stored: at once, or when there is room. */
export const PersistEvent: EventDefinition<PersistEventPayload> = defineEvent('persistency.persist', {
  codec: wire.persistEvent
})
/** Writes are in the database. Emitted once per transaction, in order. */
export const PersistCommitted: EventDefinition<PersistCommittedPayload> = defineEvent(
  'persistency.committed',
  {
    codec: wire.persistCommitted
  }
)
/** A write was accepted and could not be confirmed: it is lost, or, after `ERR_STORAGE_DIED`, may be. With nobody listening, it is reported on the process warning channel. */
export const PersistFailed: EventDefinition<PersistFailedPayload> = defineEvent('persistency.failed', {
  codec: wire.persistFailed
})
/** A job is open: its context is served. */
export const JobOpened: EventDefinition<JobOpenedPayload> = defineEvent('persistency.jobOpened')
/** A job is closed: everything accepted was applied, its file is released. */
export const JobClosed: EventDefinition<JobClosedPayload> = defineEvent('persistency.jobClosed')
/** The storage of a job ended by itself. What it had accepted and not committed was reported as failed before. */
export const JobFailed: EventDefinition<JobFailedPayload> = defineEvent('persistency.jobFailed')

/** The storage of a job died and was started again; the job goes on. Of jobs with `restart` only. */
export const JobRestarted: EventDefinition<JobRestartedPayload> = defineEvent('persistency.jobRestarted')

/**
 * A write without an outcome, for a storage that was started again: applied once, whether it has been or not. Told to
 * the storage only; whoever observes the job has seen its `PersistEvent`.
 */
export const PersistAgain: EventDefinition<PersistEventPayload> = defineEvent('persistency.persistAgain', {
  codec: wire.persistEvent
})
/** Up to where writes have an outcome, for the storage of a job with `restart`: when it was started again, and at the end. */
export const WritesSettled: EventDefinition<WritesSettledPayload> = defineEvent('persistency.writesSettled')

/** The payload of one row; `undefined` when there is none. */
// With its type, for an inferred one would be written as TypeScript before 5.7 cannot read it.
export const KvGet: RequestDefinition<KvAddress, Uint8Array | undefined, PersistencyError> = storageRequest(
  'persistency.get',
  { payload: wire.address, response: wire.optionalBytes }
)
/** The payloads of many rows, in the order of the keys; `undefined` where there is none. */
export const KvGetMany = storageRequest<KvManyQuery, KvPayloads>('persistency.getMany', {
  payload: wire.keyList,
  response: wire.payloadList
})
/** Whether a row is there. */
export const KvExists = storageRequest<KvAddress, boolean>('persistency.exists', {
  payload: wire.address,
  response: wire.bool
})
/** The rows of a range, in key order. */
export const KvScan = storageRequest<KvScanQuery, KvScanPage>('persistency.scan', {
  payload: wire.scanQuery,
  response: wire.scanPage
})
/** How many rows a range holds. */
export const KvCount = storageRequest<KvRangeQuery, number>('persistency.count', {
  payload: wire.rangeQuery,
  response: wire.count
})
/** Removes one row and answers whether it was there. */
export const KvDelete = storageRequest<KvAddress, boolean>('persistency.delete', {
  payload: wire.address,
  response: wire.bool
})
/** Answers when everything before it is committed and, with `durable`, on disk. */
export const KvFlush = storageRequest<{ readonly durable: boolean }, void>('persistency.flush', {
  payload: wire.flushQuery
})
