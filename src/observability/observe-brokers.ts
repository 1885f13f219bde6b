/** Owns observing the requests of an application, whatever they are about. */
import type { Attributes } from '@opentelemetry/api'
import type { RequestTrace } from '../brokers/request-trace.js'
import { durationHistogram } from './durations.js'
import { errorTypeOf } from './error-type.js'
import { meterOf, type Observation, type ObserverOptions, observation, tracerOf } from './options.js'
import { OWN_REQUESTS } from './storage-operations.js'
import { watchCalls } from './watch-calls.js'

/**
 * Reports the requests and multi-requests that this thread makes, in all contexts: a span and a duration for each, by
 * name. The provider gets the place in the trace as `call.traceparent`, on another thread too. What this package itself
 * asks, of the storage of jobs and of worker threads, is left out; see `observe`. A worker that makes requests observes
 * them by a call of its own.
 */
export function observeBrokers(options: ObserverOptions = {}): Observation {
  const meter = meterOf(options)
  const durations =
    meter && durationHistogram(meter, 'persistency.request.duration', 'Duration of requests, by their name')
  const stop = watchCalls<RequestTrace>({
    channel: 'persistency:request',
    tracer: tracerOf(options),
    durations,
    report(trace) {
      if (OWN_REQUESTS.has(trace.request)) return undefined
      const attributes: Attributes = {
        'persistency.request.name': trace.request,
        'persistency.request.kind': trace.kind,
        ...options.attributes
      }
      return {
        spanName: `request ${trace.request}`,
        spanAttributes: { ...attributes, 'persistency.context': trace.context.label },
        metricAttributes: attributes
      }
    },
    errorType: ({ error }) => errorTypeOf(error)
  })
  return observation([stop])
}
