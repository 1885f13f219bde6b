/** Owns what a storage tells of the work that is done: what became of writes as events, answers to calls. */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import { PackedWrite } from '../frames/packed-write.js'
import type { PersistCommittedPayload, RemovedRow } from '../message-payloads.js'
import { PersistCommitted, PersistFailed } from '../messages.js'
import type { RestartLog } from './restart-log.js'
import { type CallTask, failedAmong, type GetTask, type Task } from './tasks.js'

/** What is told of a transaction besides its writes. */
export type TransactionFacts = Pick<PersistCommittedPayload, 'waitMs' | 'commitMs' | 'journal' | 'removed'>

/** What the applied writes of a transaction come to. */
export type WriteSums = Pick<PersistCommittedPayload, 'firstSeq' | 'lastSeq' | 'writes' | 'ops' | 'bytes'>

/** Who is told, and of which job. */
export interface Audience {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly jobId: string
}

/** Of writes that were answered for without a transaction, or in one that is long over. */
export const NO_TRANSACTION: TransactionFacts = { waitMs: 0, commitMs: 0 }

export class Outcomes {
  readonly #audience: Audience
  readonly #restartLog: RestartLog | undefined
  /** Number of the last write that was taken up. */
  lastSeq = 0

  /** @param restartLog of a job with `restart` */
  constructor(audience: Audience, restartLog: RestartLog | undefined) {
    this.#audience = audience
    this.#restartLog = restartLog
  }

  /** Tells how tasks fared that were done together; answers what the writes among them come to. */
  tell(group: readonly Task[], transaction: TransactionFacts = NO_TRANSACTION): WriteSums {
    if (transaction === NO_TRANSACTION) this.#restartLog?.notRecorded(group)
    else this.#restartLog?.committed()
    const removed = this.#removedIn(group)
    const facts = removed.length === 0 ? transaction : { ...transaction, removed }
    const sums = tellWrites(this.#audience, group, facts)
    for (const task of group) if (task.kind === 'call' || task.kind === 'get') settle(task)
    return sums
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
}

/** Tells of the writes among tasks. Failures first: what the commit then covers has not failed. */
export function tellWrites(
  { hub, context, jobId }: Audience,
  tasks: readonly Task[],
  transaction: TransactionFacts
): WriteSums {
  for (const { event, error } of failedAmong(tasks)) {
    hub.emit(context, PersistFailed, { jobId, seq: event.seq, ops: event.ops, error })
  }
  const sums = sumsOf(tasks)
  const { journal, removed } = transaction
  if (sums.writes > 0 || journal !== undefined || removed !== undefined) {
    hub.emit(context, PersistCommitted, { jobId, ...sums, ...transaction })
  }
  return sums
}

function sumsOf(tasks: readonly Task[]): WriteSums {
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
  for (const task of tasks) {
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
