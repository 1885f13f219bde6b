/**
 * Owns the way between a host and its worker: small frames go through rings in shared memory, everything else through the
 * port, and all of it arrives in the order it was sent. Each thing sent has a number; the receiver takes them in turn from
 * wherever they are.
 */
import { type LaneFrame, MAIN_LANE } from './lanes.js'
import type { LinkPort } from './port.js'
import { RingReader, RingWriter } from './ring.js'

/** Calls a reader that sleeps. */
const CALL = 0

/** What travels through the port: anything that is too large for a ring, or no frame. */
interface Parcel {
  readonly seq: number
  readonly value: unknown
}

/** The part of a `Worker` or a `MessagePort` that is needed. */
export interface ParcelPort {
  postMessage(value: Parcel | typeof CALL, transfer?: readonly never[]): void
  on(event: 'message', listener: (value: unknown) => void): unknown
  off(event: 'message', listener: (value: unknown) => void): unknown
}

/** Where listeners are called: an `AsyncResource`, whose type consumers may not have. */
export interface DeliveryScope {
  runInAsyncScope(deliver: (value: unknown) => void, self: undefined, value: unknown): void
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

  constructor({ port, out, in: incoming, takeParcel }: RingPortParts<ParcelPort>) {
    this.#port = port
    this.#takeParcel = takeParcel
    this.#out = new RingWriter(out)
    this.#in = new RingReader(incoming)
  }

  postMessage(value: unknown, transfer: readonly unknown[] = []): void {
    this.#port.postMessage({ seq: this.#sent, value }, transfer as readonly never[])
    this.#sent = (this.#sent + 1) >>> 0
  }

  /** Sends a small frame without giving its memory away; `false` when it has to be posted. */
  tryPost(frame: Uint8Array, lane: number = MAIN_LANE): boolean {
    if (!this.#out.write(this.#sent, lane, frame)) return false
    this.#sent = (this.#sent + 1) >>> 0
    if (this.#out.mustCall()) this.#port.postMessage(CALL)
    return true
  }

  on(_event: 'message', listener: (value: unknown) => void): void {
    this.#listener = listener
    this.#port.on('message', this.#onMessage)
  }

  off(): void {
    this.#listener = undefined
    this.#port.off('message', this.#onMessage)
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
    if (parcel?.seq === this.#received) {
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

  /** Delivers what has come, in `scope` if one is given. To be called from time to time while watching. */
  look(scope?: DeliveryScope): void {
    for (let value = this.next(); value !== undefined; value = this.next()) {
      if (scope === undefined) this.#listener?.(value)
      else scope.runInAsyncScope(this.#deliver, undefined, value)
    }
  }

  readonly #deliver = (value: unknown): void => this.#listener?.(value)

  unwatch(): void {
    if (--this.#watchers > 0) return
    this.#in.sleep()
    // What came just before has not been called out, and what was taken from the port will be no event.
    while (!this.#in.empty || this.#parcels[0]?.seq === this.#received) {
      this.#watchers++
      this.#in.wake()
      const before = this.#received
      this.look()
      this.#watchers--
      this.#in.sleep()
      // What is next is on its way through the port, and will be an event.
      if (this.#received === before) return
    }
  }

  readonly #onMessage = (value: unknown): void => {
    this.#keep(value)
    this.watch()
    try {
      this.look()
    } finally {
      this.unwatch()
    }
  }

  #keep(value: unknown): void {
    if (value !== CALL) this.#parcels.push(value as Parcel)
  }
}
