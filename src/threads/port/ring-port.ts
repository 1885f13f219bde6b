/**
 * Owns the connection between a host and its worker: small frames go through rings in shared memory, everything else through
 * the port, and all of it arrives in the order it was sent. Each value sent has a number; the receiver takes the next number
 * from the ring or from the port.
 *
 * The sender does not call a reader that is marked as awake. While it is, a watcher has promised to look by itself (`watch`,
 * `unwatch`). A delivery that continues later watches until then. The last watcher to stop removes the mark first, and then
 * looks once more.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import { runOutside } from '../../runtime/outside.js'
import { type LaneFrame, MAIN_LANE } from './lanes.js'
import type { LinkPort, PortEvent } from './link-port.js'
import { RingReader, RingWriter } from './ring.js'

/** How long handling frames may hold up the rest of the thread, such as promises and timers, in milliseconds. */
export const HOLD_UP_MS = 4

/** Calls a reader that sleeps. */
const CALL = 0

/**
 * What travels through the port: anything that is too large for a ring, or no frame. Code of a worker may post values of its
 * own to the same port, so the field has a name that is not used elsewhere.
 */
interface Parcel {
  readonly persistencySeq: number
  readonly value: unknown
}

/** The part of a `Worker` or a `MessagePort` that a ring port needs. */
export interface ParcelPort {
  postMessage(value: Parcel | typeof CALL, transfer?: readonly never[]): void
  on(event: PortEvent, listener: (value: unknown) => void): unknown
  off(event: PortEvent, listener: (value: unknown) => void): unknown
}

export interface RingPortParts<Port> {
  readonly port: Port
  readonly out: SharedArrayBuffer
  readonly in: SharedArrayBuffer
  /** Takes what has arrived on the port without waiting for the event loop; absent where Node.js has no such function. */
  readonly takeParcel?: () => unknown
}

export class RingPort implements LinkPort {
  readonly #port: ParcelPort
  readonly #takeParcel: (() => unknown) | undefined
  readonly #out: RingWriter
  readonly #in: RingReader
  #sent = 0
  #received = 0
  #parcels: Parcel[] = []
  #listener: ((value: unknown) => void) | undefined
  /** How many watchers there are, see `watch`. */
  #watchers = 0
  /** Whether the delivery continues in the next round of the event loop. */
  #goesOn = false

  constructor({ port, out, in: incoming, takeParcel }: RingPortParts<ParcelPort>) {
    this.#port = port
    this.#takeParcel = takeParcel
    this.#out = new RingWriter(out)
    this.#in = new RingReader(incoming)
  }

  postMessage(value: unknown, transfer: readonly unknown[] = []): void {
    this.#port.postMessage({ persistencySeq: this.#sent, value }, transfer as readonly never[])
    this.#sent = (this.#sent + 1) >>> 0
  }

  /** Sends a small frame without transferring its memory; `false` when it has to be posted. */
  tryPost(frame: Uint8Array, lane: number = MAIN_LANE): boolean {
    if (!this.#out.write(this.#sent, lane, frame)) return false
    this.#sent = (this.#sent + 1) >>> 0
    if (this.#out.mustCall()) this.#port.postMessage(CALL)
    return true
  }

  on(event: PortEvent, listener: (value: unknown) => void): void {
    if (event === 'message') this.#listener = listener
    this.#port.on(event, event === 'message' ? this.#onMessage : listener)
  }

  off(event: PortEvent, listener: (value: unknown) => void): void {
    if (event === 'message') this.#listener = undefined
    this.#port.off(event, event === 'message' ? this.#onMessage : listener)
  }

  /** Takes the next value that was sent, if it has arrived: a frame, a frame of a lane, or any other posted value. */
  next(): unknown {
    const record = this.#in.take(this.#received)
    if (record !== undefined) {
      this.#received = (this.#received + 1) >>> 0
      const { lane, frame } = record
      return lane === MAIN_LANE ? frame : ({ lane, frame } satisfies LaneFrame)
    }
    const [parcel] = this.#parcels
    if (parcel?.persistencySeq === this.#received) {
      this.#parcels.shift()
      this.#received = (this.#received + 1) >>> 0
      return parcel.value
    }
    return undefined
  }

  /** As `next`, but looks at the port, too. */
  nextOfAll(): unknown {
    for (;;) {
      const value = this.next()
      if (value !== undefined) return value
      const parcel = this.#takeParcel?.()
      if (parcel === undefined) return undefined
      this.#keep(parcel)
    }
  }

  /** Until `unwatch`, the caller looks for values by itself: the other side does not call this one. */
  watch(): void {
    if (this.#watchers++ === 0) this.#in.wake()
  }

  unwatch(): void {
    if (--this.#watchers > 0) return
    this.#in.sleep()
    // The other side did not call for what it sent before, and what was taken from the port is no event any more.
    if (this.#listener !== undefined && this.#hasNext) this.#goOnLater()
  }

  /**
   * Delivers what has arrived, in no caller's async context. To be called from time to time while watching. A long delivery
   * continues by itself.
   */
  look(): void {
    if (!this.#hasNext || this.#goesOn || this.#listener === undefined) return
    runOutside(this.#deliver)
  }

  /** Delivers all that has arrived, without a limit: the other side has ended. */
  drain(): void {
    for (let value = this.next(); value !== undefined; value = this.next()) this.#listener?.(value)
  }

  get #hasNext(): boolean {
    return this.#in.has(this.#received) || this.#parcels[0]?.persistencySeq === this.#received
  }

  /** Delivers what has arrived and what arrives meanwhile, for at most `HOLD_UP_MS` at a time. */
  readonly #deliver = (): void => {
    this.#listener?.(this.next())
    // Usually that was all, and reading the clock is spared.
    if (!this.#hasNext) return
    const end = performance.now() + HOLD_UP_MS
    while (this.#hasNext) {
      if (performance.now() >= end) {
        this.#goOnLater()
        return
      }
      this.#listener?.(this.next())
    }
  }

  #goOnLater(): void {
    this.#goesOn = true
    this.watch()
    setImmediate(this.#goOn)
  }

  readonly #goOn = (): void => {
    this.#goesOn = false
    try {
      this.look()
    } finally {
      this.unwatch()
    }
  }

  readonly #onMessage = (value: unknown): void => {
    this.#keep(value)
    if (this.#goesOn) return
    // The port may deliver thousands of parcels before any timer: each would otherwise start a delivery of `HOLD_UP_MS`.
    if (value !== CALL) this.#goOnLater()
    else {
      this.watch()
      this.#goOn()
    }
  }

  /** Keeps a parcel; other values were posted by code of the worker. */
  #keep(value: unknown): void {
    const parcel = value as Partial<Parcel> | null
    if (typeof parcel?.persistencySeq === 'number') this.#parcels.push(parcel as Parcel)
  }
}
