/** Owns what a host on the serving thread itself and the side that does the work ask of each other; see `local-host.ts`. */
import type { BrokerContext } from '../brokers/context.js'
import type { BrokerHub } from '../brokers/hub.js'
import type { LaneFrame } from './port/lanes.js'

/** The other side, which does the work. */
export interface LocalSide {
  /** Takes in what was sent to a context. */
  take(value: LaneFrame): void
  /** Has those give up who wait for something. */
  hurry(): void
  /**
   * The process ends: blocks until all that has come is done and closed; answers whether it is, `false` when `deadline`
   * comes first.
   */
  finish(deadline: number): boolean
  /** Lets go of everything, as it is. */
  abandon(): void
}

export interface LocalSideParts {
  /** Where it is asked to serve contexts; nobody else knows it. */
  readonly hub: BrokerHub
  readonly control: BrokerContext
  /** Takes what a context sends. */
  readonly post: (value: LaneFrame) => void
  /** To be called with what the work throws that must not. */
  readonly onFault: (fault: unknown) => void
}

/** Starts the other side. */
export type LocalWorker = (parts: LocalSideParts) => LocalSide
