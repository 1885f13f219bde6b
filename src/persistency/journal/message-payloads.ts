/** Owns the shapes of the requests for the journal; the requests themselves are in `messages.ts`. */
import type { Key } from '../keys/keys.js'
import type { KvManyQuery, KvRangeQuery, KvScanQuery } from '../message-payloads.js'
import type { TxOp } from '../types.js'
import type { EventMetadata, ExpectedSeq, JournalDifference } from './types.js'

/** Events to append, checked and with nothing left out. */
export interface JournalAppendQuery {
  readonly events: readonly {
    readonly type: string
    readonly data: Uint8Array
    readonly metadata: EventMetadata
  }[]
  readonly stream: string | undefined
  readonly expectedSeq: ExpectedSeq
  /** Applied with the last event. */
  readonly ops: readonly TxOp[]
  readonly idempotencyKey: string | undefined
}

export interface JournalFindAppendQuery {
  readonly idempotencyKey: string
  /** Which the append must have been for. */
  readonly stream?: string
}

export interface JournalReadQuery {
  /** Default the first event that is there. */
  readonly from?: number
  /** Default the last event that is there. */
  readonly to?: number
  readonly stream?: string
  readonly limit: number
  /** Ends the page once it holds so many bytes. A page that may hold an event holds one, however large. */
  readonly maxBytes: number
}

/** An event of a page as it lies in the journal; see `event-codec.ts`. */
export interface PackedEvent {
  readonly seq: number
  readonly time: number
  readonly bytes: Uint8Array
}

export interface JournalPage {
  readonly events: readonly PackedEvent[]
  /** Where the next page begins. */
  readonly next: number
  /** The first and the last event of the journal when the page was read. */
  readonly firstSeq: number
  readonly lastSeq: number
}

/** A read of the state as of an event. */
export type JournalAtQuery<Query> = Query & { readonly seq: number }
export type JournalGetAtQuery = JournalAtQuery<KvManyQuery>
export type JournalScanAtQuery = JournalAtQuery<KvScanQuery>
export type JournalCountAtQuery = JournalAtQuery<KvRangeQuery>

/** The answer to what may take long: ask the same again until it is ready. */
export type Stepwise<T> =
  | { readonly ready: true; readonly value: T }
  | { readonly ready: false; readonly done: number; readonly total: number }

/** Where a comparison goes on: behind this row, from the first one when it is left out. */
export interface JournalCompareQuery {
  readonly behind?: { readonly category: Uint8Array; readonly key: Key }
}

/** What was found in the rows that were looked at in one step. */
export interface JournalComparedRows {
  readonly rows: number
  readonly differing: number
  /** The first hundred. */
  readonly differences: readonly JournalDifference[]
  readonly seq: number
  /** Where the next step goes on; absent when all rows have been looked at. */
  readonly next?: { readonly category: Uint8Array; readonly key: Key }
}
