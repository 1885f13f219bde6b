/** Owns visiting all rows of a database in steps that take milliseconds. */
import type { Database } from 'better-sqlite3'

/** How many rows a step visits. */
const STEP_ROWS = 8192

const BEHIND = 'WHERE (category, key) > (?, ?)'
const ORDER = 'ORDER BY category, key'

/** What a step found. */
export interface RowStep {
  readonly rows: number
  /** How many of them hold something else than bytes, where that was asked for. */
  readonly notBytes: number
}

/** Visits the rows in order, and what others write behind the place where it is. */
export function* rowSteps(db: Database, checkBytes: boolean): Generator<RowStep, void, undefined> {
  const notBytes = checkBytes
    ? "total(typeof(category) <> 'blob' OR typeof(key) <> 'blob' OR typeof(payload) <> 'blob')"
    : '0'
  let behind: unknown[] | undefined
  do {
    const where = behind === undefined ? '' : BEHIND
    const from = `FROM kv ${where} ${ORDER} LIMIT ${STEP_ROWS}`
    const [rows, odd] = db
      .prepare(`SELECT count(*), ${notBytes} FROM (SELECT category, key, payload ${from})`)
      .raw()
      .get(...(behind ?? [])) as [number, number]
    yield { rows, notBytes: odd }
    if (rows < STEP_ROWS) return
    behind = db
      .prepare(`SELECT category, key FROM kv ${where} ${ORDER} LIMIT 1 OFFSET ${STEP_ROWS - 1}`)
      .raw()
      .get(...(behind ?? [])) as unknown[] | undefined
  } while (behind !== undefined)
}
