/** Owns the shapes of the journal that callers see: its limits, its events, what is appended and what is answered. */
import type { CancelSignal } from '../../runtime/platform.js'
import type { Key } from '../keys/keys.js'
import type { ChangeOp, ReadOptions, TxOp } from '../types.js'

/** How much of the past a journal keeps. What is older falls off at the front, with the next write. Default all. */
export interface JournalOptions {
  /** At most so many events. */
  readonly maxEvents?: number | undefined
  /** Events that are older than this, in milliseconds, fall off. */
  readonly maxAgeMs?: number | undefined
  /** At most so many bytes of events as they lie in the file. A row of the journal falls off as a whole. */
  readonly maxBytes?: number | undefined
}

/** Texts that go with an event, by name. */
export type EventMetadata = {
  /** What the event belongs to: the same for everything that one request or process brought about. */
  readonly correlationId?: string | undefined
  /** What brought the event about. */
  readonly causationId?: string | undefined
  readonly [name: string]: string | undefined
}

interface Recorded {
  /** Position in the journal, from 1, without gaps. */
  readonly seq: number
  /** When the storage took it in, in milliseconds since 1970; never earlier than that of the event before. */
  readonly time: number
  /** What it changed, in order, all or none. The bytes are views on memory that a page of events shares. */
  readonly ops: readonly ChangeOp[]
}

/** A write as the journal has it: a `persist` call, or a `deleteAcked` that removed a row. */
export interface RecordedWrite extends Recorded {
  readonly kind: 'write'
}

/** An event of the application's own, as the journal has it. The `ops` of an append come with its last event. */
export interface RecordedEvent extends Recorded {
  readonly kind: 'event'
  readonly type: string
  readonly data: Uint8Array
  readonly metadata: EventMetadata
  /** The stream it was appended to, and its position there, from 1. */
  readonly stream?: string
  readonly streamSeq?: number
}

/** What a journal holds. */
export type JournalEvent = RecordedWrite | RecordedEvent

/** Stands between the events that were there and those that come: all up to `seq` have been delivered. */
export interface CaughtUp {
  readonly kind: 'caughtUp'
  readonly seq: number
}

/** An event to append. */
export interface NewEvent {
  /** What happened, for instance `order-placed`. */
  readonly type: string
  /** Default no bytes. */
  readonly data?: Uint8Array | undefined
  readonly metadata?: EventMetadata | undefined
}

/** What position of a stream an append expects; see {@link AppendOptions.expectedSeq}. */
export type ExpectedSeq = number | 'any' | 'none'

/** How to append. */
export interface AppendOptions {
  /** The stream that the events belong to. Default none. */
  readonly stream?: string | undefined
  /**
   * The position of the last event of the stream: a number exactly that, `none` (or 0) an empty stream, `any` (default)
   * whatever it is. When it is something else, nothing is written and the answer is `ERR_CONFLICT`.
   */
  readonly expectedSeq?: ExpectedSeq | undefined
  /** Operations that are applied together with the events, all or none. */
  readonly ops?: TxOp | readonly TxOp[] | undefined
  /** For each event that brings none of its own under the same name. */
  readonly metadata?: EventMetadata | undefined
  /**
   * Names this append: a second one of the same key writes nothing and gets the answer of the first. Remembered as
   * long as the events of the first are in the journal. For another stream it is `ERR_KEY_REUSED`.
   */
  readonly idempotencyKey?: string | undefined
  /** Time limit in milliseconds. Default none: the answer comes with the commit, or with the end of the storage. */
  readonly timeoutMs?: number | undefined
  /** Stops waiting when it fires. The append itself is not taken back. */
  readonly signal?: CancelSignal | undefined
}

/** How to look for an append. */
export interface FindAppendOptions extends ReadOptions {
  /** The stream that it must have been for; default any, or none. */
  readonly stream?: string | undefined
}

/** Tells that events are in the journal. */
export interface Appended {
  readonly firstSeq: number
  readonly lastSeq: number
  /** Position of the last event in its stream; 0 without a stream. */
  readonly streamSeq: number
  /** Whether this is the answer of an earlier append with the same idempotency key. */
  readonly repeated: boolean
}

/** Which events to read. */
export interface EventsOptions extends ReadOptions {
  /** Time limit of each page in milliseconds. Default `requestTimeoutMs`; none with `live`. */
  readonly timeoutMs?: number | undefined
  /** Sequence number to begin with. Default the first that is there. */
  readonly from?: number | undefined
  /** Sequence number of the last event wanted. Default what is there when the reading reaches the end. */
  readonly to?: number | undefined
  /** Only the events of this stream. */
  readonly stream?: string | undefined
  /** Goes on with what comes, until the loop is left, the signal fires, or the job is closed. Default `false`. */
  readonly live?: boolean | undefined
  /** Events fetched at a time. Default 2048; a page is also cut at about a mebibyte. */
  readonly pageSize?: number | undefined
}

/** What a journal holds at a moment. */
export interface JournalStatus {
  /** Sequence number of the first event that is there; one more than `lastSeq` when there is none. */
  readonly firstSeq: number
  /** Sequence number of the last event; 0 when there never was one. */
  readonly lastSeq: number
  /** Bytes of the events in the file. */
  readonly bytes: number
  readonly limits: JournalOptions
  /**
   * Commits by other connections, while this job had the file open, that left the journal as it was: the Nim library
   * or SQLite itself may have changed rows behind its back. `compareWithJournal` tells which. A checkpoint by
   * another connection that emptied the log counts as well, because it cannot be told from a commit. What happens
   * while the file gives way to that of another job is not counted; a restart counts from 0.
   */
  readonly outsideCommits: number
}

/** How far a comparison or a rebuilding has come. */
export interface JournalProgress {
  /** `replay`: rows and events on the way to what the journal says; `compare`: rows of the job that were looked at. */
  readonly phase: 'replay' | 'compare'
  readonly done: number
  /** What `done` will come to, as far as is known: rows are not counted beforehand, so that it may grow or be too many. */
  readonly total: number
}

/** How to compare or rebuild. */
export interface CompareOptions extends ReadOptions {
  readonly onProgress?: ((progress: JournalProgress) => void) | undefined
}

/** A row that is not what the journal says. */
export interface JournalDifference {
  /** `missing`: the journal has it, the job not; `extra`: the other way round; `changed`: their payloads differ. */
  readonly kind: 'missing' | 'extra' | 'changed'
  readonly category: string
  readonly key: Key
}

/** What a comparison found, or a rebuilding mended. */
export interface JournalComparison {
  /** Rows of the job that were looked at. */
  readonly rows: number
  /** How many rows differ. */
  readonly differing: number
  /** The first hundred of them. */
  readonly differences: readonly JournalDifference[]
  /** The last event that was taken into account. */
  readonly seq: number
}
