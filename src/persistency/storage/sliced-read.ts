/** Owns reading as of one moment although others have their turn meanwhile: piece by piece, as a slice goes. */
import type { Pace } from './pace.js'
import type { SqliteStore } from './sqlite-store.js'

/** Reads the next piece; answers everything when that was the last. Holds nothing open in between. */
export type ReadPiece<T> = (store: SqliteStore) => T | undefined

/** So often reading is begun in slices. When another owner has come in between each time, it is done in one go. */
const MAX_ATTEMPTS = 4

export class SlicedRead<T> {
  readonly #begin: () => ReadPiece<T>
  #read: ReadPiece<T>
  /** What the pieces that have been read are of: this job writes nothing in between. */
  #of: { readonly store: SqliteStore; readonly dataVersion: number } | undefined
  #attempts = 0

  /** @param begin begins anew, with what has been read forgotten */
  constructor(begin: () => ReadPiece<T>) {
    this.#begin = begin
    this.#read = begin()
  }

  /** Forgets the pieces that have been read. */
  startOver(): void {
    this.#read = this.#begin()
    this.#of = undefined
  }

  /** Reads on as far as the slice goes; answers everything when that was the end. */
  goOn(store: SqliteStore, pace: Pace): T | undefined {
    return store.consistently(() => {
      this.#requireSameMoment(store)
      do {
        const all = this.#read(store)
        if (all !== undefined) return all
      } while (this.#attempts >= MAX_ATTEMPTS || !pace.over)
      return undefined
    })
  }

  #requireSameMoment(store: SqliteStore): void {
    const { dataVersion } = store
    if (this.#of?.store === store && this.#of.dataVersion === dataVersion) return
    this.startOver()
    this.#of = { store, dataVersion }
    this.#attempts++
  }
}
