/** Owns measuring what becomes of the writes of a coordinator's jobs, and the life of the jobs. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Meter } from '@opentelemetry/api'
import type { BrokerContext } from '../brokers/context.js'
import type { CommitNews, FailedNews, JobFailedNews, JobNews } from '../persistency/diagnostics.js'
import { sizeOf } from '../persistency/write-ops.js'
import { durationHistogram } from './durations.js'
import type { StorageAttributes } from './storage-attributes.js'

export interface WritesParts {
  readonly meter: Meter
  readonly attributes: StorageAttributes
  /** Whether a context is that of a job which is to be observed. */
  readonly isOurs: (context: BrokerContext) => boolean
}

/** Counts until the function that it answers is called. */
export function watchWrites({ meter, attributes, isOurs }: WritesParts): () => void {
  const counter = (name: string, unit: string, description: string) =>
    meter.createCounter(name, { unit, description })
  const writes = counter('persistency.writes', '{write}', 'Accepted writes that were committed, or failed')
  const operations = counter('persistency.operations', '{operation}', 'The operations of these writes')
  const bytes = counter('persistency.io', 'By', 'What these writes counted for in the queue')
  const transitions = counter(
    'persistency.job.transitions',
    '{transition}',
    'Jobs opened, closed, failed, restarted'
  )
  const commits = durationHistogram(meter, 'persistency.commit.duration', 'Duration of transactions')

  const committed = (news: CommitNews): void => {
    const ofJob = attributes.ofJob(news.jobId)
    const labels = { ...ofJob, 'persistency.outcome': 'committed' }
    writes.add(news.writes, labels)
    operations.add(news.ops, labels)
    bytes.add(news.bytes, labels)
    commits.record(news.commitMs / 1000, ofJob)
  }
  const failed = ({ jobId, ops, error }: FailedNews): void => {
    const labels = { ...attributes.ofJob(jobId), 'persistency.outcome': 'failed', 'error.type': error.code }
    writes.add(1, labels)
    operations.add(ops.length, labels)
    bytes.add(sizeOf(ops), labels)
  }
  const moved =
    (state: string) =>
    ({ jobId, error }: JobNews & Partial<JobFailedNews>): void => {
      const type = error === undefined ? {} : { 'error.type': error.code }
      transitions.add(1, { ...attributes.ofJob(jobId), 'persistency.job.state': state, ...type })
    }

  const stops = [
    listenTo('persistency:commit', isOurs, committed),
    listenTo('persistency:failed', isOurs, failed),
    ...['opened', 'closed', 'failed', 'restarted'].map((state) =>
      listenTo(`persistency:job:${state}`, isOurs, moved(state))
    )
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function listenTo<News extends JobNews>(
  channel: string,
  isOurs: (context: BrokerContext) => boolean,
  tell: (news: News) => void
): () => void {
  const listener = (message: unknown): void => {
    if (isOurs((message as News).context)) tell(message as News)
  }
  subscribe(channel, listener)
  return () => void unsubscribe(channel, listener)
}
