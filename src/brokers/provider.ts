/** Owns what providing a request means: the shapes of providers, and the registration of one. */

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
   * Where the caller's trace goes on, as a W3C `traceparent`, on whatever thread the caller is. Absent unless a
   * subscriber of `tracing:persistency:request:start` set it, as `persistency/observability` does.
   */
  readonly traceparent?: string | undefined
}

/** Somebody who works on a call and wants to know when its caller gives up. */
export interface CancelListener {
  cancelled(): void
}

/** A call as the hub hands it to a request handler, which answers it exactly once; further answers are ignored. */
export interface Call extends ProviderCall {
  /** Whether the answer must be there when the handler returns: who cannot give it so must not begin. */
  readonly immediate?: boolean
  /** Answers with a response. */
  resolve(response: unknown): void
  /** Answers with the provider's own error, or with a `BrokerError`. */
  reject(error: unknown): void
  /** Tells one listener when the caller gives up; cheaper than `signal`, for those who pass the call on. */
  onCancel(listener: CancelListener): void
}

/** The plainest form of a provider: answers through the call, now or later. Must not throw. */
export type RequestHandler = (payload: unknown, call: Call) => void

/** One registered provider. */
export interface Provider {
  readonly handler: RequestHandler
  /** The function that the application provided; absent for providers in the form of a bare handler. */
  readonly source: unknown
  /** Set once it has been removed; it must not be put back then. */
  removed?: boolean
}

/** A registration made with `provide` or `replace`. */
export interface ProviderHandle {
  /** Whether this registration is the one that answers now. */
  readonly active: boolean
  /** Withdraws this registration; no effect when another one has taken its place. Calls in flight are still answered. */
  remove(): void
  [Symbol.dispose](): void
}
