/** Owns the last things that happened. Routine commits cannot push out what is rare. */
import type { Happening } from './wire.js'

type Unnumbered<T> = T extends unknown ? Omit<T, 'number'> : never

const KEPT_COMMITS = 60
const KEPT_OTHERS = 140

export class Happenings {
  readonly #commits: Happening[] = []
  readonly #others: Happening[] = []
  #fresh: Happening[] = []
  #last = 0

  add(happening: Unnumbered<Happening>): void {
    const numbered: Happening = { ...happening, number: ++this.#last }
    const [kept, limit] =
      numbered.kind === 'commits' ? [this.#commits, KEPT_COMMITS] : [this.#others, KEPT_OTHERS]
    kept.push(numbered)
    if (kept.length > limit) kept.shift()
    this.#fresh.push(numbered)
    if (this.#fresh.length > KEPT_COMMITS + KEPT_OTHERS) this.#fresh.shift()
  }

  /** The ones that are kept, oldest first. */
  get all(): readonly Happening[] {
    return [...this.#commits, ...this.#others].sort((a, b) => a.number - b.number)
  }

  /** The ones since this was last asked. */
  takeFresh(): readonly Happening[] {
    const fresh = this.#fresh
    this.#fresh = []
    return fresh
  }
}
