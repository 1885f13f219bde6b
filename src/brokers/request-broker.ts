/** Owns the request broker: typed providers and calls. */
import { err, ok, type Result, ResultAsync } from 'neverthrow'
import type { CancelSignal } from '../runtime/platform.js'
import { type Answer, adaptProvider, notSynchronous, type RequestProvider } from './adapt-provider.js'
import type { PayloadArgs, RequestArgs } from './arguments.js'
import { checkDefinition } from './check-definition.js'
import { checkContext, contextOf, hubOf } from './check-place.js'
import { BrokerContext } from './context.js'
import type { RequestDefinition, SyncRequestDefinition } from './definitions.js'
import { alreadyProvided, type BrokerError, noProvider } from './errors.js'
import type { BrokerHub } from './hub.js'
import { checkPatience, PendingCall, type RequestOptions } from './pending-call.js'
import type { Call, Provider, ProviderCall, ProviderHandle } from './provider.js'
import { Replacements } from './replacements.js'
import { requestsAreTraced, traceRequest, traceSyncRequest } from './request-trace.js'

/** Provides a request that was declared with `sync: true`: answers without a promise. */
export type SyncRequestProvider<Payload, Response, Failure> = (
  payload: Payload,
  call: ProviderCall
) => Answer<Response, Failure>

/** A provider of a request; for one that was declared with `sync: true`, one that answers without a promise. */
export type ProviderOf<Payload, Response, Failure, Sync extends boolean> = boolean extends Sync
  ? RequestProvider<Payload, Response, Failure>
  : SyncRequestProvider<Payload, Response, Failure>

/**
 * Calls and provides requests, many callers to one provider, in one context.
 *
 * The provider is called at once, within `request`, so calls reach it in the order they are made. Failures of the
 * framework arrive as a {@link BrokerError}, the provider's own errors as they are; no call throws or rejects for an
 * expected reason, and none hangs: each has a time limit. Without a context the broker follows
 * {@link BrokerContext.current} at every call. There is no fallback from one context to another.
 */
export class RequestBroker {
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
  in(context: BrokerContext): RequestBroker {
    checkContext(context)
    return new RequestBroker(this.#hub, context)
  }

  /**
   * Registers the provider of a request. A second one in the same context is refused with `alreadyProvided`, and the
   * first stays; use {@link RequestBroker.replace} to override.
   *
   * @throws TypeError when the request is none, or the provider is no function
   */
  provide<Payload, Response, Failure, Sync extends boolean>(
    request: RequestDefinition<Payload, Response, Failure> & { readonly sync: Sync },
    provider: ProviderOf<NoInfer<Payload>, NoInfer<Response>, NoInfer<Failure>, Sync>
  ): Result<ProviderHandle, BrokerError> {
    const { handler, source } = adaptProvider(
      'request',
      request,
      provider as RequestProvider<Payload, Response, Failure>
    )
    const context = this.context
    const handle = this.#hub.provide(context, request, handler, source)
    return handle === undefined ? err(alreadyProvided(request.name, context)) : ok(handle)
  }

  /**
   * Registers a provider, in place of the present one if there is one; that is forgotten.
   *
   * @throws TypeError when the request is none, or the provider is no function
   */
  replace<Payload, Response, Failure, Sync extends boolean>(
    request: RequestDefinition<Payload, Response, Failure> & { readonly sync: Sync },
    provider: ProviderOf<NoInfer<Payload>, NoInfer<Response>, NoInfer<Failure>, Sync>
  ): ProviderHandle {
    return this.#hub.replace(
      this.context,
      request,
      adaptProvider('request', request, provider as RequestProvider<Payload, Response, Failure>)
    )
  }

  /**
   * Runs `body` with another provider in place, then puts the former one back (or none, if there was none), also when
   * the body throws or rejects. Meant for tests.
   */
  async withProvider<Payload, Response, Failure, T, Sync extends boolean>(
    request: RequestDefinition<Payload, Response, Failure> & { readonly sync: Sync },
    provider: ProviderOf<NoInfer<Payload>, NoInfer<Response>, NoInfer<Failure>, Sync>,
    body: () => T | PromiseLike<T>
  ): Promise<T> {
    const context = this.context
    const mock = adaptProvider('request', request, provider as RequestProvider<Payload, Response, Failure>)
    const former = this.#hub.provider(context, request)
    const handle = this.#hub.replace(context, request, mock)
    try {
      return await body()
    } finally {
      const wanted = replacements.end(mock, former)
      // A provider that took the place meanwhile keeps it.
      if (handle.active || this.#hub.provider(context, request) === undefined) {
        if (wanted === undefined || wanted.removed) handle.remove()
        else this.#hub.replace(context, request, wanted)
      }
    }
  }

  /** Whether the request has a provider in this context. */
  isProvided<Payload, Response, Failure>(request: RequestDefinition<Payload, Response, Failure>): boolean {
    checkDefinition(request, 'request')
    return this.#hub.provider(this.context, request) !== undefined
  }

  /** The function that provides the request now; `undefined` when there is none, or when it is on another thread. */
  provider<Payload, Response, Failure>(
    request: RequestDefinition<Payload, Response, Failure>
  ): RequestProvider<Payload, Response, Failure> | undefined {
    checkDefinition(request, 'request')
    const source = this.#hub.provider(this.context, request)?.source
    return source as RequestProvider<Payload, Response, Failure> | undefined
  }

  /** Removes the provider of this context, even one registered elsewhere. Repeating it is harmless. */
  clear<Payload, Response, Failure>(request: RequestDefinition<Payload, Response, Failure>): void {
    this.#hub.withdraw(this.context, request)
  }

  /**
   * Asks the provider of this context, on whichever thread it is.
   *
   * Errors: the provider's own; `noProvider`, `providerFailed`, `timeout`, `aborted`; across threads also
   * `notSendable`, `disconnected` and `overloaded`.
   *
   * @throws RangeError when `timeoutMs` is no positive number, TypeError when the request is none, or `signal` is no
   *   `AbortSignal`
   */
  request<Payload, Response, Failure = never>(
    request: RequestDefinition<Payload, Response, Failure>,
    ...args: RequestArgs<NoInfer<Payload>>
  ): ResultAsync<Response, Failure | BrokerError> {
    const [payload, options] = args
    checkDefinition(request, 'request')
    if (options) checkPatience(options)
    return new ResultAsync(
      new Promise<Result<Response, Failure | BrokerError>>((settle) => {
        this.send(request, payload as Payload, options, settle as (result: Result<unknown, unknown>) => void)
      })
    )
  }

  /** As `request` with options that are valid, for callers with a promise of their own: `settle` is called once. @internal */
  send<Payload, Response, Failure>(
    request: RequestDefinition<Payload, Response, Failure>,
    payload: Payload,
    options: RequestOptions | undefined,
    settle: (result: Result<unknown, unknown>) => void
  ): void {
    if (requestsAreTraced() && !request.untraced) this.#sendTraced(request, payload, options, settle)
    else this.#send(this.context, request, payload, options, settle, undefined)
  }

  /** As `send`, for callers that publish to the tracing channel themselves. @internal */
  sendUntraced<Payload, Response, Failure>(
    request: RequestDefinition<Payload, Response, Failure>,
    payload: Payload,
    options: RequestOptions | undefined,
    settle: (result: Result<unknown, unknown>) => void,
    traceparent: string | undefined
  ): void {
    this.#send(this.context, request, payload, options, settle, traceparent)
  }

  /**
   * Asks a synchronous provider of this thread and returns its answer at once. Errors as for `request`.
   *
   * @throws TypeError when the request is none
   */
  requestSync<Payload, Response, Failure = never>(
    request: SyncRequestDefinition<Payload, Response, Failure>,
    ...args: PayloadArgs<NoInfer<Payload>>
  ): Result<Response, Failure | BrokerError> {
    const answer = requestsAreTraced()
      ? this.#sendSyncTraced(request, args[0])
      : this.#sendSync(this.context, request, args[0], undefined)
    return answer as Result<Response, Failure | BrokerError>
  }

  /** A method of its own: a closure in `send` would cost every call, traced or not. */
  #sendTraced<Payload, Response, Failure>(
    request: RequestDefinition<Payload, Response, Failure>,
    payload: Payload,
    options: RequestOptions | undefined,
    settle: (result: Result<unknown, unknown>) => void
  ): void {
    const context = this.context
    const about = { kind: 'request' as const, request: request.name, context, payload }
    traceRequest(about, settle, (trace, settled) =>
      this.#send(context, request, payload, options, settled, trace.traceparent)
    )
  }

  #sendSyncTraced<Payload, Response, Failure>(
    request: RequestDefinition<Payload, Response, Failure>,
    payload: unknown
  ): Result<unknown, unknown> {
    checkDefinition(request, 'request')
    const context = this.context
    const about = { kind: 'requestSync' as const, request: request.name, context, payload }
    return traceSyncRequest(about, (trace) => this.#sendSync(context, request, payload, trace.traceparent))
  }

  #send<Payload, Response, Failure>(
    context: BrokerContext,
    request: RequestDefinition<Payload, Response, Failure>,
    payload: Payload,
    options: RequestOptions | undefined,
    settle: (result: Result<unknown, unknown>) => void,
    traceparent: string | undefined
  ): void {
    const call = new PendingCall(context, request.name, this.#hub.deadlines, settle)
    if (traceparent !== undefined) call.traceparent = traceparent
    if (call.start(options?.timeoutMs ?? request.timeoutMs, options?.signal))
      this.#hub.call(request, payload, call)
  }

  #sendSync<Payload, Response, Failure>(
    context: BrokerContext,
    request: RequestDefinition<Payload, Response, Failure>,
    payload: unknown,
    traceparent: string | undefined
  ): Result<unknown, unknown> {
    const provider = this.#hub.provider(context, request)
    if (provider === undefined) return nobodyProvides(request, context)
    const call = new SyncCall(context, traceparent)
    provider.handler(payload, call)
    return call.answer ?? err(notSynchronous(request.name))
  }
}

const replacements = new Replacements<Provider>()

/** What is no request is told only here: a synchronous call costs hardly more than a check would. */
function nobodyProvides<Payload, Response, Failure>(
  request: RequestDefinition<Payload, Response, Failure>,
  context: BrokerContext
): Result<never, BrokerError> {
  checkDefinition(request, 'request')
  return err(noProvider(request.name, context))
}

/** A call whose answer must be there when the handler returns. */
class SyncCall implements Call {
  answer: Result<unknown, unknown> | undefined
  readonly immediate = true
  readonly context: BrokerContext
  readonly traceparent: string | undefined
  #signal: CancelSignal | undefined

  constructor(context: BrokerContext, traceparent: string | undefined) {
    this.context = context
    this.traceparent = traceparent
  }

  /** Never fires. One per call: what a provider adds to it goes with the call. */
  get signal(): CancelSignal {
    this.#signal ??= new AbortController().signal
    return this.#signal
  }

  onCancel(): void {}

  resolve(response: unknown): void {
    this.answer = ok(response)
  }

  reject(error: unknown): void {
    this.answer = err(error)
  }
}
