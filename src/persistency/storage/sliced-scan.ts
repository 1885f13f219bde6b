/** Owns reading a range as of one moment although others have their turn meanwhile: piece by piece, as a slice goes. */
import type { PackedPage } from '../frames/packed.js'
import type { KvScanPage, KvScanQuery } from '../message-payloads.js'
import type { Pace } from './pace.js'
import { Scan } from './range-reader.js'
import type { SqliteStore } from './sqlite-store.js'

/** So often a scan is begun in slices. When another owner has come in between each time, it is read in one go. */
const MAX_ATTEMPTS = 4

export class SlicedScan {
  readonly #query: KvScanQuery
  #scan: Scan
  /** What the pieces that have been read are of: this job writes nothing in between. */
  #of: { readonly store: SqliteStore; readonly dataVersion: number } | undefined
  #attempts = 0

  constructor(query: KvScanQuery) {
    this.#query = query
    this.#scan = new Scan(query)
  }

  /** Forgets the pieces that have been read. */
  startOver(): void {
    this.#scan = new Scan(this.#query)
    this.#of = undefined
  }

  /** Reads on as far as the slice goes; answers the page when that was all of it. */
  goOn(store: SqliteStore, pace: Pace): KvScanPage | undefined {
    const writing = store.inTransaction
    return store.consistently(() => {
      this.#requireSameMoment(store)
      do {
        const page = store.readPiece(this.#scan)
        if (page !== undefined) return this.#query.withPlace ? placed(page, store, writing) : page
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

/** A transaction that writes knows where the journal is, and of events in it that are not stored yet. */
function placed(page: PackedPage, store: SqliteStore, writing: boolean): KvScanPage {
  const journal = store.journal ?? store.lookForJournal()
  if (!writing) journal?.refresh()
  return journal === undefined ? page : page.at(journal.lastSeq)
}
