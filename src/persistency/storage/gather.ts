/** Owns reading many rows of one category with one statement: one pass through the engine costs less than many. */
import { PACKED_PAYLOAD, PackedPayloads } from '../frames/packed.js'
import type { Key } from '../keys/keys.js'
import { codeOf } from './sqlite-errors.js'
import type { Statements } from './statements.js'

/** How many rows a statement reads, largest first. A list of keys is split into such; what is left over may be filled up. */
const SIZES = [128, 32, 8, 1] as const

const SQL: Readonly<Record<number, string>> = Object.fromEntries(SIZES.map((size) => [size, sqlOf(size)]))

/** The payloads of many rows, in the order of the keys. */
export function gather(statements: Statements, category: Uint8Array, keys: readonly Key[]): PackedPayloads {
  const packed: Uint8Array[] = []
  let most: number = SIZES[0]
  for (let from = 0; from < keys.length; ) {
    const size = sizeFor(keys.length - from, most)
    const rows = Math.min(size, keys.length - from)
    try {
      packed.push(read(statements, category, keys, from, rows, size))
      from += rows
    } catch (thrown) {
      // Payloads that are too large for one value together are read in smaller groups.
      if (codeOf(thrown) !== 'SQLITE_TOOBIG' || size === 1) throw thrown
      most = size / 2
    }
  }
  return new PackedPayloads(packed)
}

/** Whether so many rows are read with one statement, and so as of one moment. */
export function fitsOneStatement(rows: number): boolean {
  return rows <= sizeFor(rows, SIZES[0])
}

/** A statement that is at least half used up is faster than several smaller ones. */
function sizeFor(rows: number, most: number): number {
  return SIZES.find((size) => size <= most && size < rows * 2) ?? 1
}

function read(
  statements: Statements,
  category: Uint8Array,
  keys: readonly Key[],
  from: number,
  rows: number,
  size: number
): Uint8Array {
  const values: (Uint8Array | null)[] = new Array(size + 1)
  for (let row = 0; row < size; row++) values[row] = row < rows ? (keys[from + row] as Key).bytes : null
  values[size] = category
  const packed = statements.get(SQL[size] as string, 'pluck').get(values) as Uint8Array
  // No row has NULL for a key: what fills up is absent, a byte each.
  return size === rows ? packed : packed.subarray(0, packed.length - (size - rows))
}

function sqlOf(rows: number): string {
  const wanted = Array.from({ length: rows }, () => '(?)').join(', ')
  return `WITH wanted(k) AS (VALUES ${wanted})
    SELECT CAST(group_concat(${PACKED_PAYLOAD}, '') AS BLOB) FROM wanted LEFT JOIN kv ON category = ? AND key = k`
}
