/** Owns the side of a `LocalHost` that does the work, on the same thread. */
import type { ThreadContract } from '../link/carried.js'
import type { LocalSide, LocalSideParts } from '../local-side.js'
import type { LaneFrame } from '../port/lanes.js'
import type { Setup } from './setup.js'
import { WorkerContexts } from './worker-contexts.js'
import { WorkerLanes } from './worker-lanes.js'

export class LocalThread implements LocalSide {
  readonly #lanes: WorkerLanes
  readonly #served: WorkerContexts
  #urgent = false
  #exiting = false

  constructor({ hub, control, post, onFault }: LocalSideParts, contract: ThreadContract, setup: Setup) {
    const options = { maxFramesInFlight: Number.POSITIVE_INFINITY, acknowledgeEvery: 1, onFault }
    this.#lanes = new WorkerLanes({ postMessage: post }, hub, options)
    this.#served = new WorkerContexts({
      ...{ hub, contract, setup },
      urgent: () => this.#urgent,
      exiting: () => this.#exiting,
      laneOf: (id) => this.#lanes.open(id as number)
    })
    this.#served.answer(control)
  }

  take(value: LaneFrame): void {
    this.#lanes.take(value)
  }

  hurry(): void {
    this.#urgent = true
  }

  finish(deadline: number): boolean {
    this.#exiting = true
    if (!this.#lanes.workOff(deadline)) return false
    this.#served.closeNow()
    return true
  }

  abandon(): void {
    this.#served.closeNow()
  }
}
