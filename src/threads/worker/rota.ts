/**
 * Owns the turns of the contexts on a thread that serves several. Each context has a line of work, done in order; lines with
 * work take turns, a slice of time each.
 */
import { setImmediate, setTimeout } from '../../runtime/event-loop.js'
import { runOutside } from '../../runtime/outside.js'
import type { Frame } from '../port/frame.js'

/** How long a line may work before it is the turn of the next, in milliseconds. */
export const SLICE_MS = 2

/** How a context shares its thread with others: for code whose work may not fit into a slice. */
export interface ThreadShare {
  /** Whether the slice of this context is used up. */
  over(): boolean
  /** Starts the slice again, after work that does not count as work of this context, such as opening its file. */
  renew(): void
  /**
   * Continues with `work` in a later slice, after `delayMs` at the earliest. What several callers continue with is done in
   * the order of their calls, except for delays. Called while messages are handled, or by such work, only what came in the
   * same frame is handled before all of it has run without another `goOn`; called later, as after an `await`, nothing is.
   */
  goOn(work: () => void, delayMs?: number): void
  /** Runs `work`, which must not throw, in a turn of this context, after everything that has arrived for it. */
  push(work: () => void): void
}

/** How long to block when all lines rest and the event loop does not run, in milliseconds. */
const PAUSE_MS = 10

const pause = new Int32Array(new SharedArrayBuffer(4))

/** The lines that have work, in the order of their turns. */
export class Rota {
  readonly #onFault: (fault: unknown) => void
  readonly #waiting: WorkLine[] = []
  #scheduled = false
  #sliceEnd = 0

  /** @param onFault called with errors that work must not throw */
  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault
  }

  /** Whether no line has work that can be done now. */
  get idle(): boolean {
    return this.#waiting.length === 0
  }

  get sliceOver(): boolean {
    return performance.now() >= this.#sliceEnd
  }

  /** Starts the slice of the working line again. */
  renewSlice(): void {
    this.#sliceEnd = performance.now() + SLICE_MS
  }

  /** Lists a line that has work. */
  add(line: WorkLine): void {
    this.#waiting.push(line)
    this.#schedule()
  }

  /** Gives turns to the listed lines, for one slice in all; then the event loop looks for messages. */
  readonly run = (): void => {
    const until = performance.now() + SLICE_MS
    do {
      const line = this.#waiting.shift()
      if (line === undefined) return
      this.#giveTurn(line)
    } while (performance.now() < until)
    this.#schedule()
  }

  /** Blocks the thread until the lines have no work left; `false` when `deadline` comes first. */
  workOff(lines: readonly WorkLine[], deadline: number): boolean {
    for (;;) {
      const left = lines.filter((line) => !line.done)
      if (left.length === 0) return true
      if (performance.now() >= deadline) return false
      if (left.every((line) => line.resting)) Atomics.wait(pause, 0, 0, PAUSE_MS)
      for (const line of left) {
        line.wake()
        this.#giveTurn(line)
      }
    }
  }

  #giveTurn(line: WorkLine): void {
    this.renewSlice()
    try {
      line.work()
    } catch (fault) {
      this.#onFault(fault)
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.idle) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      // A turn must not run in the async context of the message that listed the line.
      runOutside(this.run)
    })
  }
}

/** What handles the frames of a line: a link. */
export interface FrameTaker {
  take(frame: Frame): void
  /** Called when the work on a frame is to continue in a later slice. */
  holdAcknowledgement(): void
  /** Called after each piece of work, with whether it continues in a later slice. */
  afterWork(goesOn: boolean): void
}

/** Work that was not finished in a slice. */
interface Rest {
  readonly work: () => void
  /** Whether its delay is over. */
  ready: boolean
}

/** The work of one context, in order: frames to be handled, and functions to be called between them. */
export class WorkLine implements ThreadShare {
  readonly #rota: Rota
  readonly #taker: FrameTaker
  readonly #queue: (Frame | (() => void))[] = []
  readonly #rests: Rest[] = []
  #listed = false
  #working = false

  constructor(rota: Rota, taker: FrameTaker) {
    this.#rota = rota
    this.#taker = taker
  }

  /** Adds a frame, or work, which must not throw. */
  push(next: Frame | (() => void)): void {
    this.#queue.push(next)
    this.#list()
  }

  /** Adds work, and returns its result. */
  run<T>(work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.push(() => {
        try {
          resolve(work())
        } catch (thrown) {
          reject(thrown)
        }
      })
    })
  }

  /** Removes and returns the next frame; `undefined` when work comes first, or the slice is over. */
  takeFrame(): Frame | undefined {
    if (this.#rests.length > 0 || this.over()) return undefined
    return typeof this.#queue[0] === 'function' ? undefined : (this.#queue.shift() as Frame | undefined)
  }

  over(): boolean {
    return this.#rota.sliceOver
  }

  renew(): void {
    this.#rota.renewSlice()
  }

  goOn(work: () => void, delayMs = 0): void {
    this.#taker.holdAcknowledgement()
    const rest = { work, ready: delayMs === 0 }
    this.#rests.push(rest)
    if (rest.ready) {
      // A line that works is listed at the end of its turn, behind the others.
      if (!this.#working) this.#list()
      return
    }
    setTimeout(() => {
      rest.ready = true
      this.#list()
    }, delayMs)
  }

  /** Whether no work is left. */
  get done(): boolean {
    return this.#rests.length === 0 && this.#queue.length === 0
  }

  /** Whether its work continues after delays of which none is over. */
  get resting(): boolean {
    return this.#rests.length > 0 && !this.#rests.some(({ ready }) => ready)
  }

  /** Ends the delays: while the thread is blocked, no timer fires. */
  wake(): void {
    for (const rest of this.#rests) rest.ready = true
  }

  /** Works until the slice is over or no work can be done now. */
  work(): void {
    this.#listed = false
    this.#working = true
    try {
      do this.#step()
      while (this.#ready && !this.#rota.sliceOver)
    } finally {
      this.#working = false
    }
    this.#list()
  }

  get #ready(): boolean {
    return !this.resting && !this.done
  }

  #step(): void {
    const next = this.#rests.length > 0 ? this.#takeRest() : this.#queue.shift()
    if (typeof next === 'function') next()
    else if (next !== undefined) this.#taker.take(next)
    this.#taker.afterWork(this.#rests.length > 0)
  }

  /** The first whose delay is over; the others keep their order. */
  #takeRest(): (() => void) | undefined {
    const at = this.#rests.findIndex(({ ready }) => ready)
    return at === -1 ? undefined : this.#rests.splice(at, 1)[0]?.work
  }

  #list(): void {
    if (this.#listed || !this.#ready) return
    this.#listed = true
    this.#rota.add(this)
  }
}
