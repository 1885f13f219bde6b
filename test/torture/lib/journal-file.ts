/**
 * Owns what must hold of the journal in a job's file, however its writer ended. Reads it as `docs/file-format.md` says,
 * with SQLite and this file alone: what the library itself makes of it is asked elsewhere.
 */
import type { Invariant, JobFile } from './job-file.js'

interface Row {
  readonly seq: number
  readonly events: number
  readonly body: Buffer
}

const ROWS = 'SELECT seq, events, body FROM journal ORDER BY seq'
const FIRST_SEQ = "SELECT value FROM journal_meta WHERE name = 'first_seq'"
const rowsOf = (table: 'kv' | 'journal_snapshot') => `SELECT category, key, payload FROM ${table}`

/** Whether there is a journal: its making may have been cut off. */
const hasJournal = ({ db }: JobFile): boolean =>
  db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'journal_meta'").get() !== undefined

const firstSeqOf = ({ db }: JobFile): number => db.prepare(FIRST_SEQ).pluck().get() as number

/** The numbers of events have no hole and no repetition. */
export const gapless: Invariant = (file) => {
  if (!hasJournal(file)) return []
  const rows = file.db.prepare(ROWS).all() as Row[]
  const firstSeq = firstSeqOf(file)
  const first = rows[0]
  if (first === undefined) return []
  const wrong: string[] = []
  if (first.seq > firstSeq || first.seq + first.events <= firstSeq)
    wrong.push(`the journal begins at event ${firstSeq}, and its first row at ${first.seq}`)
  for (const [index, { seq, events, body }] of rows.entries()) {
    const next = rows[index + 1]?.seq ?? seq + events
    if (seq + events !== next) wrong.push(`the row of ${events} events from ${seq} is followed by ${next}`)
    const found = [...eventsIn(body)].length
    if (found !== events) wrong.push(`the row from ${seq} holds ${found} events, and says ${events}`)
  }
  return wrong
}

/** The snapshot with the events applied is what the rows are. */
export const journalAndRowsAgree: Invariant = (file) => {
  if (!hasJournal(file)) return []
  const told = contents(file, 'journal_snapshot')
  const firstSeq = firstSeqOf(file)
  for (const { seq, body } of file.db.prepare(ROWS).all() as Row[]) {
    let at = seq
    for (const event of eventsIn(body)) if (at++ >= firstSeq) applyEvent(told, event)
  }
  const actual = contents(file, 'kv')
  const places = new Set([...told.keys(), ...actual.keys()])
  const differing = [...places].filter((place) => told.get(place) !== actual.get(place))
  return differing.map((place) => `journal and rows differ at ${place}`)
}

function contents({ db }: JobFile, table: 'kv' | 'journal_snapshot'): Map<string, string> {
  const rows = db.prepare(rowsOf(table)).raw().all() as [Buffer, Buffer, Buffer][]
  return new Map(rows.map(([category, key, payload]) => [place(category, key), payload.toString('hex')]))
}

const place = (category: Buffer, key: Buffer): string => `${category.toString()} ${key.toString('hex')}`

/** Reads the parts of a format whose numbers are big-endian, one after the other. */
class Parts {
  #at = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#at++)
  }

  u32(): number {
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  bytes(length: number): Buffer {
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  blob(): Buffer {
    return this.bytes(this.u32())
  }
}

function* eventsIn(body: Buffer): Generator<Buffer, void, undefined> {
  for (const parts = new Parts(body); parts.left > 0; ) yield parts.blob()
}

function applyEvent(rows: Map<string, string>, event: Buffer): void {
  const parts = new Parts(event)
  if (parts.u8() !== 0) throw new Error('the batches of the torture are plain writes')
  for (let ops = parts.u32(); ops > 0; ops--) {
    const kind = parts.u8()
    const category = parts.blob()
    const at = place(category, parts.blob())
    if (kind === 1) rows.set(at, parts.blob().toString('hex'))
    else if (kind === 2) rows.delete(at)
    else for (const row of [...rows.keys()]) if (row.startsWith(at)) rows.delete(row)
  }
}
