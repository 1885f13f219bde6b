/** Owns the fan-out of a multi-request: asking every provider at once, and putting the outcomes in order. */
import type { Result } from 'neverthrow'
import { err, ok } from 'neverthrow'
import type { BrokerContext } from './context.js'
import type { MultiRequestDefinition } from './definitions.js'
import type { BrokerHub } from './hub.js'
import type { MultiProvider } from './multi-channel.js'
import { PendingCall, type RequestOptions } from './pending-call.js'

/** The outcome of one provider. Plain data, so that it crosses threads. */
export type Outcome<Response, Failure> =
  | { readonly status: 'fulfilled'; readonly value: Response }
  | { readonly status: 'rejected'; readonly error: Failure }

export interface CollectOptions extends RequestOptions {
  readonly timeoutMs: number
  /** Passed to each provider. */
  readonly traceparent?: string | undefined
}

/** Asks every provider except those of `exceptOrigin`. The outcomes are in the order of registration. */
export async function collect(
  hub: BrokerHub,
  context: BrokerContext,
  request: MultiRequestDefinition<unknown, unknown, unknown>,
  payload: unknown,
  options: CollectOptions,
  exceptOrigin?: unknown
): Promise<Outcome<unknown, unknown>[]> {
  const asked = hub
    .multiProviders(context, request)
    .filter(({ origin }) => exceptOrigin === undefined || origin !== exceptOrigin)
  const ask = (provider: MultiProvider): Promise<Result<unknown, unknown>> =>
    new Promise((settle) => {
      const call = new PendingCall(context, request.name, hub.deadlines, settle)
      call.traceparent = options.traceparent
      if (call.start(options.timeoutMs, options.signal)) provider.handler(payload, call)
    })
  const results = await Promise.all(asked.map(ask))
  return results.flatMap((result, index) => outcomesOf(result, asked[index]?.spread ?? false))
}

/** All responses, or the first failure in the order of registration. */
export function allOrFirstFailure(
  outcomes: readonly Outcome<unknown, unknown>[]
): Result<unknown[], unknown> {
  const responses: unknown[] = []
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') return err(outcome.error)
    responses.push(outcome.value)
  }
  return ok(responses)
}

function outcomesOf(result: Result<unknown, unknown>, spread: boolean): Outcome<unknown, unknown>[] {
  if (result.isErr()) return [{ status: 'rejected', error: result.error }]
  if (spread) return result.value as Outcome<unknown, unknown>[]
  return [{ status: 'fulfilled', value: result.value }]
}
