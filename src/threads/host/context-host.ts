/** Owns the contract of a host: it has contexts served, on another thread or on its own. */
import type { ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerError } from '../../brokers/errors.js'
import type { ThreadContract } from '../link/carried.js'
import type { ServedContext } from './host-contexts.js'

/** How a worker ended. */
export interface WorkerExit {
  /** Whether the end was asked for with `stop()`. */
  readonly expected: boolean
  readonly code: number
  /** What the worker died of, when it threw. */
  readonly error: unknown
}

export interface ContextHost {
  /** Resolves when no context is served any more, for whatever reason. Never rejects. */
  readonly exited: Promise<WorkerExit>
  /** Whether the code that serves contexts has been loaded. @internal */
  readonly loaded: boolean
  /** See `WorkerHost.serve`. */
  serve(
    context: BrokerContext,
    contract: ThreadContract,
    data: unknown,
    timeoutMs: number,
    onCarried?: () => void
  ): ResultAsync<ServedContext, BrokerError>
  /** To be called when no context is served any more. */
  stop(): Promise<void>
  /**
   * Calls back when the host has ended, for whatever reason: before any request under way on it is settled, and before
   * `exited` resolves. Returns the function that removes the listener. @internal
   */
  onExit(listener: (exit: WorkerExit) => void): () => void
  /** Asks the serving thread to give up whatever it waits for. @internal */
  hurry(): void
}
