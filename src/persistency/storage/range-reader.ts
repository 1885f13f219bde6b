/** Owns reading ranges of keys. SQLite packs the rows of a page itself: see `packed.ts`. */
import { keyOf, PACKED_KEY, PACKED_ROW, PackedPage } from '../frames/packed.js'
import { type KeyRange, rangeAfter } from '../keys/key-range.js'
import { Key } from '../keys/keys.js'
import type { KvScanQuery } from '../message-payloads.js'
import { RowPacker } from './row-packer.js'
import type { Statements } from './statements.js'

/** What SQLite packs at a time: enough to make the call cheap, little enough to stay in the cache of the processor. */
const CHUNK_ROWS = 4096
const CHUNK_BYTES = 1024 * 1024

/** The first look at how large the rows are: going by rows alone would look at far more than fit a chunk of large ones. */
const PROBE_ROWS = 16

/** Rows larger than this on average are read one by one: copying them into one value costs more than it saves. */
const PACKED_ROW_BYTES = 1024

/** What is counted at a time: less than a millisecond. */
const COUNTED_ROWS = 4096

/** Rows may be so much larger than those before them until a piece of a page is shorter than it might be. */
const SPARE = 1.25

/** A condition on the rows, and the values to bind to it. */
export interface Condition {
  readonly where: string
  readonly values: readonly Uint8Array[]
}

/** The condition of lying in a range of a category. */
export function inRange(category: Uint8Array, { start, stop }: KeyRange): Condition {
  const values = [category, start.bytes]
  if (stop === undefined || stop.length === 0) return { where: 'category = ? AND key >= ?', values }
  return { where: 'category = ? AND key >= ? AND key < ?', values: [...values, stop.bytes] }
}

interface Chunk {
  readonly part: Uint8Array
  readonly rows: number
  readonly bytes: number
  /** Where the rest of the range begins; `undefined` when there are no more rows. */
  readonly rest: KeyRange | undefined
}

/** Rows that have been read. */
interface Part {
  readonly part: Uint8Array
  readonly bytes: number
  /** The key of the last row in the order of the query. */
  readonly last: Key
}

/** A range that is being read piece by piece. It holds nothing open, so that the file may be closed in between. */
export class Scan {
  readonly query: KvScanQuery
  readonly parts: Uint8Array[] = []
  rowsLeft: number
  bytesLeft: number
  /** What is still to be read; `undefined` when there is nothing more. */
  rest: KeyRange | undefined
  /** How large the rows are, as far as is known. */
  rowBytes: number | undefined

  constructor(query: KvScanQuery) {
    this.query = query
    this.rowsLeft = query.limit ?? Number.POSITIVE_INFINITY
    this.bytesLeft = query.maxBytes ?? Number.POSITIVE_INFINITY
    this.rest = query.range
  }

  took({ part, rows, bytes, rest }: Chunk): void {
    this.parts.push(part)
    this.rowsLeft -= rows
    this.bytesLeft -= bytes
    this.rowBytes = bytes / rows
    this.rest = rest
  }
}

/** A range that is being counted piece by piece. It holds nothing open either. */
export class Counting {
  rows = 0
  rest: KeyRange

  constructor(range: KeyRange) {
    this.rest = range
  }
}

/** What a chunk may hold. */
interface Room {
  readonly maxRows: number
  readonly maxBytes: number
  /** How many rows are likely to fit. */
  readonly expected: number
}

export class RangeReader {
  readonly #statements: Statements

  constructor(statements: Statements) {
    this.#statements = statements
  }

  count(category: Uint8Array, range: KeyRange): number {
    const { where, values } = inRange(category, range)
    return this.#statements.get(`SELECT count(*) FROM kv WHERE ${where}`, 'pluck').get(...values) as number
  }

  /** Counts the next piece; answers how many rows there are when that was the last one. */
  countPiece(category: Uint8Array, counting: Counting): number | undefined {
    const { where, values } = inRange(category, counting.rest)
    const next = `SELECT key FROM kv WHERE ${where} ORDER BY key LIMIT 1 OFFSET ${COUNTED_ROWS}`
    const start = this.#statements.get(next, 'pluck').get(...values) as Uint8Array | undefined
    if (start === undefined) return counting.rows + this.count(category, counting.rest)
    counting.rows += COUNTED_ROWS
    counting.rest = { ...counting.rest, start: Key.view(start) }
    return undefined
  }

  /**
   * Reads the next piece of a scan; answers the page when that was the last one, with the rows of the range up to the
   * limits of the query. A page that may hold a row holds one, however large.
   */
  readPiece(category: Uint8Array, scan: Scan): PackedPage | undefined {
    const { query, parts, rowsLeft, bytesLeft, rowBytes, rest } = scan
    if (rest === undefined) return new PackedPage(parts, false)
    // With less room than a row needs it is not worth another look.
    if (rowsLeft <= 0 || bytesLeft < (rowBytes ?? 1)) {
      return new PackedPage(parts, parts.length > 0 || this.#size(category, rest, query, 1).rows > 0)
    }
    const maxBytes = Math.min(CHUNK_BYTES, bytesLeft)
    const expected = rowBytes === undefined ? PROBE_ROWS : Math.max(1, Math.floor(maxBytes / rowBytes))
    const room = { maxRows: Math.min(CHUNK_ROWS, rowsLeft), maxBytes, expected }
    const large = !query.keysOnly && rowBytes !== undefined && rowBytes > PACKED_ROW_BYTES
    const chunk = large
      ? this.#separately(category, rest, query, room, rowBytes)
      : this.#chunk(category, rest, query, room)
    if (chunk === undefined) return new PackedPage(parts, false)
    scan.took(chunk)
    return scan.rest === undefined ? new PackedPage(parts, false) : undefined
  }

  /** The first rows of a range; `undefined` when there are none. */
  #chunk(category: Uint8Array, range: KeyRange, query: KvScanQuery, room: Room): Chunk | undefined {
    const { maxRows, maxBytes, expected } = room
    let limit = Math.min(maxRows, expected)
    // One row more than wanted tells whether there are more.
    let size = this.#size(category, range, query, limit + 1)
    if (size.rows === 0) return undefined
    if (!query.keysOnly && size.bytes > size.rows * PACKED_ROW_BYTES) {
      return this.#separately(category, range, query, room, size.bytes / size.rows)
    }
    if (size.rows > limit && limit < maxRows && size.bytes * 2 < maxBytes) {
      limit = Math.min(maxRows, Math.floor((size.rows * maxBytes) / size.bytes))
      size = this.#size(category, range, query, limit + 1)
    }
    while (size.bytes > maxBytes && limit > 1) {
      limit = Math.max(1, Math.floor((Math.min(limit, size.rows) * maxBytes) / size.bytes / 1.25))
      size = this.#size(category, range, query, limit + 1)
    }
    const rows = Math.min(size.rows, limit)
    const { part, bytes, last } = this.#packed(category, range, query, rows)
    const rest = size.rows > rows ? rangeAfter(range, last, query) : undefined
    return { part, rows, bytes, rest }
  }

  #packed(category: Uint8Array, range: KeyRange, query: KvScanQuery, limit: number): Part {
    const { where, values } = inRange(category, range)
    const last = query.reverse ? 'min(key)' : 'max(key)'
    const row = query.keysOnly ? PACKED_KEY : PACKED_ROW
    const sql = `SELECT CAST(group_concat(${row}, '') AS BLOB), ${last} FROM (${select(where, query)})`
    const found = this.#statements.get(sql, 'raw').get(...values, limit) as [Uint8Array, Uint8Array]
    return { part: found[0], bytes: found[0].length, last: Key.view(found[1]) }
  }

  /** Reads large rows until there are enough: looking at their lengths first would cost as much as reading them. */
  #separately(
    category: Uint8Array,
    range: KeyRange,
    query: KvScanQuery,
    { maxRows, maxBytes }: Room,
    rowBytes: number
  ): Chunk | undefined {
    const { where, values } = inRange(category, range)
    const sql = select(where, query, `CAST(${PACKED_ROW} AS BLOB)`)
    // One row more than wanted tells whether there are more.
    const found = this.#statements.get(sql, 'pluck').iterate(...values, maxRows + 1)
    const packer = new RowPacker(Math.min(maxBytes, Math.ceil(maxRows * rowBytes * SPARE)))
    let rows = 0
    let last: Uint8Array | undefined
    let more = false
    for (const row of found as IterableIterator<Uint8Array>) {
      more = rows === maxRows || !packer.add(row)
      if (more) break
      rows++
      last = row
    }
    if (last === undefined) return undefined
    const rest = more ? rangeAfter(range, keyOf(last), query) : undefined
    return { part: packer.packed, rows, bytes: packer.used, rest }
  }

  /** How many rows there are up to a limit, and how large they are. Does not read the payloads. */
  #size(
    category: Uint8Array,
    range: KeyRange,
    query: KvScanQuery,
    limit: number
  ): { readonly rows: number; readonly bytes: number } {
    const { where, values } = inRange(category, range)
    const bytes = query.keysOnly ? 'octet_length(key)' : 'octet_length(key) + octet_length(payload)'
    // Asked of the columns themselves, lengths cost no look at the payloads.
    const sql = `SELECT count(*), total(bytes) FROM (${select(where, query, `${bytes} AS bytes`)})`
    const [rows, total] = this.#statements.get(sql, 'raw').get(...values, limit) as [number, number]
    return { rows, bytes: total }
  }
}

function select(where: string, { reverse }: KvScanQuery, columns = 'key, payload'): string {
  return `SELECT ${columns} FROM kv WHERE ${where} ORDER BY key ${reverse ? 'DESC' : 'ASC'} LIMIT ?`
}
