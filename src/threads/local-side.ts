/** Owns the contract between a `LocalHost` and the side that does the work, which are on one thread. */
import type { BrokerContext } from '../brokers/context.js'
import type { BrokerHub } from '../brokers/hub.js'
import type { LaneFrame } from './port/lanes.js'

/** The other side, which does the work. */
export interface LocalSide {
  /** Receives a frame for a context. */
  take(value: LaneFrame): void
  /** Has code that waits for something give up. */
  hurry(): void
  /**
   * The process ends: blocks until all received work is done and all contexts are closed; `false` when `deadline` comes
   * first.
   */
  finish(deadline: number): boolean
  /** Closes all contexts at once, whatever is under way. */
  abandon(): void
}

export interface LocalSideParts {
  /** The hub of this side, with the control context and the contexts served; the application does not use it. */
  readonly hub: BrokerHub
  readonly control: BrokerContext
  /** Receives a frame from a context. */
  readonly post: (value: LaneFrame) => void
  /** To be called with errors that the work must not throw. */
  readonly onFault: (fault: unknown) => void
}

/** Starts the other side. */
export type LocalWorker = (parts: LocalSideParts) => LocalSide
