/** Owns what providing a request means: the shapes of providers, of calls, and of registrations. */
import type { CancelSignal } from '../runtime/platform.js'
import type { BrokerContext } from './context.js'

/** What a provider gets besides the payload. */
export interface ProviderCall {
  readonly context: BrokerContext
  /**
   * Fires when the caller gave up: its signal aborted or its time ran out. On the caller's thread it does so in the async
   * context in which it was read first.
   */
  readonly signal: CancelSignal
  /**
   * The caller's trace as a W3C `traceparent`, also when the caller is on another thread. Absent unless a
   * subscriber of `tracing:persistency:request:start` set it, as `persistency/observability` does.
   */
  readonly traceparent?: string | undefined
}

/** Is called when the caller of a call gives up. */
export interface CancelListener {
  cancelled(): void
}

/** A call as the hub hands it to a request handler, which answers it exactly once; further answers are ignored. */
export interface Call extends ProviderCall {
  /** Whether the answer must be given before the handler returns; a handler that cannot do so must reject at once. */
  readonly immediate?: boolean
  resolve(response: unknown): void
  /** Answers with the provider's own error, or with a `BrokerError`. */
  reject(error: unknown): void
  /** Has one listener called when the caller gives up; cheaper than `signal`, for handlers that pass the call on. */
  onCancel(listener: CancelListener): void
}

/** A provider as the hub calls it: answers through the call, now or later. Must not throw. */
export type RequestHandler = (payload: unknown, call: Call) => void

/** One registered provider. */
export interface Provider {
  readonly handler: RequestHandler
  /** The function that the application provided; absent for providers in the form of a bare handler. */
  readonly source: unknown
  /** Set when it has been removed: the end of a replacement must not put it back then. */
  removed?: boolean
}

/** A registration made with `provide` or `replace`. */
export interface ProviderHandle {
  /** Whether this registration is in force. */
  readonly active: boolean
  /** Withdraws this registration; no effect when another one has taken its place. Calls in flight are still answered. */
  remove(): void
  [Symbol.dispose](): void
}
