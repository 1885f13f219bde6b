/**
 * Owns what is put back when a replacement ends. Replacements may overlap and end in any order; one that has ended is never
 * put back.
 */
export class Replacements<T extends object> {
  /** What each ended replacement had replaced. */
  readonly #over = new WeakMap<T, T | undefined>()

  /** Ends a replacement; returns the last one before it that has not ended. */
  end(replacement: T, former: T | undefined): T | undefined {
    this.#over.set(replacement, former)
    let next = former
    while (next !== undefined && this.#over.has(next)) next = this.#over.get(next)
    return next
  }
}
