/** Owns the shapes that callers and storage exchange: operations, rows and reads. */
import type { CancelSignal } from '../runtime/platform.js'
import type { Key } from './keys/keys.js'

/** Stores a payload under a key; a row that is there already is replaced. */
export interface PutOp {
  readonly kind: 'put'
  readonly category: string
  readonly key: Key
  readonly payload: Uint8Array
}

/** Removes one row; no error when there is none. */
export interface DeleteOp {
  readonly kind: 'delete'
  readonly category: string
  readonly key: Key
}

/** Removes every row of the category whose key starts with the prefix; an empty prefix means all of them. */
export interface DeletePrefixOp {
  readonly kind: 'deletePrefix'
  readonly category: string
  readonly prefix: Key
}

/**
 * Demands what a row holds when its place in the batch has come; when it holds something else, nothing of the batch is
 * applied and the write fails with `ERR_CONFLICT`. Changes nothing.
 */
export interface CheckOp {
  readonly kind: 'check'
  readonly category: string
  readonly key: Key
  /** The payload that the row must have; `undefined`, or left out, when there must be no row. */
  readonly equals?: Uint8Array | undefined
}

/** What changes rows. */
export type ChangeOp = PutOp | DeleteOp | DeletePrefixOp

/** One change, or a condition on it. Several in one `persist` call are applied in order, all or none. */
export type TxOp = ChangeOp | CheckOp

/** A stored row. With `keysOnly` the payload is empty. */
export interface KvRow {
  readonly key: Key
  readonly payload: Uint8Array
}

/** Which rows of a range are wanted, and how. */
export interface ScanOptions {
  /** Descending instead of ascending key order. Default `false`. */
  readonly reverse?: boolean | undefined
  /** At most so many rows, from the front of the order. Default all. */
  readonly limit?: number | undefined
  /** Leaves the payloads out: they come back empty. Default `false`. */
  readonly keysOnly?: boolean | undefined
  /**
   * Gives every key and payload memory of its own. By default those of a page are views on one piece of memory, which
   * is several times as fast, and any of them that is kept keeps the page alive. Default `false`.
   */
  readonly copy?: boolean | undefined
}

/** How patient a read is. */
export interface ReadOptions {
  /** Time limit in milliseconds; `Infinity` for none. Default: `requestTimeoutMs` of the job. */
  readonly timeoutMs?: number | undefined
  /** Gives up when it fires; the read then fails with `ERR_ABORTED`. */
  readonly signal?: CancelSignal | undefined
}

/** How a stream reads. */
export interface StreamOptions extends ReadOptions {
  readonly reverse?: boolean | undefined
  readonly limit?: number | undefined
  readonly keysOnly?: boolean | undefined
  readonly copy?: boolean | undefined
  /** Rows fetched at a time. Default 512 and twice as many each time up to 4096; a page is also cut at
   * about a mebibyte, later ones at four. */
  readonly pageSize?: number | undefined
}

/** How long to wait for a write to be committed. */
export interface AckOptions {
  /** Time limit in milliseconds. Default none: the answer comes with the commit, or with the end of the storage. */
  readonly timeoutMs?: number | undefined
  /** Stops waiting when it fires. The write itself is not taken back. */
  readonly signal?: CancelSignal | undefined
}

/** How much a flush asks for. */
export interface FlushOptions extends ReadOptions {
  /** Also wait until the data is on disk, whatever the durability of the job. Default `false`. */
  readonly durable?: boolean | undefined
}

/** Tells that a write is in the database. */
export interface Commit {
  /** Position of the write among all of its job since it was opened, from 1; 0 for an empty write. */
  readonly seq: number
  /** How many operations it had. */
  readonly ops: number
}
