/** Owns which reads are cut into pieces on a thread with other jobs, and how. */
import { type PackedPage, PackedPayloads } from '../frames/packed.js'
import type { KvManyQuery, KvPayloads, KvRangeQuery, KvScanPage, KvScanQuery } from '../message-payloads.js'
import { Counting, Scan } from './range-reader.js'
import { SlicedRead } from './sliced-read.js'
import type { SqliteStore } from './sqlite-store.js'

/** So many rows of a list of keys are read together: about half a slice. */
const KEYS_AT_ONCE = 512

export function slicedScan(query: KvScanQuery): SlicedRead<KvScanPage> {
  return new SlicedRead(() => {
    const scan = new Scan(query)
    return (store) => {
      const page = store.readPiece(scan)
      return page !== undefined && query.withPlace ? placed(page, store) : page
    }
  })
}

export function slicedCount({ category, range }: KvRangeQuery): SlicedRead<number> {
  return new SlicedRead(() => {
    const counting = new Counting(range)
    return (store) => store.countPiece(category, counting)
  })
}

/** `undefined` for few keys, which are one piece. */
export function slicedGetMany({ category, keys }: KvManyQuery): SlicedRead<KvPayloads> | undefined {
  if (keys.length <= KEYS_AT_ONCE) return undefined
  return new SlicedRead(() => {
    const packed: Uint8Array[] = []
    let next = 0
    return (store) => {
      const some = keys.slice(next, next + KEYS_AT_ONCE)
      packed.push(...store.getMany(category, some).parts)
      next += some.length
      return next < keys.length ? undefined : new PackedPayloads(packed)
    }
  })
}

/** A transaction that writes knows where the journal is, and of events in it that are not stored yet. */
function placed(page: PackedPage, store: SqliteStore): KvScanPage {
  const journal = store.journal ?? store.lookForJournal()
  if (!store.uncertain) journal?.refresh()
  return journal === undefined ? page : page.at(journal.lastSeq)
}
