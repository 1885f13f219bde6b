/** Owns rows of all categories as they lie in the file: reading them in its order, and mending them. */
import type { SqliteStore } from '../sqlite-store.js'

// What another tool has stored counts as its bytes, as for everybody who reads.
const FIRST = 'SELECT category, key, CAST(payload AS BLOB) FROM kv ORDER BY category, key LIMIT ?'
const BEHIND =
  'SELECT category, key, CAST(payload AS BLOB) FROM kv WHERE (category, key) > (?, ?) ORDER BY category, key LIMIT ?'

/** A row as it lies in the file, its payload as bytes. */
export type PlainRow = readonly [category: Uint8Array, key: Uint8Array, payload: Uint8Array]

/** Rows that stand one behind the other. */
export interface PlainRows {
  readonly rows: PlainRow[]
  /** Whether nothing was left out behind the last one. */
  readonly all: boolean
}

/** The first rows behind a place, until they are so many, or so large. */
export function rowsBehind(
  { statements }: SqliteStore,
  after: readonly [category: Uint8Array, key: Uint8Array] | undefined,
  limit: number,
  maxBytes: number
): PlainRows {
  const found =
    after === undefined
      ? statements.get(FIRST, 'raw').iterate(limit)
      : statements.get(BEHIND, 'raw').iterate(...after, limit)
  const rows: PlainRow[] = []
  let bytes = 0
  for (const row of found as IterableIterator<PlainRow>) {
    rows.push(row)
    bytes += row[2].length
    if (bytes >= maxBytes) return { rows, all: false }
  }
  return { rows, all: rows.length < limit }
}

/** Stores some rows and removes others, all or none. No journal learns of it. */
export function mend(store: SqliteStore, stored: readonly PlainRow[], removed: readonly PlainRow[]): void {
  store.atomically(() => {
    for (const [category, key] of removed) store.rows.remove(category, key)
    store.rows.putValues(stored.flat())
  })
}
