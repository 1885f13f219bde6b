/** Owns the requests for the journal of a job: the part of the storage port that a storage without a journal leaves out. */
import { storageRequest } from '../frames/storage-request.js'
import * as base from '../frames/wire.js'
import type { KvPayloads, KvScanPage } from '../message-payloads.js'
import type {
  JournalAppendQuery,
  JournalComparedRows,
  JournalCompareQuery,
  JournalCountAtQuery,
  JournalFindAppendQuery,
  JournalGetAtQuery,
  JournalPage,
  JournalReadQuery,
  JournalScanAtQuery,
  Stepwise
} from './message-payloads.js'
import type { Appended, JournalStatus } from './types.js'
import * as wire from './wire.js'

/** Appends events of the application's own, together with operations. */
export const JournalAppend = storageRequest<JournalAppendQuery, Appended>('persistency.journal.append', {
  payload: wire.appendQuery,
  response: wire.appended
})
/** A page of events. */
export const JournalRead = storageRequest<JournalReadQuery, JournalPage>('persistency.journal.read', {
  response: wire.journalPage
})
/** What the journal holds. */
export const JournalInfo = storageRequest<void, JournalStatus>('persistency.journal.info')
/** The position of the last event of a stream, whether it has fallen off or not; 0 when the stream never had one. */
export const JournalStreamSeq = storageRequest<string, number>('persistency.journal.streamSeq')
/** What an append under an idempotency key came to, as long as it is remembered. */
export const JournalFindAppend = storageRequest<JournalFindAppendQuery, Appended | undefined>(
  'persistency.journal.findAppend'
)
/** `KvGetMany` as of an event. */
export const JournalGetAt = storageRequest<JournalGetAtQuery, Stepwise<KvPayloads>>(
  'persistency.journal.getAt',
  { payload: wire.atQuery(base.keyList), response: wire.stepwise(base.payloadList) }
)
/** `KvScan` as of an event. */
export const JournalScanAt = storageRequest<JournalScanAtQuery, Stepwise<KvScanPage>>(
  'persistency.journal.scanAt',
  { payload: wire.atQuery(base.scanQuery), response: wire.stepwise(base.scanPage) }
)
/** `KvCount` as of an event. */
export const JournalCountAt = storageRequest<JournalCountAtQuery, Stepwise<number>>(
  'persistency.journal.countAt',
  { payload: wire.atQuery(base.rangeQuery), response: wire.stepwise(base.count) }
)
/** Compares some rows with what the journal says. */
export const JournalCompare = storageRequest<JournalCompareQuery, Stepwise<JournalComparedRows>>(
  'persistency.journal.compare',
  { payload: wire.compareQuery, response: wire.stepwise(wire.comparedRows) }
)
/** Compares some rows with what the journal says, and makes them so. */
export const JournalRebuild = storageRequest<JournalCompareQuery, Stepwise<JournalComparedRows>>(
  'persistency.journal.rebuild',
  { payload: wire.compareQuery, response: wire.stepwise(wire.comparedRows) }
)

/** All of them, as they go to a storage worker. */
export const JOURNAL_REQUESTS = [
  JournalAppend,
  JournalRead,
  JournalInfo,
  JournalStreamSeq,
  JournalFindAppend,
  JournalGetAt,
  JournalScanAt,
  JournalCountAt,
  JournalCompare,
  JournalRebuild
] as const
