/** Owns reading a range page by page. Knows how pages follow each other, not where they come from. */
import type { ResultAsync } from 'neverthrow'
import type { CancelSignal } from '../../runtime/platform.js'
import { checkStream } from '../checks/ranges.js'
import type { PersistencyError } from '../errors.js'
import { copyRow } from '../frames/packed.js'
import { type KeyRange, rangeAfter } from '../keys/key-range.js'
import type { Key } from '../keys/keys.js'
import type { KvScanPage, KvScanQuery } from '../message-payloads.js'
import type { KvRow, ReadOptions, StreamOptions } from '../types.js'
import { PagedStream } from './paged-stream.js'

/** Fetches one page. */
export type ReadPage = (query: KvScanQuery, options: ReadOptions) => ResultAsync<KvScanPage, PersistencyError>

/**
 * The first page is small, for who wants a few rows only, and each one after is twice as large: between two pages both
 * threads wait for each other. A size that is asked for is in rows, and does not grow.
 */
const FIRST_PAGE_ROWS = 512
const MOST_PAGE_ROWS = 4096
const FIRST_PAGE_BYTES = 1024 * 1024
const MOST_PAGE_BYTES = 4 * 1024 * 1024

/** The rows of a range in order. From the second page on, a page is fetched while the one before it is being handed out. */
export function streamRows(
  category: string,
  rangeOrPrefix: KeyRange | Key,
  options: StreamOptions | undefined,
  readPage: ReadPage
): PagedStream<KvRow> {
  return new PagedStream((signal) => readPages(category, rangeOrPrefix, options, signal, readPage), options)
}

type Page = readonly KvRow[]

async function* readPages(
  category: string,
  rangeOrPrefix: KeyRange | Key,
  options: StreamOptions | undefined,
  signal: CancelSignal,
  readPage: ReadPage
): AsyncGenerator<Page, void, undefined> {
  const checked = checkStream(category, rangeOrPrefix, options)
  if (checked.isErr()) throw checked.error
  const { query, copy, pageSize } = checked.value
  const read = { ...checked.value.read, signal }
  let range: KeyRange | undefined = query.range
  let left = query.limit ?? Number.POSITIVE_INFINITY
  let pageRows = pageSize ?? FIRST_PAGE_ROWS
  let pageBytes = FIRST_PAGE_BYTES
  const fetch = (): ReturnType<ReadPage> | undefined => {
    if (range === undefined || left <= 0) return undefined
    const page = readPage({ ...query, range, limit: Math.min(pageRows, left), maxBytes: pageBytes }, read)
    if (pageSize === undefined) pageRows = Math.min(pageRows * 2, MOST_PAGE_ROWS)
    pageBytes = Math.min(pageBytes * 2, MOST_PAGE_BYTES)
    return page
  }
  let ahead = fetch()
  for (let first = true; ahead !== undefined; first = false) {
    const page: Awaited<ReturnType<ReadPage>> = await ahead
    if (page.isErr()) throw page.error
    const { rows, more } = page.value
    left -= rows.length
    const last = rows.at(-1)
    range = more && last !== undefined ? rangeAfter(range as KeyRange, last.key, query) : undefined
    ahead = first ? undefined : fetch()
    yield copy ? rows.map(copyRow) : rows
    if (first) ahead = fetch()
  }
}
