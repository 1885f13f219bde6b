/**
 * Owns what `node:diagnostics_channel` tells of jobs: their life, what is committed and what fails, and the writes that
 * are waited for. Only who subscribes pays: a call or a transaction looks once whether anybody does.
 */
import { type Channel, channel, tracingChannel } from 'node:diagnostics_channel'
import type { Result } from 'neverthrow'
import type { BrokerContext } from '../brokers/context.js'
import type { PersistencyError } from './errors.js'
import type {
  JobFailedPayload,
  JobRestartedPayload,
  PersistCommittedPayload,
  PersistFailedPayload
} from './message-payloads.js'
import type { Commit, TxOp } from './types.js'
import { shownList, type WriteOps } from './write-ops.js'

/** What every message says: which job. The parent of the context is that of its coordinator. */
export interface JobNews {
  readonly jobId: string
  readonly context: BrokerContext
}

/** Told on `persistency:commit`, for each transaction with writes in it. */
export interface CommitNews extends JobNews, PersistCommittedPayload {}

/** Told on `persistency:failed`, for each accepted write that could not be applied. */
export interface FailedNews extends JobNews, PersistFailedPayload {}

/** Told on `persistency:job:failed`. */
export interface JobFailedNews extends JobNews, JobFailedPayload {}

/** Told on `persistency:job:restarted`. */
export interface JobRestartedNews extends JobNews, JobRestartedPayload {}

/**
 * What the subscribers of `tracing:persistency:write:start`, `:end`, `:asyncStart`, `:asyncEnd` and `:error` get: one
 * object for each `persistAcked`.
 */
export interface WriteTrace extends JobNews {
  /** Do not change the bytes in there. */
  readonly ops: readonly TxOp[]
  /** From `asyncStart` on, when it was committed. */
  result?: Commit
  /** From `asyncStart` on: how long the transaction took that the write was part of. */
  commitMs?: number
  /** From `error` on. */
  error?: PersistencyError
}

/** What may happen to a job. */
export type JobChange = 'opened' | 'closed' | 'failed' | 'restarted'

const commits = channel('persistency:commit')
const failures = channel('persistency:failed')
const jobs: Readonly<Record<JobChange, Channel>> = {
  opened: channel('persistency:job:opened'),
  closed: channel('persistency:job:closed'),
  failed: channel('persistency:job:failed'),
  restarted: channel('persistency:job:restarted')
}
const writes = tracingChannel<unknown, WriteTrace>('persistency:write')

export function tellCommit(context: BrokerContext, commit: PersistCommittedPayload): void {
  if (commits.hasSubscribers) commits.publish({ ...commit, context } satisfies CommitNews)
}

export function tellFailed(context: BrokerContext, failed: PersistFailedPayload): void {
  if (failures.hasSubscribers) failures.publish({ ...failed, context } satisfies FailedNews)
}

/** With the rest of what is to be told, for a job that failed or was restarted. */
export function tellJob(what: JobChange, news: JobNews | JobFailedNews | JobRestartedNews): void {
  if (jobs[what].hasSubscribers) jobs[what].publish(news)
}

/** What of a write is told: only if somebody watches now. */
export function traceOfWrite(context: BrokerContext, jobId: string, ops: WriteOps): WriteTrace | undefined {
  return writes.hasSubscribers ? { jobId, context, ops: shownList(ops) } : undefined
}

/** Tells of a write as it begins and ends. */
export function traceWrite(
  trace: WriteTrace,
  write: () => Promise<Result<Commit, PersistencyError>>
): Promise<Result<Commit, PersistencyError>> {
  const told = (result: Result<Commit, PersistencyError>): Result<Commit, PersistencyError> => {
    if (result.isOk()) trace.result = result.value
    else {
      trace.error = result.error
      writes.error.publish(trace)
    }
    writes.asyncStart.publish(trace)
    writes.asyncEnd.publish(trace)
    return result
  }
  try {
    return writes.start.runStores(trace, write).then(told)
  } finally {
    writes.end.publish(trace)
  }
}
