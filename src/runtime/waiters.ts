/** Owns waiting for something to become idle, each waiter with a grace period of its own. */
import { LONGEST_TIMER_MS } from './deadlines.js'

/** The default grace period, in milliseconds. */
export const DEFAULT_GRACE_MS = 5000

export class Waiters {
  #waiting: (() => void)[] = []

  /** How many wait now. */
  get size(): number {
    return this.#waiting.length
  }

  /**
   * Resolves to `true` at the next `wake`, to `false` when the grace period runs out first.
   *
   * @param keepsAlive whether the process waits for the end of the grace period
   */
  wait(graceMs: number = DEFAULT_GRACE_MS, keepsAlive = true): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer)
        resolve(true)
      }
      const giveUp = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== wake)
        resolve(false)
      }
      // NaN gets a timer, too: setTimeout takes it for 1 ms.
      const timer = graceMs > LONGEST_TIMER_MS ? undefined : setTimeout(giveUp, graceMs)
      if (!keepsAlive) timer?.unref?.()
      this.#waiting.push(wake)
    })
  }

  /** Ends all waits. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
