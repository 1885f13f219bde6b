/** Owns providing requests in the context of a job, which one storage alone may do. */
import type { BrokerContext } from '../../brokers/context.js'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { Call, ProviderHandle } from '../../brokers/provider.js'
import { PersistencyError } from '../errors.js'

export interface ProvideParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly jobId: string
}

/** Throws `ERR_BROKER` when somebody else provides the request. */
export function provide<Query, Response>(
  { hub, context, jobId }: ProvideParts,
  request: RequestDefinition<Query, Response, PersistencyError>,
  handler: (query: Query, call: Call) => void
): ProviderHandle {
  const handle = hub.provide(context, request, handler as (query: unknown, call: Call) => void)
  if (handle !== undefined) return handle
  const message = `job "${jobId}" is served already: somebody provides ${request.name}`
  throw new PersistencyError('ERR_BROKER', message)
}
