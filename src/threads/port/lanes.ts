/** Owns how several links share one port: each has a lane, which is a number that travels with its frames. */
import type { Frame } from './frame.js'
import type { LinkPort, PortEvent } from './link-port.js'

export type LaneId = number

/** The lane number of frames that have no lane. */
export const MAIN_LANE: LaneId = 0

/** The initial frame buffer of a lane: there may be thousands of them, most of them idle. */
export const LANE_BYTES = 1024

/** A frame on its way through a shared port. */
export interface LaneFrame {
  readonly lane: LaneId
  readonly frame: Frame
}

/** The part of a `Worker` or a `MessagePort` that lanes need. */
export interface SharedPort {
  postMessage(value: LaneFrame, transfer: readonly ArrayBuffer[]): void
  /** See {@link LinkPort.tryPost}. */
  tryPost?(frame: Uint8Array, lane: LaneId): boolean
}

export function isLaneFrame(value: unknown): value is LaneFrame {
  return typeof value === 'object' && value !== null && 'lane' in value
}

/** A lane as the port of its link. The reader of the shared port calls `deliver`. */
export class LanePort implements LinkPort {
  readonly #port: SharedPort
  readonly #lane: LaneId
  #listener: ((frame: unknown) => void) | undefined

  constructor(port: SharedPort, lane: LaneId) {
    this.#port = port
    this.#lane = lane
  }

  postMessage(frame: Frame, transfer: readonly ArrayBuffer[]): void {
    this.#port.postMessage({ lane: this.#lane, frame }, transfer)
  }

  tryPost(frame: Uint8Array): boolean {
    return this.#port.tryPost?.(frame, this.#lane) ?? false
  }

  on(event: PortEvent, listener: (value: unknown) => void): void {
    if (event === 'message') this.#listener = listener
  }

  off(event: PortEvent): void {
    if (event === 'message') this.#listener = undefined
  }

  deliver(frame: Frame): void {
    this.#listener?.(frame)
  }
}
