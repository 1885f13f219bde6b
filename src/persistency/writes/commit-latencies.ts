/** Owns how long the last transactions of a job took. */
import type { CommitStats } from '../maintenance/types.js'

/** How many are kept. */
const WINDOW = 1024

export class CommitLatencies {
  readonly #recent: number[] = []
  #count = 0

  /** Adds one transaction, in milliseconds. */
  add(ms: number): void {
    this.#recent[this.#count % WINDOW] = ms
    this.#count++
  }

  /** Sorts the window: for those who look now and then. */
  stats(): CommitStats {
    const sorted = Float64Array.from(this.#recent).sort()
    return {
      count: this.#count,
      recent: sorted.length,
      medianMs: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99)
    }
  }
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
