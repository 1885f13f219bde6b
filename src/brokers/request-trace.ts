/**
 * Owns the tracing channel of requests, `tracing:persistency:request` of `node:diagnostics_channel`. Without a subscriber
 * it costs a call one check.
 */
import { tracingChannel } from 'node:diagnostics_channel'
import type { Result } from 'neverthrow'
import type { Outcome } from './collect.js'
import type { BrokerContext } from './context.js'

/**
 * What the subscribers of `tracing:persistency:request:start`, `:end`, `:asyncStart`, `:asyncEnd` and `:error` get:
 * the same object at each stage of a call, so that it may be the key of a `WeakMap`.
 */
export interface RequestTrace {
  readonly kind: 'request' | 'requestSync' | 'multiRequest'
  /** The name of the request. */
  readonly request: string
  /** The context it is made in. */
  readonly context: BrokerContext
  /** The object that the provider gets. Do not change it. */
  readonly payload: unknown
  /** Set by a subscriber of `start`: travels with the request to the provider, see `ProviderCall.traceparent`. */
  traceparent: string | undefined
  /** The response; of a multi-request, the outcomes of its providers. From `asyncStart` on, of `requestSync` at `end`. */
  result?: unknown
  /** What the call failed with; of a multi-request, the first failure. From `error` on. */
  error?: unknown
}

const channels = tracingChannel<unknown, RequestTrace>('persistency:request')

/** Whether the tracing channel has a subscriber now. */
export function requestsAreTraced(): boolean {
  return channels.hasSubscribers
}

type Traced = Pick<RequestTrace, 'kind' | 'request' | 'context' | 'payload'>

/** Publishes a call that settles later: `call` gets what is published, and the function that settles it. */
export function traceRequest(
  about: Traced,
  settle: (result: Result<unknown, unknown>) => void,
  call: (trace: RequestTrace, settle: (result: Result<unknown, unknown>) => void) => void
): void {
  const trace: RequestTrace = { ...about, traceparent: undefined }
  const settled = (result: Result<unknown, unknown>): void => {
    keep(trace, result)
    channels.asyncStart.publish(trace)
    settle(result)
    channels.asyncEnd.publish(trace)
  }
  begin(trace, () => call(trace, settled))
}

/** Publishes a synchronous call. */
export function traceSyncRequest<Answer extends Result<unknown, unknown>>(
  about: Traced,
  call: (trace: RequestTrace) => Answer
): Answer {
  const trace: RequestTrace = { ...about, traceparent: undefined }
  return begin(trace, () => {
    const answer = call(trace)
    keep(trace, answer)
    return answer
  })
}

/** Publishes a multi-request, which always has outcomes. */
export function traceMultiRequest(
  about: Traced,
  call: (trace: RequestTrace) => Promise<Outcome<unknown, unknown>[]>
): Promise<Outcome<unknown, unknown>[]> {
  const trace: RequestTrace = { ...about, traceparent: undefined }
  return begin(trace, () => call(trace)).then((outcomes) => {
    trace.result = outcomes
    const failure = outcomes.find(({ status }) => status === 'rejected')
    if (failure?.status === 'rejected') fail(trace, failure.error)
    channels.asyncStart.publish(trace)
    channels.asyncEnd.publish(trace)
    return outcomes
  })
}

/** Runs the synchronous part of a call, in the async context of stores that are bound to `start`. */
function begin<T>(trace: RequestTrace, work: () => T): T {
  try {
    return channels.start.runStores(trace, work)
  } finally {
    channels.end.publish(trace)
  }
}

function keep(trace: RequestTrace, result: Result<unknown, unknown>): void {
  if (result.isOk()) trace.result = result.value
  else fail(trace, result.error)
}

function fail(trace: RequestTrace, error: unknown): void {
  trace.error = error
  channels.error.publish(trace)
}
