/** Owns measuring how things stand: open jobs, and what waits in their queues. Looked at whenever metrics are read. */
import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api'
import type { Job } from '../persistency/job.js'
import type { Persistency } from '../persistency/persistency.js'
import type { StorageAttributes } from './storage-attributes.js'

/** Measures until the function that it answers is called. */
export function watchQueues(
  meter: Meter,
  persistency: Persistency,
  attributes: StorageAttributes
): () => void {
  const observable = (name: string, unit: string, description: string): Observable =>
    meter.createObservableUpDownCounter(name, { unit, description })
  const count = observable('persistency.job.count', '{job}', 'Open jobs')
  const operations = observable(
    'persistency.queue.operations',
    '{operation}',
    'Operations without a commit yet'
  )
  const bytes = observable('persistency.queue.size', 'By', 'Bytes without a commit yet')
  const all = [count, operations, bytes]

  const look = (result: BatchObservableResult): void => {
    const observe = (jobs: readonly Job[], labels: Attributes): void => {
      const depths = jobs.map(({ queued }) => queued)
      result.observe(count, jobs.length, labels)
      result.observe(
        operations,
        depths.reduce((sum, { ops }) => sum + ops, 0),
        labels
      )
      result.observe(
        bytes,
        depths.reduce((sum, depth) => sum + depth.bytes, 0),
        labels
      )
    }
    const jobs = [...persistency.jobs.values()]
    if (!attributes.tellsJobsApart) observe(jobs, attributes.ofJob(''))
    else for (const job of jobs) observe([job], attributes.ofJob(job.id))
  }
  meter.addBatchObservableCallback(look, all)
  return () => meter.removeBatchObservableCallback(look, all)
}
