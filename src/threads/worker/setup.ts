/** Owns the contract of code that sets up contexts where they are served. */
import type { Result } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { ThreadShare } from './rota.js'

/** What a set-up may answer, to be told when its context is over. */
export interface Service {
  /** Finishes what was accepted and lets go of everything. Called once. */
  close(): void | Promise<void>
  /** Lets go of everything at once, whatever is under way: nothing can be waited for any more. @internal */
  closeNow?(): void
}

/** Asks for one context to be served. */
export interface ServeCall {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  /** What the host passed along. */
  readonly data: unknown
  /**
   * Whether the host wants this thread to end now. Code that blocks the thread for long, waiting for a lock for
   * instance, must ask from time to time and give up.
   */
  readonly urgent: () => boolean
  /**
   * Whether the process of the host is ending: it hears of nothing any more that is emitted or answered here. What must be
   * known all the same is to be written somewhere, to stderr for instance.
   */
  readonly exiting: () => boolean
  /** How to leave others their turn; absent when the contexts of this thread do not take turns. */
  readonly share?: ThreadShare | undefined
}

/** What a set-up comes to: nothing, a service to be closed, or a `Result` of either. */
export type SetupAnswer = void | Service | Result<Service | void, unknown>

/**
 * Sets up one context: registers listeners, providers and handlers with the hub. An `Err`, a throw or a rejection
 * becomes the `cause` of the error that the host gets; it is cloned on its way.
 */
export type Setup = (call: ServeCall) => SetupAnswer | Promise<SetupAnswer>
