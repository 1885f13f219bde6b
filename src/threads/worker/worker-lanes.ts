/** Owns the lanes of a worker: handles the frames of one context after the other, so that none starves. */
import type { BrokerHub } from '../../brokers/hub.js'
import { Link, type LinkOptions } from '../link/link.js'
import { isLaneFrame, LANE_BYTES, type LaneId, LanePort, type SharedPort } from '../port/lanes.js'
import { Rota, type ThreadShare, WorkLine } from './rota.js'

/** What carries the messages of one context, and gives it its turns. */
export interface WorkerLane {
  readonly link: Link
  /** Absent where contexts do not take turns. */
  readonly share: ThreadShare | undefined
  /** Runs work in a turn of the context, after everything that has arrived for it. */
  run<T>(work: () => T | Promise<T>): Promise<T>
  close(): void
}

export class WorkerLanes {
  readonly #port: SharedPort
  readonly #hub: BrokerHub
  readonly #options: LinkOptions
  readonly #rota: Rota
  readonly #lines = new Map<LaneId, WorkLine>()

  /** @param options for the link of each lane */
  constructor(port: SharedPort, hub: BrokerHub, options: LinkOptions) {
    this.#port = port
    this.#hub = hub
    this.#options = options
    this.#rota = new Rota((fault) => options.onFault?.(fault))
  }

  /** Whether no lane has work that can be done now. */
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

  /** Accepts a value that is a frame of a lane, and returns whether it is one. Frames of a closed lane are dropped. */
  take(value: unknown): boolean {
    if (!isLaneFrame(value)) return false
    this.#lines.get(value.lane)?.push(value.frame)
    return true
  }

  /** Blocks the thread until all received work is done; `false` when `deadline` comes first. */
  workOff(deadline: number): boolean {
    return this.#rota.workOff([...this.#lines.values()], deadline)
  }

  /** Continues with the work at once instead of in the next round of the event loop. */
  workNow(): void {
    this.#rota.run()
  }
}
