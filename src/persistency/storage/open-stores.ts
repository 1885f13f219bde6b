/**
 * Owns which databases of this thread are open. There may be at most so many; the one that was used least recently
 * gives way, if its job allows that, and is opened again when it is used.
 */

/** A database that is open, or may be. */
export interface OpenStore {
  /** Whether it may be closed while others need its place. */
  readonly closable: boolean
  close(): void
}

export class OpenStores {
  /** Those that may be closed, the least recently used first. */
  readonly #closable = new Set<OpenStore>()
  #last: OpenStore | undefined
  #open = 0

  /** Takes note that a database is used. */
  used(store: OpenStore): void {
    if (this.#last === store) return
    this.#last = store
    if (!this.#closable.delete(store)) return
    this.#closable.add(store)
  }

  /** Makes room for one more database, and counts it. */
  enter(store: OpenStore, maxOpen: number): void {
    this.#closeAbove(maxOpen - 1)
    this.#open++
    if (store.closable) this.#closable.add(store)
  }

  /** A database that is open may be closed from now on, or may not; it may have been one more than there may be. */
  changed(store: OpenStore, maxOpen: number): void {
    if (store.closable) this.#closable.add(store)
    else this.#closable.delete(store)
    this.#closeAbove(maxOpen)
  }

  left(store: OpenStore): void {
    this.#open--
    this.#closable.delete(store)
    if (this.#last === store) this.#last = undefined
  }

  #closeAbove(most: number): void {
    while (this.#open > most) {
      const [leastRecent] = this.#closable
      // The host lets no job in for which there cannot be room; one that is being closed may still be here.
      if (leastRecent === undefined) break
      leastRecent.close()
    }
  }
}
