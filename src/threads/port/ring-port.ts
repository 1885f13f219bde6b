/**
 * Owns the way between a host and its worker: small frames go through rings in shared memory, everything else through the
 * port, and all of it arrives in the order it was sent. Each thing sent has a number; the receiver takes them in turn from
 * wherever they are.
 *
 * A reader that is marked as awake is not called. So while it is, there is always somebody who will look: whoever watches. A
 * delivery that goes on later watches until then. The last one to stop takes the mark away first, and then looks once more.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import { runOutside } from '../../runtime/outside.js'
import { type LaneFrame, MAIN_LANE } from './lanes.js'
import type { LinkPort, PortEvent } from './link-port.js'
import { RingReader, RingWriter } from './ring.js'

/** How long taking frames in may hold up what else the thread has to do, such as promises and timers, in milliseconds. */
export const HOLD_UP_MS = 4

/** Calls a reader that sleeps. */
const CALL = 0

/**
 * What travels through the port: anything that is too large for a ring, or no frame. Code of a worker may post what it
 * likes past us, so the number has a name that nobody else gives to anything.
 */
interface Parcel {
  readonly persistencySeq: number
  readonly value: unknown
}

/** The part of a `Worker` or a `MessagePort` that is needed. */
export interface ParcelPort {
  postMessage(value: Parcel | typeof CALL, transfer?: readonly never[]): void
  on(event: PortEvent, listener: (value: unknown) => void): unknown
  off(event: PortEvent, listener: (value: unknown) => void): unknown
}

export interface RingPortParts<Port> {
  readonly port: Port
  readonly out: SharedArrayBuffer
  readonly in: SharedArrayBuffer
  /** Takes what has arrived on the port without waiting for the event loop; where there is such a way. */
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
  /** How many want the ring to be looked at without being called. */
  #watchers = 0
  /** Whether the delivery goes on in the next round of the event loop. */
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

  /** Sends a small frame without giving its memory away; `false` when it has to be posted. */
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

  /** Takes the next thing that was sent, if it is here: a frame, a frame of a lane, or whatever else was posted. */
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

  /** As `next`, and looks at the port, too. */
  nextOfAll(): unknown {
    for (;;) {
      const value = this.next()
      if (value !== undefined) return value
      const parcel = this.#takeParcel?.()
      if (parcel === undefined) return undefined
      this.#keep(parcel)
    }
  }

  /** Until `unwatch`, whoever calls this looks for what has come by itself: the other side does not call. */
  watch(): void {
    if (this.#watchers++ === 0) this.#in.wake()
  }

  unwatch(): void {
    if (--this.#watchers > 0) return
    this.#in.sleep()
    // What came just before has not been called out, and what was taken from the port will be no event.
    if (this.#listener !== undefined && this.#hasNext) this.#goOnLater()
  }

  /**
   * Delivers what has come, in no caller's async context. To be called from time to time while watching. What takes long
   * goes on by itself.
   */
  look(): void {
    if (!this.#hasNext || this.#goesOn || this.#listener === undefined) return
    runOutside(this.#deliver)
  }

  /** Delivers what has come, however long that takes: the other side has ended. */
  drain(): void {
    for (let value = this.next(); value !== undefined; value = this.next()) this.#listener?.(value)
  }

  get #hasNext(): boolean {
    return this.#in.has(this.#received) || this.#parcels[0]?.persistencySeq === this.#received
  }

  /** Delivers what is there and what comes meanwhile, until others must have their turn. */
  readonly #deliver = (): void => {
    this.#listener?.(this.next())
    // Mostly that was all, and needs no look at the clock.
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
    // The port brings all parcels that there are before timers have their turn, and so may bring thousands.
    if (value !== CALL) this.#goOnLater()
    else {
      this.watch()
      this.#goOn()
    }
  }

  /** What else somebody posts in a worker is none of ours. */
  #keep(value: unknown): void {
    const parcel = value as Partial<Parcel> | null
    if (typeof parcel?.persistencySeq === 'number') this.#parcels.push(parcel as Parcel)
  }
}
