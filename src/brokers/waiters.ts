/** Owns those who wait for something to become idle, each with a grace period of its own. */
import { LONGEST_TIMER_MS } from './deadlines.js'

/** How long to wait when nothing else is said, in milliseconds. */
export const DEFAULT_GRACE_MS = 5000

export class Waiters {
  readonly #waiting: (() => void)[] = []

  /** Resolves to `true` at the next `wake`, to `false` when the grace period runs out first. */
  wait(graceMs: number = DEFAULT_GRACE_MS): Promise<boolean> {
    return new Promise((resolve) => {
      const limited = graceMs <= LONGEST_TIMER_MS
      const timer = limited ? setTimeout(() => resolve(false), graceMs) : undefined
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }

  /** What was waited for has come. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }
}
