/** Owns reading a range page by page. Knows how pages follow each other, not where they come from. */
import type { ResultAsync } from 'neverthrow'
import type { PersistencyError } from './errors.js'
import type { KeyRange } from './key-range.js'
import { Key } from './keys.js'
import type { KvScanPage, KvScanQuery } from './message-payloads.js'
import type { KvRow, ReadOptions, StreamOptions } from './types.js'
import { checkQuery, checkStreamOptions } from './validate.js'

/** Fetches one page. */
export type ReadPage = (query: KvScanQuery, options: ReadOptions) => ResultAsync<KvScanPage, PersistencyError>

const DEFAULT_PAGE_ROWS = 512
const PAGE_BYTES = 1024 * 1024

/** Yields the rows of a range in order; throws the `PersistencyError` of a page that cannot be read. */
export async function* streamRows(
  category: string,
  rangeOrPrefix: KeyRange | Key,
  options: StreamOptions | undefined,
  readPage: ReadPage
): AsyncGenerator<KvRow, void, undefined> {
  const query = checkQuery(category, rangeOrPrefix)
  if (query.isErr()) throw query.error
  const checked = checkStreamOptions(options)
  if (checked.isErr()) throw checked.error
  const {
    limit = Number.POSITIVE_INFINITY,
    pageSize = DEFAULT_PAGE_ROWS,
    timeoutMs,
    signal,
    ...how
  } = checked.value
  const read = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
  let range: KeyRange | undefined = query.value.range
  let left = limit
  while (range !== undefined && left > 0) {
    const size = Math.min(pageSize, left)
    const page = await readPage({ category, range, ...how, limit: size, maxBytes: PAGE_BYTES }, read)
    if (page.isErr()) throw page.error
    const { rows, more } = page.value
    yield* rows
    left -= rows.length
    range = more ? rest(range, rows.at(-1), how.reverse ?? false) : undefined
  }
}

/** What is left of a range after a page that ended with `last`. */
function rest(range: KeyRange, last: KvRow | undefined, reverse: boolean): KeyRange | undefined {
  if (last === undefined) return undefined
  if (!reverse) return { ...range, start: successor(last.key) }
  // Nothing sorts before the empty key, and an empty stop would mean an open end.
  return last.key.length === 0 ? undefined : { start: range.start, stop: last.key }
}

/** The smallest key behind `key`. */
function successor(key: Key): Key {
  const bytes = new Uint8Array(key.length + 1)
  bytes.set(key.bytes)
  return Key.view(bytes)
}
