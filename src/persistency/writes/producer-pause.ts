/**
 * Owns the pauses of producers that await each of their writes: when they begin, and when they end. Knows neither the
 * writes nor who waits for room.
 */
import { setImmediate } from '../../runtime/event-loop.js'

/**
 * So many operations are let in before the event loop gets a turn: a producer that awaits each write would otherwise
 * hold it until the queue is full, and a commit that makes room would let everyone in at once.
 */
export const BURST_OPS = 1000

/**
 * A producer that awaits its writes is let so many operations ahead of the commits: enough to keep the storage busy. More
 * would only make the garbage collector copy them, and hold the event loop meanwhile.
 */
const AHEAD_OPS = 16384

export class ProducerPause {
  readonly #opsUnderWay: () => number
  /** Operations accepted since the last pause, and the pause that is under way. */
  #burst = 0
  #pause: Promise<undefined> | undefined
  #resume: (() => void) | undefined
  #hadTurn = false

  /** @param opsUnderWay how many operations still have to be committed */
  constructor(opsUnderWay: () => number) {
    this.#opsUnderWay = opsUnderWay
  }

  /** Operations were accepted that nobody waits for; answers the pause that their producer is to make, if any. */
  took(ops: number): Promise<undefined> | undefined {
    this.#burst += ops
    return this.#burst < BURST_OPS ? undefined : this.#paused()
  }

  /** Lets producers go on that wait for the event loop: when it has had a turn and not too much is under way. */
  resumeIfDue(): void {
    if (!this.#hadTurn || this.#opsUnderWay() > AHEAD_OPS) return
    this.#hadTurn = false
    this.#resume?.()
    this.#resume = undefined
  }

  #paused(): Promise<undefined> {
    this.#pause ??= new Promise((resolve) => {
      this.#resume = () => {
        this.#burst = 0
        this.#pause = undefined
        resolve(undefined)
      }
      setImmediate(() => {
        this.#hadTurn = true
        this.resumeIfDue()
      })
    })
    return this.#pause
  }
}
