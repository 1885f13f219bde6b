/** Owns the multi-request broker: one call, an answer from every provider. */
import { ok, type Result, ResultAsync } from 'neverthrow'
import { adaptProvider, type RequestProvider } from './adapt-provider.js'
import type { RequestArgs } from './arguments.js'
import { checkDefinition } from './check-definition.js'
import { checkContext, contextOf, hubOf } from './check-place.js'
import { allOrFirstFailure, collect, type Outcome } from './collect.js'
import { BrokerContext } from './context.js'
import type { MultiRequestDefinition } from './definitions.js'
import type { BrokerError } from './errors.js'
import type { BrokerHub } from './hub.js'
import { checkPatience } from './pending-call.js'
import type { ProviderHandle } from './provider.js'
import { requestsAreTraced, traceMultiRequest } from './request-trace.js'

/**
 * Asks many providers at once, in one context.
 *
 * All providers run concurrently; answers are in the order in which the providers registered, however long each
 * takes. The time limit of a call applies to each provider. Without a context the broker follows
 * {@link BrokerContext.current} at every call.
 */
export class MultiRequestBroker {
  readonly #hub: BrokerHub
  readonly #context: BrokerContext | undefined

  /** @throws TypeError for what is no hub, or no context */
  constructor(hub?: BrokerHub, context?: BrokerContext) {
    this.#hub = hubOf(hub)
    this.#context = contextOf(context)
  }

  /** The context that this broker speaks in. */
  get context(): BrokerContext {
    return this.#context ?? BrokerContext.current
  }

  /**
   * The same broker in another context.
   *
   * @throws TypeError for what is no context, `undefined` included
   */
  in(context: BrokerContext): MultiRequestBroker {
    checkContext(context)
    return new MultiRequestBroker(this.#hub, context)
  }

  /**
   * Adds a provider. The same function added twice is asked once; both calls return the same handle. There is no error
   * today; it returns a `Result` like the other brokers.
   *
   * @throws TypeError when the request is none, or the provider is no function
   */
  provide<Payload, Response, Failure>(
    request: MultiRequestDefinition<Payload, Response, Failure>,
    provider: RequestProvider<NoInfer<Payload>, NoInfer<Response>, NoInfer<Failure>>
  ): Result<ProviderHandle, BrokerError> {
    const adapted = adaptProvider('multiRequest', request, provider)
    return ok(this.#hub.addProvider(this.context, request, { ...adapted, origin: undefined, spread: false }))
  }

  /** How many providers are asked; all those of another thread count as one. */
  providerCount<Payload, Response, Failure>(
    request: MultiRequestDefinition<Payload, Response, Failure>
  ): number {
    return this.#hub.multiProviders(this.context, request).length
  }

  /** Removes every provider of this context. */
  clear<Payload, Response, Failure>(request: MultiRequestDefinition<Payload, Response, Failure>): void {
    this.#hub.clearProviders(this.context, request)
  }

  /**
   * The responses of all providers; an empty list when there are none. When some fail, the call fails with the first
   * failure in the order of registration, once all have finished. Errors: those of the providers; `providerFailed`, `timeout`,
   * `aborted`, `notSendable`, `disconnected`.
   *
   * @throws RangeError, TypeError as `RequestBroker.request` does
   */
  request<Payload, Response, Failure = never>(
    request: MultiRequestDefinition<Payload, Response, Failure>,
    ...args: RequestArgs<NoInfer<Payload>>
  ): ResultAsync<Response[], Failure | BrokerError> {
    const all = this.#collect(request, args).then(allOrFirstFailure)
    return new ResultAsync(all as Promise<Result<Response[], Failure | BrokerError>>)
  }

  /** The outcome of each provider, in the order of registration. Never rejects. */
  requestSettled<Payload, Response, Failure = never>(
    request: MultiRequestDefinition<Payload, Response, Failure>,
    ...args: RequestArgs<NoInfer<Payload>>
  ): Promise<Outcome<Response, Failure | BrokerError>[]> {
    return this.#collect(request, args) as Promise<Outcome<Response, Failure | BrokerError>[]>
  }

  #collect<Payload, Response, Failure>(
    request: MultiRequestDefinition<Payload, Response, Failure>,
    [payload, options]: RequestArgs<Payload>
  ): Promise<Outcome<unknown, unknown>[]> {
    checkDefinition(request, 'multiRequest')
    if (options) checkPatience(options)
    const timeoutMs = options?.timeoutMs ?? request.timeoutMs
    const context = this.context
    const ask = (traceparent?: string): Promise<Outcome<unknown, unknown>[]> =>
      collect(this.#hub, context, request, payload, { ...options, timeoutMs, traceparent })
    if (!requestsAreTraced()) return ask()
    return traceMultiRequest({ kind: 'multiRequest', request: request.name, context, payload }, (trace) =>
      ask(trace.traceparent)
    )
  }
}
