/** Owns what a storage tells of the work that is done: commits and failures as events, answers to calls. */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { PersistCommittedPayload, RemovedRow } from '../message-payloads.js'
import { PersistCommitted, PersistFailed } from '../messages.js'
import { PackedWrite } from '../packed-write.js'
import type { ProgressLog } from './progress-log.js'
import { type CallTask, failedAmong, type GetTask, type Task } from './tasks.js'

/** What is told of a transaction besides its writes. */
export type TransactionFacts = Pick<PersistCommittedPayload, 'waitMs' | 'commitMs' | 'journal' | 'removed'>

const NO_TRANSACTION: TransactionFacts = { waitMs: 0, commitMs: 0 }

export class Outcomes {
  readonly #hub: BrokerHub
  readonly #context: BrokerContext
  readonly #jobId: string
  readonly #progress: ProgressLog | undefined
  /** Number of the last write that was taken up. */
  lastSeq = 0

  /** @param progress of a job with `restart` */
  constructor(hub: BrokerHub, context: BrokerContext, jobId: string, progress: ProgressLog | undefined) {
    this.#hub = hub
    this.#context = context
    this.#jobId = jobId
    this.#progress = progress
  }

  /** Tells how tasks fared that were done together. */
  tell(group: readonly Task[], transaction: TransactionFacts = NO_TRANSACTION): void {
    if (transaction === NO_TRANSACTION) this.#progress?.notRecorded(group)
    else this.#progress?.committed()
    const removed = this.#removedIn(group)
    this.#tellWrites(group, removed.length === 0 ? transaction : { ...transaction, removed })
    for (const task of group) if (task.kind === 'call' || task.kind === 'get') settle(task)
  }

  /** What acknowledged deletes removed, each behind the write that came before it. */
  #removedIn(group: readonly Task[]): RemovedRow[] {
    const removed: RemovedRow[] = []
    for (const task of group) {
      if (task.kind === 'write') this.lastSeq = task.event.seq || this.lastSeq
      else if (task.kind === 'puts') this.lastSeq = task.puts.lastSeq
      else if (task.kind === 'call' && task.removes !== undefined && task.value === true) {
        if (task.error === undefined) removed.push({ ...task.removes, afterSeq: this.lastSeq })
      }
    }
    return removed
  }

  /** Failures first: what the commit then covers has not failed. */
  #tellWrites(group: readonly Task[], transaction: TransactionFacts): void {
    const jobId = this.#jobId
    for (const { event, error } of failedAmong(group)) {
      this.#hub.emit(this.#context, PersistFailed, { jobId, seq: event.seq, ops: event.ops, error })
    }
    const sums = sumsOf(group)
    const { journal, removed } = transaction
    if (sums.writes === 0 && journal === undefined && removed === undefined) return
    this.#hub.emit(this.#context, PersistCommitted, { jobId, ...sums, ...transaction })
  }
}

/** What is told of the writes that were applied. */
function sumsOf(
  group: readonly Task[]
): Pick<PersistCommittedPayload, 'firstSeq' | 'lastSeq' | 'writes' | 'ops' | 'bytes'> {
  const sums = { firstSeq: 0, lastSeq: 0, writes: 0, ops: 0, bytes: 0 }
  const add = (writes: number, ops: number, bytes: number, firstSeq: number, lastSeq: number): void => {
    sums.writes += writes
    sums.ops += ops
    sums.bytes += bytes
    // What somebody else than the job announced has no number.
    if (firstSeq === 0) return
    if (sums.firstSeq === 0) sums.firstSeq = firstSeq
    sums.lastSeq = lastSeq
  }
  for (const task of group) {
    if (task.error !== undefined) continue
    if (task.kind === 'puts') {
      const { count, bytes, firstSeq, lastSeq } = task.puts
      add(count, count, bytes, firstSeq, lastSeq)
    } else if (task.kind === 'write') {
      const { event } = task
      const ops = event instanceof PackedWrite ? event.opCount : event.ops.length
      add(1, ops, event.bytes, event.seq, event.seq)
    }
  }
  return sums
}

function settle({ call, error, value }: CallTask | GetTask): void {
  if (error === undefined) call.resolve(value)
  else call.reject(error)
}
