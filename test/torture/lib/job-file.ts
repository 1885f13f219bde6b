/** Owns what must hold of a job's file that was written with numbered batches, however its writer ended. */
import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { BATCH, COUNTER, KEPT, rowsOf, unsealed } from './batches.mjs'

/** What is known of one writer from outside. */
export interface Known {
  /** The last batch that was acknowledged; 0 for none. */
  readonly acked: number
  /** The last batch that was accepted; absent when nobody could tell. */
  readonly accepted?: number
}

export interface JobFile {
  readonly file: string
  readonly db: Database.Database
  /** By the number of the writer. */
  readonly known: ReadonlyMap<number, Known>
  /** The rows that were found, by writer and batch. */
  readonly batches: ReadonlyMap<number, ReadonlyMap<number, ReadonlySet<number>>>
  /** The last batch that the file says it holds, by writer. */
  readonly counters: ReadonlyMap<number, number>
}

/** Answers what is wrong with a file; nothing when it holds. */
export type Invariant = (file: JobFile) => string[]

const soundFile: Invariant = ({ db }) => {
  const answers = (db.pragma('integrity_check') as { integrity_check: string }[]).map(
    (row) => row.integrity_check
  )
  return answers.length === 1 && answers[0] === 'ok' ? [] : answers
}

const wholeBatches: Invariant = ({ batches, counters }) => {
  const wrong: string[] = []
  for (const writer of new Set([...batches.keys(), ...counters.keys()])) {
    const last = counters.get(writer) ?? 0
    const found = batches.get(writer) ?? new Map<number, Set<number>>()
    const first = Math.max(1, last - KEPT + 1)
    for (let n = first; n <= last; n++) {
      const rows = found.get(n)?.size ?? 0
      if (rows !== rowsOf(n)) wrong.push(`batch ${n} of writer ${writer} has ${rows} rows of ${rowsOf(n)}`)
    }
    for (const n of found.keys()) {
      if (n < first || n > last)
        wrong.push(`batch ${n} of writer ${writer} is there, outside of ${first} to ${last}`)
    }
  }
  return wrong
}

const nothingLost: Invariant = ({ counters, known }) =>
  [...known].flatMap(([writer, { acked, accepted }]) => {
    const last = counters.get(writer) ?? 0
    if (last < acked) return [`writer ${writer} was told of batch ${acked}, and the file ends at ${last}`]
    if (accepted !== undefined && last > accepted)
      return [`batch ${last} of writer ${writer} was never accepted`]
    return []
  })

/** Of every file, whatever options its job had. */
export const BASIC_INVARIANTS: readonly Invariant[] = [soundFile, wholeBatches, nothingLost]

/** Throws with everything that is wrong. A file that is not there is an empty one. */
export function checkJobFile(
  file: string,
  known: ReadonlyMap<number, Known>,
  invariants: readonly Invariant[] = BASIC_INVARIANTS
): void {
  const wrong = existsSync(file) ? inspect(file, known, invariants) : missing(known)
  if (wrong.length > 0) throw new Error(`${file}: ${wrong.slice(0, 10).join('; ')}`)
}

function inspect(
  file: string,
  known: ReadonlyMap<number, Known>,
  invariants: readonly Invariant[]
): string[] {
  const db = new Database(file)
  try {
    const wrong: string[] = []
    const batches = new Map<number, Map<number, Set<number>>>()
    const counters = new Map<number, number>()
    for (const { category, payload } of rowsIn(db)) {
      const row = unsealed(payload)
      if (row === undefined) wrong.push(`a row of "${category}" has a wrong checksum`)
      else if (category === COUNTER) counters.set(row.writer, row.n)
      else placeOf(batches, row.writer, row.n).add(row.row)
    }
    return [...wrong, ...invariants.flatMap((holds) => holds({ file, db, known, batches, counters }))]
  } finally {
    db.close()
  }
}

function missing(known: ReadonlyMap<number, Known>): string[] {
  return [...known].flatMap(([writer, { acked }]) =>
    acked === 0 ? [] : [`is gone; writer ${writer} was told of batch ${acked}`]
  )
}

/** Nothing, in a file whose making was cut off. */
function rowsIn(db: Database.Database): { category: string; payload: Uint8Array }[] {
  const made = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'kv'").get() !== undefined
  if (!made) return []
  const rows = db.prepare('SELECT category, payload FROM kv WHERE category IN (?, ?)')
  return (rows.all(Buffer.from(BATCH), Buffer.from(COUNTER)) as { category: Buffer; payload: Buffer }[]).map(
    ({ category, payload }) => ({ category: category.toString(), payload })
  )
}

function placeOf(batches: Map<number, Map<number, Set<number>>>, writer: number, n: number): Set<number> {
  const mine = batches.get(writer) ?? new Map<number, Set<number>>()
  batches.set(writer, mine)
  const rows = mine.get(n) ?? new Set<number>()
  mine.set(n, rows)
  return rows
}
