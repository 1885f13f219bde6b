/**
 * Owns what was committed by one job, in the order of the commits, for those who watch it. Keeps the operations of a
 * write between its acceptance and its commit. Listens only while somebody watches, so nobody else pays.
 */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { ListenerHandle } from '../../brokers/listener.js'
import { Fifo } from '../../runtime/fifo.js'
import type { WaitEnd } from '../journal/position.js'
import type { KvRangeQuery, PersistCommittedPayload, PersistEventPayload } from '../message-payloads.js'
import { PersistCommitted, PersistEvent, PersistFailed } from '../messages.js'
import type { ChangeOp } from '../types.js'
import { ownChange } from '../writes/own-ops.js'
import { type Committed, Watcher } from './watcher.js'
import { WatcherIndex } from './watcher-index.js'

export interface CommitFeedParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  /** Number of the last write that was handed to the storage: what it commits next comes behind that. */
  readonly lastSent: () => number
}

export class CommitFeed {
  readonly #parts: CommitFeedParts
  readonly #watchers = new WatcherIndex()
  /** Accepted writes that concern a watcher, as far as they do. Not more than the write queue lets in. */
  readonly #accepted = new Fifo<Committed>()
  #listeners: readonly ListenerHandle[] = []
  #end: WaitEnd | undefined

  constructor(parts: CommitFeedParts) {
    this.#parts = parts
  }

  /** Number of the last write that was handed to the storage. */
  get lastSent(): number {
    return this.#parts.lastSent()
  }

  /** Begins with what is sent from now on. */
  add(query: KvRangeQuery, maxBufferBytes: number): Watcher {
    const watcher = new Watcher(query, maxBufferBytes, this.lastSent)
    this.#watchers.add(watcher)
    if (this.#end !== undefined) watcher.end(this.#end)
    else if (this.#listeners.length === 0) this.#listeners = this.#listen()
    return watcher
  }

  remove(watcher: Watcher): void {
    this.#watchers.delete(watcher)
    if (this.#watchers.all.size === 0) this.#stop()
  }

  /** Something may have been committed that nobody heard of: everyone reads the rows again. */
  resync(): void {
    for (const watcher of this.#watchers.all) watcher.fallBehind()
  }

  /** Nothing more is committed. */
  end(end: WaitEnd): void {
    this.#end = end
    this.#stop()
    for (const watcher of this.#watchers.all) watcher.end(end)
  }

  #listen(): ListenerHandle[] {
    const { hub, context } = this.#parts
    const internal = { internal: true }
    return [
      hub.listen(context, PersistEvent, (write) => this.#keep(write), internal),
      hub.listen(context, PersistFailed, ({ seq }) => this.#forget(seq), internal),
      hub.listen(context, PersistCommitted, (commit) => this.#committed(commit), internal)
    ]
  }

  #stop(): void {
    for (const listener of this.#listeners) void listener.drop()
    this.#listeners = []
    while (this.#accepted.size > 0) this.#accepted.shift()
  }

  #keep({ seq, ops }: PersistEventPayload): void {
    // What somebody else than the job announced has no number by which its commit could be known.
    if (seq === 0) return
    const kept: ChangeOp[] = []
    for (const op of ops) if (this.#watchers.concerns(op)) kept.push(ownChange(op))
    if (kept.length > 0) this.#accepted.push({ seq, acked: false, ops: kept })
  }

  /** Leaves a gap where it was: there may be a hundred thousand behind it. */
  #forget(seq: number): void {
    let from = 0
    for (let to = this.#accepted.size; from < to; ) {
      const middle = (from + to) >>> 1
      if ((this.#accepted.at(middle) as Committed).seq < seq) from = middle + 1
      else to = middle
    }
    if (this.#accepted.at(from)?.seq !== seq) return
    this.#accepted.replace(from, { seq, acked: false, ops: [] })
    // Where nothing is committed any more, because the disk is full for instance, nothing else would remove them.
    while (this.#accepted.first?.ops.length === 0) this.#accepted.shift()
  }

  /** Failures are told before the commit, so what is left up to `lastSeq` is committed. */
  #committed({ lastSeq, removed = [], journal }: PersistCommittedPayload): void {
    if (journal !== undefined) for (const watcher of this.#watchers.all) watcher.foundJournal()
    for (const { category, key, afterSeq } of removed) {
      this.#tellUpTo(afterSeq)
      this.#tell({ seq: afterSeq, acked: true, ops: [{ kind: 'delete', category, key }] })
    }
    this.#tellUpTo(lastSeq)
  }

  #tellUpTo(seq: number): void {
    while ((this.#accepted.first?.seq ?? Number.POSITIVE_INFINITY) <= seq) {
      this.#tell(this.#accepted.shift() as Committed)
    }
  }

  #tell(change: Committed): void {
    const concerned = this.#watchers.concernedBy(change.ops)
    for (const watcher of concerned) watcher.offer(change, concerned.size > 1)
  }
}
