/** Owns the links of a host to its worker, which share one port: the main one, and one more for each context with a lane. */
import type { BrokerHub } from '../../brokers/hub.js'
import { textOf } from '../../runtime/message-of.js'
import { Link, type LinkOptions } from '../link/link.js'
import { LANE_BYTES, type LaneFrame, type LaneId, LanePort, type SharedPort } from '../port/lanes.js'
import type { LinkPort } from '../port/link-port.js'
import type { Wakefulness } from '../port/wakefulness.js'

export interface HostLinksParts {
  readonly port: LinkPort & SharedPort
  /** Keeps this thread awake for answers of another one. */
  readonly wakefulness?: Wakefulness
  readonly hub: BrokerHub
  /** As in `LinkOptions`, for each link. */
  readonly maxPendingRequests: number
  /** Called when work begins to be under way on any link, and when there is none any more. */
  readonly onBusy: (busy: boolean) => void
  readonly onFault: (fault: unknown) => void
}

/** A link of one context. */
export interface HostLane {
  readonly id: LaneId
  readonly link: Link
  close(reason: string): void
}

/** How many requests may wait for the other side on one link by default. */
export const DEFAULT_MAX_PENDING_REQUESTS = 65_536

/** @throws RangeError */
export function checkMaxPending(count: number | undefined): void {
  if (count === undefined || count === Number.POSITIVE_INFINITY || (Number.isInteger(count) && count > 0))
    return
  throw new RangeError(
    `maxPendingRequests must be a positive integer, or Infinity for no limit; got ${textOf(count)}`
  )
}

const FRAMES = { maxFramesInFlight: 2, acknowledgeEvery: 16 } as const

export class HostLinks {
  /** The link that is there from the start. */
  readonly main: Link
  readonly #parts: HostLinksParts
  readonly #lanes = new Map<LaneId, { readonly port: LanePort; readonly link: Link }>()
  #lastLane: LaneId = 0
  #busyLinks = 0

  constructor(parts: HostLinksParts) {
    this.#parts = parts
    this.main = this.#link(parts.port, {
      onOther: (value) => {
        const { lane, frame } = value as LaneFrame
        this.#lanes.get(lane)?.port.deliver(frame)
      }
    })
  }

  /** Opens a link of its own for a context. */
  open(): HostLane {
    const id = ++this.#lastLane
    const port = new LanePort(this.#parts.port, id)
    const link = this.#link(port, { initialBytes: LANE_BYTES })
    this.#lanes.set(id, { port, link })
    const close = (reason: string): void => {
      if (this.#lanes.delete(id)) link.close(reason)
    }
    return { id, link, close }
  }

  /** Posts at once what has not left yet. */
  flush(): void {
    for (const link of this.#links()) link.flush()
  }

  /** Drops messages that are being encoded, so that those before them can leave: the process ends. */
  dropUnfinished(): void {
    for (const link of this.#links()) link.dropUnfinished()
  }

  /** Resolves when the worker has worked off everything sent so far. */
  async drained(): Promise<void> {
    await Promise.all(this.#links().map((link) => link.drained()))
  }

  close(reason: string, cause: unknown): void {
    for (const link of this.#links()) link.close(reason, cause)
    this.#lanes.clear()
  }

  #links(): Link[] {
    return [...[...this.#lanes.values()].map(({ link }) => link), this.main]
  }

  #link(port: LinkPort, options: Partial<LinkOptions>): Link {
    const { hub, maxPendingRequests, onFault, wakefulness } = this.#parts
    return new Link(port, hub, {
      ...FRAMES,
      maxPendingRequests,
      onFault,
      ...(wakefulness !== undefined && { wakefulness }),
      onBusy: (busy) => this.#countBusy(busy),
      ...options
    })
  }

  #countBusy(busy: boolean): void {
    const before = this.#busyLinks
    this.#busyLinks += busy ? 1 : -1
    if (before === 0 || this.#busyLinks === 0) this.#parts.onBusy(busy)
  }
}
