/** Owns the decision whether a storage that has died is worth another thread. */

/** So many threads are started one after another, each of which dies before it has done anything. */
const MAX_FRUITLESS = 3

export class Fruitless {
  #started = 0

  /** A write was committed, or a call was answered: the storage gets somewhere. */
  progress(): void {
    this.#started = 0
  }

  /** Whether to start another thread; counts it. */
  mayStart(): boolean {
    return ++this.#started <= MAX_FRUITLESS
  }
}
