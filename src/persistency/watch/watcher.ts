/** Owns what one watcher has not read yet: changes up to a limit, or the mark that there were more. */
import { toHex } from '../../bytes/compare.js'
import { onAbort } from '../../runtime/cancel-signals.js'
import type { CancelSignal } from '../../runtime/platform.js'
import type { WaitEnd } from '../journal/position.js'
import type { KvRangeQuery } from '../message-payloads.js'
import type { ChangeOp, KvRow } from '../types.js'
import { sizeOf } from '../write-ops.js'
import { ownChange } from '../writes/own-ops.js'
import { concerns } from './matching.js'
import type { WatchedChanges } from './types.js'

/** A change with its place: the number of the write, or of the one before when it has none. */
export interface Committed {
  readonly seq: number
  /** Whether it is a `deleteAcked`, which comes behind the write of that number. */
  readonly acked: boolean
  readonly ops: readonly ChangeOp[]
}

export class Watcher {
  readonly query: KvRangeQuery
  readonly #maxBytes: number
  #held: Committed[] = []
  #bytes = 0
  #behind = false
  #hasJournal = false
  /** Writes up to here are no news; infinite while the rows are yet to be asked for. */
  #seam: number
  #end: WaitEnd | undefined
  #wake: (() => void) | undefined

  constructor(query: KvRangeQuery, maxBytes: number, seam: number) {
    this.query = query
    this.#maxBytes = maxBytes
    this.#seam = seam
  }

  /** Whether changes were left out, so that the rows must be read again. */
  get behind(): boolean {
    return this.#behind
  }

  /** Whether the file has got a journal since. */
  get hasJournal(): boolean {
    return this.#hasJournal
  }

  /** The file has got a journal. */
  foundJournal(): void {
    this.#hasJournal = true
    this.#wake?.()
  }

  /** Holds nothing until `resume`. */
  pause(): void {
    this.#held = []
    this.#bytes = 0
    this.#seam = Number.POSITIVE_INFINITY
  }

  /** Changes were missed: the rows must be read again. */
  fallBehind(): void {
    this.#behind = true
    this.pause()
    this.#wake?.()
  }

  /** The rows have been asked for in line: what comes behind write `lastSeq` is news again. */
  resume(lastSeq: number): void {
    this.#behind = false
    this.#seam = lastSeq
  }

  /**
   * The rows that were asked for have come. Of the deletes that came with no write between them and the reading, those
   * before it removed rows that it did not find any more: they are dropped. Those behind it removed rows that it found.
   */
  seen(rows: readonly KvRow[]): void {
    const atSeam = (change: Committed): boolean => change.acked && change.seq === this.#seam
    if (!this.#held.some(atSeam)) return
    const found = new Set(rows.map(({ key }) => toHex(key.bytes)))
    const isNews = (op: ChangeOp): boolean => op.kind === 'delete' && found.has(toHex(op.key.bytes))
    this.#held = this.#held.filter((change) => !atSeam(change) || change.ops.some(isNews))
  }

  take(): WatchedChanges[] {
    const held = this.#held
    this.#held = []
    this.#bytes = 0
    return held.map(({ seq, acked, ops }) => ({ kind: 'changes', changes: ops, ...(!acked && { seq }) }))
  }

  /** Something was committed; `shared` with other watchers, each of which may do with the bytes what it wants. */
  offer(change: Committed, shared: boolean): void {
    if (change.acked ? change.seq < this.#seam : change.seq <= this.#seam) return
    const concerned = change.ops.filter((op) => concerns(op, this.query))
    if (concerned.length === 0) return
    const ops = shared ? concerned.map(ownChange) : concerned
    const bytes = sizeOf(ops)
    if (this.#held.length > 0 && this.#bytes + bytes > this.#maxBytes) {
      this.fallBehind()
      return
    }
    this.#held.push({ ...change, ops })
    this.#bytes += bytes
    this.#wake?.()
  }

  /** Nothing more will be committed. */
  end(end: WaitEnd): void {
    this.#end = end
    this.#wake?.()
  }

  /** Resolves when there is something to take or to catch up with, or with the reason why nothing more comes. */
  async news(signal: CancelSignal | undefined): Promise<WaitEnd | undefined> {
    while (!this.#behind && !this.#hasJournal && this.#held.length === 0) {
      if (signal?.aborted) return 'aborted'
      if (this.#end !== undefined) return this.#end
      await new Promise<void>((resolve) => {
        let leave = (): void => {}
        const woken = (): void => {
          this.#wake = undefined
          leave()
          resolve()
        }
        this.#wake = woken
        leave = onAbort(signal, woken)
      })
    }
    return signal?.aborted ? 'aborted' : undefined
  }
}
