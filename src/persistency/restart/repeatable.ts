/** Owns which requests may be asked a second time when nobody knows whether the first one took effect. */
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { SubscriptionAdvanceQuery } from '../eventsourcing/message-payloads.js'
import { SubscriptionAdvance, SubscriptionList, SubscriptionParked } from '../eventsourcing/messages.js'
import {
  JournalCompare,
  JournalCountAt,
  JournalFindAppend,
  JournalGetAt,
  JournalInfo,
  JournalRead,
  JournalScanAt,
  JournalStreamSeq
} from '../journal/messages.js'
import { KvStats, KvVerify } from '../maintenance/messages.js'
import { KvCount, KvExists, KvFlush, KvGet, KvGetMany, KvScan } from '../messages.js'

/** What to ask with the second time; `undefined` when it must not be asked again. */
export type Repeat = (payload: unknown) => unknown

const same: Repeat = (payload) => payload

/** Those that change nothing. A checkpoint says by itself whether it has been moved on. */
const REPEATS: ReadonlyMap<string, Repeat> = new Map<string, Repeat>([
  ...[KvGet, KvGetMany, KvExists, KvScan, KvCount, KvFlush, KvStats, KvVerify].map(asItIs),
  ...[JournalRead, JournalInfo, JournalStreamSeq, JournalFindAppend, JournalCompare].map(asItIs),
  ...[JournalGetAt, JournalScanAt, JournalCountAt].map(asItIs),
  ...[SubscriptionList, SubscriptionParked].map(asItIs),
  [SubscriptionAdvance.name, (payload) => ({ ...(payload as SubscriptionAdvanceQuery), repeated: true })]
])

/** How to ask again; `undefined` for what is not to be repeated. */
export function repeatOf(request: { readonly name: string }): Repeat | undefined {
  return REPEATS.get(request.name)
}

function asItIs({ name }: Pick<RequestDefinition<never, never, never>, 'name'>): [string, Repeat] {
  return [name, same]
}
