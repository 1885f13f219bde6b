/** Owns the contract of application code that sets up contexts on the worker. */
import type { Result } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { ThreadShare } from './rota.js'

/** What a set-up may return, to be closed with its context. */
export interface Service {
  /** Finishes what was accepted and lets go of everything. Called once. */
  close(): void | Promise<void>
  /** Lets go of everything at once, whatever is under way: nothing can be waited for any more. @internal */
  closeNow?(): void
}

/** What a set-up gets. `Data` is what the host passes, taken on trust: only the messages are in the contract. */
export interface ServeCall<Data = unknown> {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  /** The data that the host passed. */
  readonly data: Data
  /**
   * Whether the host wants this thread to end now. Code that blocks the thread for long, waiting for a lock for
   * instance, must ask from time to time and give up.
   */
  readonly urgent: () => boolean
  /**
   * Whether the process of the host is ending: events and answers no longer reach the host. What must be known nevertheless
   * has to be written somewhere, to stderr for instance.
   */
  readonly exiting: () => boolean
  /**
   * Whether the host no longer waits for this set-up, because its time was up. The context is closed as soon as it is set up;
   * code that waits for something while it sets up should ask from time to time and give up.
   */
  readonly givenUp: () => boolean
  /** How this context shares the thread; absent when the contexts of this thread do not take turns. */
  readonly share?: ThreadShare | undefined
}

/** What a set-up returns: nothing, a service to be closed, or a `Result` of either. */
export type SetupAnswer = void | Service | Result<Service | void, unknown>

/**
 * Sets up one context: registers listeners, providers and handlers with the hub. An `Err`, a throw or a rejection
 * becomes the `cause` of the error that the host gets, as a clone.
 */
export type Setup<Data = unknown> = (call: ServeCall<Data>) => SetupAnswer | Promise<SetupAnswer>
