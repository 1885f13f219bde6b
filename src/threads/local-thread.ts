/** Owns the working side of contexts that are served without a worker; see `local-host.ts`. */
import type { ThreadContract } from './carried.js'
import type { LaneFrame } from './lanes.js'
import type { LocalSide, LocalSideParts } from './local-host.js'
import { ServedContexts } from './served-contexts.js'
import type { Setup } from './setup.js'
import { WorkerLanes } from './worker-lanes.js'

/** How long before a deadline those are told to give up who wait for something, in milliseconds. */
const URGENT_BEFORE_MS = 1000

export class LocalThread implements LocalSide {
  readonly #lanes: WorkerLanes
  readonly #served: ServedContexts
  #urgentAt = Number.POSITIVE_INFINITY

  constructor({ hub, control, post, onFault }: LocalSideParts, contract: ThreadContract, setup: Setup) {
    const options = { maxFramesInFlight: Number.POSITIVE_INFINITY, acknowledgeEvery: 1, onFault }
    this.#lanes = new WorkerLanes({ postMessage: post, tryPost: () => false }, hub, options)
    this.#served = new ServedContexts({
      ...{ hub, contract, setup },
      urgent: () => performance.now() >= this.#urgentAt,
      laneOf: (id) => this.#lanes.open(id as number)
    })
    this.#served.answer(control)
  }

  take(value: LaneFrame): void {
    this.#lanes.take(value)
  }

  finish(deadline: number): boolean {
    this.#urgentAt = deadline - URGENT_BEFORE_MS
    if (!this.#lanes.workOff(deadline)) return false
    this.#served.closeNow()
    return true
  }

  abandon(): void {
    this.#served.closeNow()
  }
}
