/** Owns the requests for the journal of a job: the part of the storage port that a storage without a journal leaves out. */
import { defineRequest, type RequestDefinition } from '../../brokers/definitions.js'
import type { PersistencyError } from '../errors.js'
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

type JournalRequest<Query, Response> = RequestDefinition<Query, Response, PersistencyError>

/** Appends events of the application's own, together with operations. */
export const JournalAppend: JournalRequest<JournalAppendQuery, Appended> = defineRequest(
  'persistency.journal.append',
  {
    codec: { payload: wire.appendQuery, response: wire.appended, error: base.error }
  }
)
/** A page of events. */
export const JournalRead: JournalRequest<JournalReadQuery, JournalPage> = defineRequest(
  'persistency.journal.read',
  {
    codec: { payload: wire.readQuery, response: wire.journalPage, error: base.error }
  }
)
/** What the journal holds. */
export const JournalInfo: JournalRequest<void, JournalStatus> = defineRequest('persistency.journal.info', {
  codec: { response: wire.journalStatus, error: base.error }
})
/** The position of the last event of a stream, whether it has fallen off or not; 0 when the stream never had one. */
export const JournalStreamSeq: JournalRequest<string, number> = defineRequest(
  'persistency.journal.streamSeq',
  { codec: { payload: wire.streamName, response: base.count, error: base.error } }
)
/** What an append under an idempotency key came to, as long as it is remembered. */
export const JournalFindAppend: JournalRequest<JournalFindAppendQuery, Appended | undefined> = defineRequest(
  'persistency.journal.findAppend',
  { codec: { payload: wire.findAppendQuery, response: wire.foundAppend, error: base.error } }
)
/** `KvGetMany` as of an event. */
export const JournalGetAt: JournalRequest<JournalGetAtQuery, Stepwise<KvPayloads>> = defineRequest(
  'persistency.journal.getAt',
  {
    codec: {
      payload: wire.atQuery(base.keyList),
      response: wire.stepwise(base.payloadList),
      error: base.error
    }
  }
)
/** `KvScan` as of an event. */
export const JournalScanAt: JournalRequest<JournalScanAtQuery, Stepwise<KvScanPage>> = defineRequest(
  'persistency.journal.scanAt',
  {
    codec: {
      payload: wire.atQuery(base.scanQuery),
      response: wire.stepwise(base.scanPage),
      error: base.error
    }
  }
)
/** `KvCount` as of an event. */
export const JournalCountAt: JournalRequest<JournalCountAtQuery, Stepwise<number>> = defineRequest(
  'persistency.journal.countAt',
  {
    codec: { payload: wire.atQuery(base.rangeQuery), response: wire.stepwise(base.count), error: base.error }
  }
)
/** Compares some rows with what the journal says. */
export const JournalCompare: JournalRequest<
  JournalCompareQuery,
  Stepwise<JournalComparedRows>
> = defineRequest('persistency.journal.compare', {
  codec: { payload: wire.compareQuery, response: wire.stepwise(wire.comparedRows), error: base.error }
})
/** Compares some rows with what the journal says, and makes them so. */
export const JournalRebuild: JournalRequest<
  JournalCompareQuery,
  Stepwise<JournalComparedRows>
> = defineRequest('persistency.journal.rebuild', {
  codec: { payload: wire.compareQuery, response: wire.stepwise(wire.comparedRows), error: base.error }
})

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
