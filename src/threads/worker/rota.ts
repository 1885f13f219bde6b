/**
 * Owns whose turn it is on a thread that serves several contexts. Each has a line of work, done in order; those that
 * have work take turns, a slice of time each.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import { runOutside } from '../../runtime/outside.js'
import type { Frame } from '../port/frame.js'

/** How long one line may go on while others may be waiting, in milliseconds. */
export const SLICE_MS = 2

/** How a context shares its thread with others. For code that may have more to do than fits a slice. */
export interface ThreadShare {
  /** Whether the slice of this context is used up. */
  over(): boolean
  /** Begins the slice anew, after work without which nothing of the context could be done. */
  renew(): void
  /**
   * Goes on with `work` in a later slice, at the earliest after `delayMs`. Until it has been called and has not asked
   * for more, nothing else of the context is taken in. To be called while messages are taken in, at most once a slice.
   */
  goOn(work: () => void, delayMs?: number): void
  /** Does `work`, which must not throw, in a turn of this context, behind everything that has come for it. */
  push(work: () => void): void
}

/** How long to leave those alone who wait for something, where the event loop cannot go on, in milliseconds. */
const PAUSE_MS = 10

const pause = new Int32Array(new SharedArrayBuffer(4))

/** The lines that have work, in the order of their turns. */
export class Rota {
  readonly #onFault: (fault: unknown) => void
  readonly #waiting: WorkLine[] = []
  #scheduled = false
  #sliceEnd = 0

  /** @param onFault called with what work throws that must not */
  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault
  }

  /** Whether no line can go on. */
  get idle(): boolean {
    return this.#waiting.length === 0
  }

  get sliceOver(): boolean {
    return performance.now() >= this.#sliceEnd
  }

  /** Begins the slice of the line that is at work anew. */
  renewSlice(): void {
    this.#sliceEnd = performance.now() + SLICE_MS
  }

  /** A line has work. */
  add(line: WorkLine): void {
    this.#waiting.push(line)
    this.#schedule()
  }

  /** Gives turns to the lines that wait, for a slice; then the thread looks for messages before it goes on. */
  readonly run = (): void => {
    const until = performance.now() + SLICE_MS
    do {
      const line = this.#waiting.shift()
      if (line === undefined) return
      this.#giveTurn(line)
    } while (performance.now() < until)
    this.#schedule()
  }

  /** Blocks the thread until the lines have nothing left to do; `false` when `deadline` comes first. */
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
      // What is done in turns is no part of whatever a line got its work from.
      runOutside(this.run)
    })
  }
}

/** What takes in the frames of a line; a link. */
export interface FrameTaker {
  take(frame: Frame): void
  /** Called when the work on a frame is to go on in a later slice. */
  holdAcknowledgement(): void
  /** Called after each piece of work, with whether it goes on in a later slice. */
  afterWork(goesOn: boolean): void
}

/** The work of one context, in order: frames to be taken in, and whatever else is to be done between them. */
export class WorkLine implements ThreadShare {
  readonly #rota: Rota
  readonly #taker: FrameTaker
  readonly #queue: (Frame | (() => void))[] = []
  #rest: (() => void) | undefined
  #resting = false
  #listed = false

  constructor(rota: Rota, taker: FrameTaker) {
    this.#rota = rota
    this.#taker = taker
  }

  /** Adds a frame behind all that is there, or work, which must not throw. */
  push(next: Frame | (() => void)): void {
    this.#queue.push(next)
    this.#list()
  }

  /** Adds work, and answers what it comes to. */
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

  /** Takes the next frame out, if it is a frame that comes next, the slice is not over, and nothing is to go on before. */
  takeFrame(): Frame | undefined {
    if (this.#rest !== undefined || this.over()) return undefined
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
    this.#rest = work
    if (delayMs === 0) return
    this.#resting = true
    setTimeout(() => {
      this.#resting = false
      this.#list()
    }, delayMs)
  }

  /** Whether nothing is left to do. */
  get done(): boolean {
    return this.#rest === undefined && this.#queue.length === 0
  }

  /** Whether it is to be left alone for a while. */
  get resting(): boolean {
    return this.#resting
  }

  /** Has it go on before its time; no timer will tell when that has come. */
  wake(): void {
    this.#resting = false
  }

  /** Works until the slice is over or nothing can be done now. */
  work(): void {
    this.#listed = false
    do this.#step()
    while (this.#ready && !this.#rota.sliceOver)
    this.#list()
  }

  get #ready(): boolean {
    return !this.#resting && !this.done
  }

  #step(): void {
    const next = this.#rest ?? this.#queue.shift()
    this.#rest = undefined
    if (typeof next === 'function') next()
    else if (next !== undefined) this.#taker.take(next)
    this.#taker.afterWork(this.#rest !== undefined)
  }

  #list(): void {
    if (this.#listed || !this.#ready) return
    this.#listed = true
    this.#rota.add(this)
  }
}
