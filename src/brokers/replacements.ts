/**
 * Owns what is put back when a replacement ends. Replacements may overlap and end in any order; none of those whose
 * time is over may come back.
 */
export class Replacements<T extends object> {
  /** What each replacement whose time is over had replaced. */
  readonly #over = new WeakMap<T, T | undefined>()

  /** The replacement has ended; answers what is still wanted of those before it. */
  end(replacement: T, former: T | undefined): T | undefined {
    this.#over.set(replacement, former)
    let next = former
    while (next !== undefined && this.#over.has(next)) next = this.#over.get(next)
    return next
  }
}
