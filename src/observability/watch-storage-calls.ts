/** Owns observing what the jobs of a coordinator ask of their storage and wait for. */
import type { Attributes, Meter, Tracer } from '@opentelemetry/api'
import type { BrokerContext } from '../brokers/context.js'
import { BrokerError } from '../brokers/errors.js'
import type { RequestTrace } from '../brokers/request-trace.js'
import { toPersistencyError } from '../persistency/call-errors.js'
import type { WriteTrace } from '../persistency/diagnostics.js'
import { durationHistogram } from './durations.js'
import { errorTypeOf } from './error-type.js'
import type { StorageAttributes } from './storage-attributes.js'
import { STORAGE_OPERATIONS } from './storage-operations.js'
import { type CallReport, watchCalls } from './watch-calls.js'

export interface StorageCallsParts {
  readonly meter: Meter | undefined
  readonly tracer: Tracer | undefined
  readonly attributes: StorageAttributes
  /** Whether a context is that of a job which is to be observed. */
  readonly isOurs: (context: BrokerContext) => boolean
}

/** What reports tell of a request, where it has it. */
interface StorageQuery {
  readonly category?: string
  readonly keys?: readonly unknown[]
}

/** Reports requests to the storage, and writes that are waited for; answers how to stop. */
export function watchStorageCalls({ meter, tracer, attributes, isOurs }: StorageCallsParts): () => void {
  const durations =
    meter &&
    durationHistogram(meter, 'db.client.operation.duration', 'Duration of what jobs ask of their storage')
  const report = (
    jobId: string,
    operation: string,
    category: string | undefined,
    more?: Attributes
  ): CallReport => ({
    spanName: category === undefined ? operation : `${operation} ${category}`,
    spanAttributes: { ...attributes.ofSpan(jobId, operation, category), ...more },
    metricAttributes: attributes.ofCall(jobId, operation, category)
  })
  const stopRequests = watchCalls<RequestTrace>({
    channel: 'persistency:request',
    tracer,
    durations,
    report({ request, context, payload }) {
      const operation = STORAGE_OPERATIONS.get(request)
      if (operation === undefined || !isOurs(context)) return undefined
      const { category, keys } = (payload ?? {}) as StorageQuery
      // The context of a job is called as the job.
      return report(context.label, operation, category, batchSize(keys?.length))
    },
    // As the caller gets it.
    errorType: ({ error, context }) =>
      errorTypeOf(BrokerError.is(error) ? toPersistencyError(error, context.label) : error)
  })
  const stopWrites = watchCalls<WriteTrace>({
    channel: 'persistency:write',
    tracer,
    durations,
    report({ jobId, context, ops }) {
      if (!isOurs(context)) return undefined
      const category = ops.every((op) => op.category === ops[0]?.category) ? ops[0]?.category : undefined
      return report(jobId, 'persistAcked', category, batchSize(ops.length))
    },
    errorType: ({ error }) => errorTypeOf(error),
    endAttributes({ commitMs }, seconds) {
      if (commitMs === undefined) return {}
      const commit = commitMs / 1000
      const wait = Math.max(0, seconds - commit)
      return { 'persistency.commit.duration': commit, 'persistency.wait.duration': wait }
    }
  })
  return () => {
    stopRequests()
    stopWrites()
  }
}

/** A batch is two or more. */
function batchSize(size = 1): Attributes {
  return size > 1 ? { 'db.operation.batch.size': size } : {}
}
