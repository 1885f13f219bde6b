/** Owns the lanes of a worker: takes the frames of each in, one context after the other, so that none starves. */
import type { BrokerHub } from '../../brokers/hub.js'
import { Link, type LinkOptions } from '../link/link.js'
import { isLaneFrame, LANE_BYTES, type LaneId, LanePort, type SharedPort } from '../port/lanes.js'
import { Rota, type ThreadShare, WorkLine } from './rota.js'

/** One context's way in and out of a worker. */
export interface WorkerLane {
  readonly link: Link
  /** Absent where contexts do not take turns. */
  readonly share: ThreadShare | undefined
  /** Does work in its turn, behind everything that has come for the context. */
  run<T>(work: () => T | Promise<T>): Promise<T>
  close(): void
}

export class WorkerLanes {
  readonly #port: SharedPort
  readonly #hub: BrokerHub
  readonly #options: LinkOptions
  readonly #rota: Rota
  readonly #lines = new Map<LaneId, WorkLine>()

  /** @param options those of every link */
  constructor(port: SharedPort, hub: BrokerHub, options: LinkOptions) {
    this.#port = port
    this.#hub = hub
    this.#options = options
    this.#rota = new Rota((fault) => options.onFault?.(fault))
  }

  /** Whether there is nothing to do now. */
  get idle(): boolean {
    return this.#rota.idle
  }

  open(id: LaneId): WorkerLane {
    const takeNext = (): unknown => line.takeFrame()
    const options = { ...this.#options, initialBytes: LANE_BYTES, takeNext }
    const link = new Link(new LanePort(this.#port, id), this.#hub, options)
    const line = new WorkLine(this.#rota, link)
    this.#lines.set(id, line)
    const close = (): void => {
      this.#lines.delete(id)
      link.flush()
      link.close('the context was released')
    }
    return { link, share: line, run: (work) => line.run(work), close }
  }

  /** Takes in a value that is a frame of a lane, and answers whether it is one. A lane that was closed has no use for it. */
  take(value: unknown): boolean {
    if (!isLaneFrame(value)) return false
    this.#lines.get(value.lane)?.push(value.frame)
    return true
  }

  /** Blocks the thread until all that has come is done; `false` when `deadline` comes first. */
  workOff(deadline: number): boolean {
    return this.#rota.workOff([...this.#lines.values()], deadline)
  }

  /** Goes on with the work at once instead of in the next round of the event loop. */
  workNow(): void {
    this.#rota.run()
  }
}
