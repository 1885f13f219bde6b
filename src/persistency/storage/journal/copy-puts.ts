/**
 * Owns copying the puts of a row of the journal into the snapshot without making an object of each: SQLite gets the row
 * and numbers, where in it keys and payloads lie. Most rows are puts of one category; the others are not for this.
 */
import { ByteReader } from '../../../bytes/byte-reader.js'
import { isPutEvent } from '../../journal/event-codec.js'
import type { Statements } from '../statements.js'
import type { JournalRow } from './journal-reader.js'
import { SNAPSHOT_TABLE } from './tables.js'

/** How many events one statement copies, largest first. */
const COPIED = [64, 8, 1] as const

/** Numbers for each put: begin and length of key and payload; SQLite counts from 1. */
const NUMBERS = 4

/** A larger row holds few events, and each statement gets a copy of it. */
const MOST_BYTES = 64 * 1024

const COPY: ReadonlyMap<number, string> = new Map(COPIED.map((count) => [count, copySql(count)]))

/** Copies the events of a row in a span; answers `false`, with nothing done, when it is not a row for this. */
export function copyPuts(statements: Statements, row: JournalRow, from: number, to: number): boolean {
  const found = row.body.length > MOST_BYTES ? undefined : putsIn(row, from, to)
  if (found === undefined) return false
  const { category, places } = found
  for (let at = 0; at < places.length; ) {
    const left = (places.length - at) / NUMBERS
    const count = COPIED.find((size) => size <= left) as number
    const end = at + count * NUMBERS
    const sql = COPY.get(count) as string
    statements.get(sql).run(places.slice(at, end), category, row.body, row.body)
    at = end
  }
  return true
}

function copySql(count: number): string {
  const places = Array.from({ length: count }, () => '(?, ?, ?, ?)').join(', ')
  return `WITH place(k, k_length, p, p_length) AS (VALUES ${places})
    INSERT OR REPLACE INTO ${SNAPSHOT_TABLE} (category, key, payload)
    SELECT ?, substr(?, k, k_length), substr(?, p, p_length) FROM place`
}

interface Puts {
  readonly category: Uint8Array
  readonly places: readonly number[]
}

/** The puts of a row in a span; `undefined` when there are other events, or other categories, or damage. */
function putsIn({ seq: first, events, body }: JournalRow, from: number, to: number): Puts | undefined {
  const reader = new ByteReader(body)
  const last = Math.min(to, first + events - 1)
  const places: number[] = []
  let category: Uint8Array | undefined
  try {
    for (let seq = first; seq <= last; seq++) {
      const length = reader.u32()
      const end = reader.offset + length
      if (seq < from) {
        reader.skip(length)
        continue
      }
      if (!isPutEvent(reader)) return undefined
      const size = reader.u32()
      category ??= body.subarray(reader.offset, reader.offset + size)
      if (size !== category.length || !liesAt(category, body, reader.offset)) return undefined
      reader.skip(size)
      pushPlace(places, reader)
      pushPlace(places, reader)
      if (reader.offset !== end) return undefined
    }
  } catch {
    // Who decodes the events finds out what is wrong with them.
    return undefined
  }
  return category && { category, places }
}

/** Where the next blob begins, as SQLite counts, and its length. */
function pushPlace(places: number[], reader: ByteReader): void {
  const length = reader.u32()
  places.push(reader.offset + 1, length)
  reader.skip(length)
}

function liesAt(bytes: Uint8Array, body: Uint8Array, at: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== body[at + i]) return false
  return true
}
