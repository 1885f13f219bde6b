/** Owns comparing the rows of a job with what the journal says they are, some at a time, and mending them. */
import { bytesEqual, compareBytes } from '../../../bytes/compare.js'
import type { JournalComparedRows, JournalCompareQuery } from '../../journal/message-payloads.js'
import type { JournalDifference } from '../../journal/types.js'
import { Key } from '../../keys/keys.js'
import type { SqliteStore } from '../sqlite-store.js'
import { mend, type PlainRow, type PlainRows, rowsBehind } from './plain-rows.js'

/** Rows of each side that one step looks at, and bytes of their payloads. */
const STEP_ROWS = 512
const STEP_BYTES = 1024 * 1024

/** Differences that a step tells; how many there are, it always tells. */
export const MAX_TOLD = 100

/** What is compared, as both are now. */
export interface Compared {
  readonly actual: SqliteStore
  readonly expected: SqliteStore
  /** The event that `expected` is the state of. */
  readonly seq: number
  /** Makes the rows of `actual` what they are in `expected`, within the transaction and without an event. */
  readonly mending: boolean
}

/** Compares the next rows, at least so many if there are. */
export function compareWithJournal(
  compared: Compared,
  query: JournalCompareQuery,
  atLeast = 0
): JournalComparedRows {
  let found = compareSome(compared, query)
  while (found.next !== undefined && found.rows < atLeast) {
    const more = compareSome(compared, { behind: found.next })
    found = {
      ...more,
      rows: found.rows + more.rows,
      differing: found.differing + more.differing,
      differences: [...found.differences, ...more.differences].slice(0, MAX_TOLD)
    }
  }
  return found
}

function compareSome(
  { actual, expected, seq, mending }: Compared,
  { behind }: JournalCompareQuery
): JournalComparedRows {
  const after = behind === undefined ? undefined : ([behind.category, behind.key.bytes] as const)
  const our = rowsBehind(actual, after, STEP_ROWS, STEP_BYTES)
  const their = rowsBehind(expected, after, STEP_ROWS, STEP_BYTES)
  const end = earlierEnd(our, their)
  const found = new Differences()
  let rows = 0
  for (let at = 0, other = 0; ; ) {
    const mine = within(our.rows[at], end)
    const told = within(their.rows[other], end)
    if (mine === undefined && told === undefined) break
    const order = mine === undefined ? 1 : told === undefined ? -1 : comparePlaces(mine, told)
    if (order < 0) found.add('extra', mine as PlainRow)
    else if (order > 0) found.add('missing', told as PlainRow)
    else if (!bytesEqual((mine as PlainRow)[2], (told as PlainRow)[2])) found.add('changed', told as PlainRow)
    if (order <= 0) {
      at++
      rows++
    }
    if (order >= 0) other++
  }
  if (mending) mend(actual, found.wanting, found.extra)
  const next = end === undefined ? undefined : { category: end[0], key: Key.view(end[1]) }
  return {
    rows,
    differing: found.count,
    differences: found.told,
    seq,
    ...(next !== undefined && { next })
  }
}

class Differences {
  readonly told: JournalDifference[] = []
  /** Rows as they are expected, missing or changed. */
  readonly wanting: PlainRow[] = []
  readonly extra: PlainRow[] = []
  count = 0

  /** @param row as it is expected; for an extra one, as it is */
  add(kind: JournalDifference['kind'], row: PlainRow): void {
    this.count++
    if (kind === 'extra') this.extra.push(row)
    else this.wanting.push(row)
    if (this.told.length >= MAX_TOLD) return
    const [name, bytes] = row
    // For reading only: names that are no UTF-8 look like each other.
    this.told.push({ kind, category: Buffer.from(name).toString(), key: Key.view(bytes) })
  }
}

/** Where a side was cut, the earlier one if both were: beyond that, one of them is not known. */
function earlierEnd(...sides: readonly PlainRows[]): PlainRow | undefined {
  const ends = sides.filter(({ all }) => !all).map(({ rows }) => rows.at(-1) as PlainRow)
  return ends.sort(comparePlaces)[0]
}

function within(row: PlainRow | undefined, end: PlainRow | undefined): PlainRow | undefined {
  return row === undefined || (end !== undefined && comparePlaces(row, end) > 0) ? undefined : row
}

function comparePlaces(a: PlainRow, b: PlainRow): number {
  return compareBytes(a[0], b[0]) || compareBytes(a[1], b[1])
}
