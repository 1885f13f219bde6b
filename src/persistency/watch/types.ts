/** Owns the shapes of watching that callers see. */
import type { CancelSignal } from '../../runtime/platform.js'
import type { ChangeOp, KvRow } from '../types.js'

/** What to watch for, and how. */
export interface WatchOptions {
  /** Begins with the rows that are there, as one item of kind `initial`. Default `false`: changes from now on. */
  readonly initial?: boolean | undefined
  /** Begins with this event of the journal instead, and goes on live. Not together with `initial`. */
  readonly from?: number | undefined
  /** Ends the watching with `ERR_ABORTED`. */
  readonly signal?: CancelSignal | undefined
  /**
   * Bytes of changes that are held for a reader that is slow, 64 per operation included; past that it gets a `resync`.
   * Not used with a journal, which is read as far as the reader is. Default 1 MiB.
   */
  readonly maxBufferBytes?: number | undefined
}

/** All rows of the watched range as of one moment: forget what was known, what follows are changes to these. */
export interface WatchedState {
  /** `initial` when it was asked for; `resync` when changes were left out because the reader was too slow. */
  readonly kind: 'initial' | 'resync'
  /** In key order. */
  readonly rows: readonly KvRow[]
  /** The last event of the journal that the rows contain, if there is a journal. */
  readonly journalSeq?: number
}

/** The changes of one batch that concern the watched range; they were committed together. */
export interface WatchedChanges {
  readonly kind: 'changes'
  /**
   * In the order in which they were applied. A `deletePrefix` is told as such when it concerns the range; it may reach
   * beyond it.
   */
  readonly changes: readonly ChangeOp[]
  /** Number of the write among those of the job; absent with a journal, and for a `deleteAcked`. */
  readonly seq?: number
  /** Number of the event in the journal, if there is one. */
  readonly journalSeq?: number
}

/** What a watcher is told. */
export type WatchItem = WatchedState | WatchedChanges
