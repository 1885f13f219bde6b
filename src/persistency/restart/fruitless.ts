/** Owns the decision whether a storage that has died is worth another thread. */

/** So many threads are started one after another, each of which dies before it has done anything. */
const MAX_FRUITLESS = 3

export class Fruitless {
  #started = 0

  /** A write was committed, or a call was answered: the storage gets somewhere. */
  progress(): void {
    this.#started = 0
  }

  /**
   * Whether to start another thread; counts it. One that had nothing to do is given twice the chance: it may have died of
   * what another job did, which is given up first.
   */
  mayStart(idle: boolean): boolean {
    return ++this.#started <= (idle ? 2 * MAX_FRUITLESS : MAX_FRUITLESS)
  }
}
