/** Owns how large a piece of work on many rows is that is one transaction, during which others have their turn. */
import type { KeyRange } from '../keys/key-range.js'
import { Key } from '../keys/keys.js'
import { inRange } from './range-reader.js'
import type { Statements } from './statements.js'

/** Work that pauses wherever others may have their turn; nobody may use its connection meanwhile. */
export type Pieces<T = void> = Generator<void, T, undefined>

/** Rows of a piece at most, and bytes of their payloads unless one row is larger: a millisecond or two. */
const PIECE_ROWS = 512
const PIECE_BYTES = 512 * 1024

/** Does all of it now. */
export function inOneGo<T>(pieces: Pieces<T>): T {
  for (;;) {
    const step = pieces.next()
    if (step.done) return step.value
  }
}

/** Cuts the first piece off a range; `rest` is undefined when the piece is all of it. */
export function cutPiece(
  statements: Statements,
  table: string,
  category: Uint8Array,
  range: KeyRange
): { readonly piece: KeyRange; readonly rest: KeyRange | undefined } {
  const { where, values } = inRange(category, range)
  const rows = rowsOfPiece((limit) =>
    statements
      .get(
        `SELECT count(*), total(bytes) FROM (SELECT ${BYTES} FROM ${table} WHERE ${where} ORDER BY key LIMIT ?)`,
        'raw'
      )
      .get(...values, limit)
  )
  const stop = statements
    .get(`SELECT key FROM ${table} WHERE ${where} ORDER BY key LIMIT 1 OFFSET ?`, 'pluck')
    .get(...values, rows) as Uint8Array | undefined
  if (stop === undefined) return { piece: range, rest: undefined }
  const key = Key.view(stop)
  return { piece: { start: range.start, stop: key }, rest: { ...range, start: key } }
}

/** The SQL expression of what a row counts for: lengths of columns cost no look at the payloads. */
export const BYTES = 'octet_length(payload) AS bytes'

/** How many rows make a piece, asked for how many there are up to a limit and how large they are. */
export function rowsOfPiece(sizeUpTo: (limit: number) => unknown): number {
  for (let limit = PIECE_ROWS; ; limit = Math.ceil(limit / 4)) {
    const [, bytes] = sizeUpTo(limit) as [rows: number, bytes: number]
    if (bytes <= PIECE_BYTES || limit === 1) return limit
  }
}
