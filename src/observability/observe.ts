/** Owns observing a coordinator: what its jobs do, in metrics and spans. */
import type { BrokerContext } from '../brokers/context.js'
import type { Persistency } from '../persistency/persistency.js'
import { meterOf, type Observation, observation, tracerOf } from './options.js'
import { type ObserveOptions, StorageAttributes } from './storage-attributes.js'
import { watchQueues } from './watch-queues.js'
import { watchStorageCalls } from './watch-storage-calls.js'
import { watchWrites } from './watch-writes.js'

/**
 * Reports what the jobs of a coordinator do, those that are open and those that will be, through OpenTelemetry: counts
 * of writes, operations and bytes, durations of transactions and calls, the depth of the queues, and a span for each
 * call that is waited for. Names, units and attributes are in `docs/observability.md`.
 *
 * Call it once for each coordinator, in its thread, after the providers are registered. It does not keep the process
 * alive, and ends with `stop`, not with the coordinator.
 *
 * @example using observing = observe(persistency)
 */
export function observe(persistency: Persistency, options: ObserveOptions = {}): Observation {
  const meter = meterOf(options)
  const attributes = new StorageAttributes(persistency, options)
  const { id } = persistency.context
  const isOurs = (context: BrokerContext): boolean => context.parent?.id === id
  const stops = [watchStorageCalls({ meter, tracer: tracerOf(options), attributes, isOurs })]
  if (meter !== undefined) {
    stops.push(watchWrites({ meter, attributes, isOurs }), watchQueues(meter, persistency, attributes))
  }
  return observation(stops)
}
