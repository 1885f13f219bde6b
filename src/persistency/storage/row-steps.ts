/** Owns visiting all rows of a database in steps that take milliseconds. */
import type { Database } from 'better-sqlite3'

/** How many rows a step visits: about a millisecond. */
const STEP_ROWS = 4096

/** What a step found. */
export interface RowStep {
  readonly rows: number
  /** How many of them hold something else than bytes, where that was asked for. */
  readonly notBytes: number
}

/** Visits the rows in order, with what others write behind the place where it is. */
export function* rowSteps(db: Database, checkBytes: boolean): Generator<RowStep, void, undefined> {
  for (let behind: unknown[] | undefined = []; behind !== undefined; ) {
    const last: unknown[] | undefined = lastOfStep(db, behind)
    if (checkBytes) yield lookAt(db, behind)
    else yield { rows: last === undefined ? countRest(db, behind) : STEP_ROWS, notBytes: 0 }
    behind = last
  }
}

/** The place of the last row of a full step; `undefined` when there is no such. */
function lastOfStep(db: Database, behind: readonly unknown[]): unknown[] | undefined {
  const sql = `SELECT category, key ${rowsBehind(behind)} LIMIT 1 OFFSET ${STEP_ROWS - 1}`
  return db
    .prepare(sql)
    .raw()
    .get(...behind) as unknown[] | undefined
}

function countRest(db: Database, behind: readonly unknown[]): number {
  const sql = `SELECT count(*) FROM (SELECT 1 ${rowsBehind(behind)} LIMIT ${STEP_ROWS})`
  return db
    .prepare(sql)
    .pluck()
    .get(...behind) as number
}

function lookAt(db: Database, behind: readonly unknown[]): RowStep {
  const odd = "typeof(category) <> 'blob' OR typeof(key) <> 'blob' OR typeof(payload) <> 'blob'"
  const rows = `SELECT category, key, payload ${rowsBehind(behind)} LIMIT ${STEP_ROWS}`
  return db
    .prepare(`SELECT count(*) AS rows, total(${odd}) AS notBytes FROM (${rows})`)
    .get(...behind) as RowStep
}

function rowsBehind(behind: readonly unknown[]): string {
  return `FROM kv ${behind.length > 0 ? 'WHERE (category, key) > (?, ?)' : ''} ORDER BY category, key`
}
