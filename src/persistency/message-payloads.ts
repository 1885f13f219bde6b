/** Owns the shapes of the messages of a job; the messages themselves are in `messages.ts`. */
import type { PersistencyError } from './errors.js'
import type { KeyRange } from './keys/key-range.js'
import type { Key } from './keys/keys.js'
import type { KvRow, ScanOptions, TxOp } from './types.js'

/** A write that was accepted: it will be applied in order, after all accepted before it. */
export interface PersistEventPayload {
  readonly jobId: string
  /** Position among the writes of the job since it was opened, from 1; 0 when emitted by somebody else than the job. */
  readonly seq: number
  /** Applied in order, all or none. Do not change the bytes in there. */
  readonly ops: readonly TxOp[]
  /** What the write counts for in the limits of the queue: keys, payloads and a fixed share per operation. */
  readonly bytes: number
}

/** Writes that became visible and lasting together, in one transaction. */
export interface PersistCommittedPayload {
  readonly jobId: string
  /** Positions of the first and last write of the transaction; writes in between that failed were reported before. */
  readonly firstSeq: number
  readonly lastSeq: number
  /** How many writes, and how many operations in them. */
  readonly writes: number
  readonly ops: number
  readonly bytes: number
  /** How long the first of the writes waited on the storage thread for its transaction, in milliseconds. */
  readonly waitMs: number
  /** Time that the transaction took, in milliseconds. */
  readonly commitMs: number
  /**
   * Sequence numbers of the first and last event that the transaction added to the journal, also those of `append` and
   * `deleteAcked`, which are no writes of the queue; absent when it added none.
   */
  readonly journal?: { readonly firstSeq: number; readonly lastSeq: number }
  /** The rows that `deleteAcked` removed in the transaction, in order; absent when it removed none. */
  readonly removed?: readonly RemovedRow[]
}

/** A row that `deleteAcked` removed. It is no write of the queue and has no number of its own. */
export interface RemovedRow extends KvAddress {
  /** Number of the last write of the job that the storage took up before it; 0 when there was none. */
  readonly afterSeq: number
}

/** A write that was accepted and could not be applied: nothing of it is stored, or, after `ERR_STORAGE_DIED`, all may be. */
export interface PersistFailedPayload {
  readonly jobId: string
  readonly seq: number
  readonly ops: readonly TxOp[]
  readonly error: PersistencyError
}

export interface JobOpenedPayload {
  readonly jobId: string
}
export interface JobClosedPayload {
  readonly jobId: string
}
/** The storage of a job ended without being asked to. */
export interface JobFailedPayload {
  readonly jobId: string
  readonly error: PersistencyError
}

/** The storage of a job died and was started again. */
export interface JobRestartedPayload {
  readonly jobId: string
  /** What the former storage died of. */
  readonly error: PersistencyError
  /** Accepted writes without an outcome, which were sent again. What had been stored of them is not applied twice. */
  readonly resent: number
  /** For how long nothing was served, in milliseconds. */
  readonly downMs: number
}

/** Accepted writes that have an outcome, as the job knows: a storage that was started again need not answer for them. */
export interface WritesSettledPayload {
  readonly jobId: string
  /** All up to this one. */
  readonly lastSeq: number
  /** Whether no write follows: the job is being closed. */
  readonly final: boolean
}

/** One row, by category and key. */
export interface KvAddress {
  readonly category: string
  readonly key: Key
}

/** The payloads of many rows, in the order of the keys; `undefined` where there is no row. */
export interface KvPayloads {
  readonly payloads: readonly (Uint8Array | undefined)[]
}

/** Rows of one category, by their keys. */
export interface KvManyQuery {
  readonly category: string
  readonly keys: readonly Key[]
}

export interface KvRangeQuery {
  readonly category: string
  readonly range: KeyRange
}

export interface KvScanQuery extends KvRangeQuery, Omit<ScanOptions, 'copy'> {
  /** Ends the page once it holds so many bytes. Default no limit. */
  readonly maxBytes?: number
  /** Whether the answer is to say where in the journal it is. */
  readonly withPlace?: boolean
}

export interface KvScanPage {
  readonly rows: readonly KvRow[]
  /** Whether the page was cut by a limit while there were more rows. */
  readonly more: boolean
  /** The last event of the journal that the rows contain, where that was asked for and there is a journal. */
  readonly journalSeq?: number | undefined
}
