/**
 * Owns how many are told something in one turn of the event loop. Who is told may go on in the same turn, and a thousand of
 * them would hold it.
 */
import { setImmediate } from '../../runtime/event-loop.js'

/** What each of them does takes some microseconds at least. */
const TOLD_IN_A_TURN = 64

export class Tellings {
  #waiting: (() => void)[] = []
  #told = 0
  #turnComes = false

  /** Tells in this turn, if there is room in it and nobody waits, or else in one of the next, in order. */
  add(tell: () => void): void {
    this.#waiting.push(tell)
    this.#tell()
  }

  #tell(): void {
    const room = TOLD_IN_A_TURN - this.#told
    if (room === 0) return
    const turn = this.#waiting.length <= room ? this.#waiting : this.#waiting.slice(0, room)
    this.#waiting = this.#waiting.slice(turn.length)
    this.#told += turn.length
    for (const tell of turn) tell()
    if (this.#turnComes || this.#told === 0) return
    this.#turnComes = true
    setImmediate(() => {
      this.#turnComes = false
      this.#told = 0
      this.#tell()
    })
  }
}
