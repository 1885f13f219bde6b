/** Owns reading a range page by page. Knows how pages follow each other, not where they come from. */
import type { ResultAsync } from 'neverthrow'
import type { PersistencyError } from './errors.js'
import { type KeyRange, rangeBehind } from './key-range.js'
import type { Key } from './keys.js'
import type { KvScanPage, KvScanQuery } from './message-payloads.js'
import { copyRow } from './packed.js'
import type { KvRow, ReadOptions, StreamOptions } from './types.js'
import { checkQuery, checkStreamOptions } from './validate.js'

/** Fetches one page. */
export type ReadPage = (query: KvScanQuery, options: ReadOptions) => ResultAsync<KvScanPage, PersistencyError>

/** Unless a size is asked for, the first page is small, for who wants a few rows only, and each one after is twice as large. */
const FIRST_PAGE_ROWS = 512
const MOST_PAGE_ROWS = 4096
const PAGE_BYTES = 1024 * 1024

/**
 * The rows of a range in order; iterating throws the `PersistencyError` of a page that cannot be read. From the
 * second page on, a page is fetched while the one before it is being handed out.
 */
export function streamRows(
  category: string,
  rangeOrPrefix: KeyRange | Key,
  options: StreamOptions | undefined,
  readPage: ReadPage
): AsyncIterable<KvRow> {
  return { [Symbol.asyncIterator]: () => new RowStream(category, rangeOrPrefix, options, readPage) }
}

type Page = readonly KvRow[]

/** Hands out rows one by one. Written out, because a generator costs several times as much per row. */
class RowStream implements AsyncIterableIterator<KvRow> {
  readonly #pages: AsyncGenerator<Page, void, undefined>
  #page: Page = []
  #next = 0
  /** Calls are answered one after the other, also when they are made at once. */
  #last: Promise<unknown> | undefined

  constructor(...from: Parameters<typeof streamRows>) {
    this.#pages = readPages(...from)
  }

  next(): Promise<IteratorResult<KvRow, undefined>> {
    const row = this.#page[this.#next]
    if (row !== undefined && this.#last === undefined) {
      this.#next++
      return Promise.resolve({ done: false, value: row })
    }
    return this.#inTurn(() => this.#turnPage())
  }

  return(): Promise<IteratorResult<KvRow, undefined>> {
    return this.#inTurn(async () => {
      this.#page = []
      await this.#pages.return()
      return { done: true, value: undefined }
    })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async #turnPage(): Promise<IteratorResult<KvRow, undefined>> {
    while (this.#next >= this.#page.length) {
      const { done, value } = await this.#pages.next()
      if (done) return { done, value: undefined }
      this.#page = value
      this.#next = 0
    }
    return { done: false, value: this.#page[this.#next++] as KvRow }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const answer = this.#last === undefined ? work() : this.#last.then(work, work)
    this.#last = answer
    const over = (): void => {
      if (this.#last === answer) this.#last = undefined
    }
    answer.then(over, over)
    return answer
  }
}

async function* readPages(
  category: string,
  rangeOrPrefix: KeyRange | Key,
  options: StreamOptions | undefined,
  readPage: ReadPage
): AsyncGenerator<Page, void, undefined> {
  const query = checkQuery(category, rangeOrPrefix)
  if (query.isErr()) throw query.error
  const checked = checkStreamOptions(options)
  if (checked.isErr()) throw checked.error
  const { limit, pageSize, timeoutMs, signal, copy, ...how } = checked.value
  const read = { ...(timeoutMs !== undefined && { timeoutMs }), ...(signal !== undefined && { signal }) }
  let range: KeyRange | undefined = query.value.range
  let left = limit ?? Number.POSITIVE_INFINITY
  let pageRows = pageSize ?? FIRST_PAGE_ROWS
  const fetch = (): ReturnType<ReadPage> | undefined => {
    if (range === undefined || left <= 0) return undefined
    const page = readPage(
      { category, range, ...how, limit: Math.min(pageRows, left), maxBytes: PAGE_BYTES },
      read
    )
    if (pageSize === undefined) pageRows = Math.min(pageRows * 2, MOST_PAGE_ROWS)
    return page
  }
  let ahead = fetch()
  for (let first = true; ahead !== undefined; first = false) {
    const page: Awaited<ReturnType<ReadPage>> = await ahead
    if (page.isErr()) throw page.error
    const { rows, more } = page.value
    left -= rows.length
    const last = rows.at(-1)
    range =
      more && last !== undefined ? rangeBehind(range as KeyRange, last.key, how.reverse ?? false) : undefined
    ahead = first ? undefined : fetch()
    yield copy ? rows.map(copyRow) : rows
    if (first) ahead = fetch()
  }
}
