/** Owns what a storage tells of writes that have come to an end: the failures, and what became visible together. */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import { PackedWrite } from '../frames/packed-write.js'
import type { PersistCommittedPayload } from '../message-payloads.js'
import { PersistCommitted, PersistFailed } from '../messages.js'
import { failedAmong, type Task } from './tasks.js'

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
