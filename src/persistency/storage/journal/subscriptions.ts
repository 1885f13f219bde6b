/** Owns the checkpoints of subscriptions in the file, who holds them, and the events that they have put aside. */
import { PersistencyError } from '../../errors.js'
import type {
  ParkedEntry,
  SubscriptionAdvanceQuery,
  SubscriptionClaimed,
  SubscriptionClaimQuery,
  SubscriptionMoveQuery,
  SubscriptionParkedQuery
} from '../../eventsourcing/message-payloads.js'
import { subjectOf } from '../../eventsourcing/subject.js'
import type { SubscriptionStatus } from '../../eventsourcing/types.js'
import { prefixRange } from '../../keys/key-range.js'
import type { TxOp } from '../../types.js'
import type { SqliteStore } from '../sqlite-store.js'
import { append } from './append.js'
import type { JournalLog } from './journal-log.js'
import { requireKept } from './page.js'

// Made by the first subscription of a file: a journal without subscriptions has no such tables.
const CREATE = [
  `CREATE TABLE IF NOT EXISTS journal_subscriptions (
    name    TEXT PRIMARY KEY,
    seq     INTEGER NOT NULL,
    version INTEGER NOT NULL,
    holder  TEXT NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS journal_parked (
    name      TEXT NOT NULL,
    seq       INTEGER NOT NULL,
    time      INTEGER NOT NULL,
    body      BLOB NOT NULL,
    attempts  INTEGER NOT NULL,
    error     TEXT NOT NULL,
    parked_at INTEGER NOT NULL,
    PRIMARY KEY (name, seq)
  )`
]
const FIND = 'SELECT seq, version, holder FROM journal_subscriptions WHERE name = ?'
const PUT = 'INSERT OR REPLACE INTO journal_subscriptions (name, seq, version, holder) VALUES (?, ?, ?, ?)'
const MOVE = 'UPDATE journal_subscriptions SET seq = ? WHERE name = ?'
const MOVE_FROM_HOLDER = "UPDATE journal_subscriptions SET seq = ?, holder = '' WHERE name = ?"
const PARK =
  'INSERT OR REPLACE INTO journal_parked (name, seq, time, body, attempts, error, parked_at) VALUES (?, ?, ?, ?, ?, ?, ?)'
const UNPARK = 'DELETE FROM journal_parked WHERE name = ? AND seq = ?'
const UNPARK_ALL = 'DELETE FROM journal_parked WHERE name = ?'
const PARKED =
  'SELECT seq, time, body AS bytes, attempts, error, parked_at AS parkedAt FROM journal_parked WHERE name = ? AND seq > ? ORDER BY seq LIMIT ?'
const IS_PARKED = 'SELECT 1 FROM journal_parked WHERE name = ? AND seq = ?'
const LIST =
  'SELECT name, seq, version, (SELECT count(*) FROM journal_parked AS p WHERE p.name = s.name) AS parked FROM journal_subscriptions AS s ORDER BY name'
const FORGET = 'DELETE FROM journal_subscriptions WHERE name = ?'

interface Row {
  readonly seq: number
  readonly version: number
  readonly holder: string
}

/** Within the transaction. Whoever held it before learns so from its next step. Throws `ERR_EVENTS_GONE`. */
export function claim(
  store: SqliteStore,
  journal: JournalLog,
  { name, holder, startAt, version, clear }: SubscriptionClaimQuery
): SubscriptionClaimed {
  return allOrNothing(store, journal, () => {
    for (const sql of CREATE) journal.statements.get(sql).run()
    const row = journal.statements.get(FIND).get(name) as Row | undefined
    // Rows without a checkpoint are of one that was forgotten: nobody knows which events are in them.
    const reset = row === undefined ? clear.some((op) => wouldChange(store, op)) : row.version !== version
    const begins = row === undefined ? startAt : 'beginning'
    const seq = row === undefined || reset ? firstOf(journal, begins) - 1 : row.seq
    requireKept(journal, seq + 1, remedyFor(row, reset, clear))
    if (reset) beginAnew(store, journal, name, clear)
    journal.statements.get(PUT).run(name, seq, version, holder)
    return { seq, reset }
  })
}

/** Within the transaction. Throws `ERR_SUBSCRIPTION_LOST`, `ERR_CONFLICT`, `ERR_EVENTS_GONE`. */
export function advance(store: SqliteStore, journal: JournalLog, query: SubscriptionAdvanceQuery): void {
  const { name, holder, seq, reset = false, ops, append: appends, park, unpark, repeated = false } = query
  requireHolder(journal, name, holder)
  if (repeated && wasDone(journal, query)) return
  allOrNothing(store, journal, () => {
    const { statements } = journal
    if (reset) {
      requireKept(journal, 1, 'keep the rows as they are')
      beginAnew(store, journal, name, ops)
    } else if (ops.length > 0) store.write(ops)
    for (const query of appends) append(store, journal, query)
    if (seq !== undefined) statements.get(MOVE).run(seq, name)
    for (const entry of park) {
      const { seq: parked, time, bytes, attempts, error, parkedAt } = entry
      statements.get(PARK).run(name, parked, time, bytes, attempts, error, parkedAt)
    }
    for (const parked of unpark) statements.get(UNPARK).run(name, parked)
  })
}

export function parked(
  journal: JournalLog,
  { name, after, limit, maxBytes }: SubscriptionParkedQuery
): readonly ParkedEntry[] {
  if (!exist(journal)) return []
  const entries: ParkedEntry[] = []
  let bytes = 0
  for (const found of journal.statements.get(PARKED).iterate(name, after, limit)) {
    const entry = found as ParkedEntry
    entries.push(entry)
    bytes += entry.bytes.length
    if (bytes >= maxBytes) break
  }
  return entries
}

export function list(journal: JournalLog): readonly SubscriptionStatus[] {
  return exist(journal) ? (journal.statements.get(LIST).all() as SubscriptionStatus[]) : []
}

/** Within the transaction. Whoever holds it learns so from its next step. Throws `ERR_EVENTS_GONE`. */
export function move(journal: JournalLog, { name, to }: SubscriptionMoveQuery): number | undefined {
  if (!exist(journal)) return undefined
  const seq = firstOf(journal, to) - 1
  requireKept(
    journal,
    seq + 1,
    "move it there or further on, or to 'oldest', or raise the limits of the journal"
  )
  return journal.statements.get(MOVE_FROM_HOLDER).run(seq, name).changes > 0 ? seq : undefined
}

/** Within the transaction. */
export function forget(journal: JournalLog, name: string): boolean {
  if (!exist(journal)) return false
  journal.statements.get(UNPARK_ALL).run(name)
  return journal.statements.get(FORGET).run(name).changes > 0
}

function exist(journal: JournalLog): boolean {
  return journal.statements.hasTable('journal_subscriptions')
}

function remedyFor(row: Row | undefined, reset: boolean, clear: readonly TxOp[]): string {
  if (reset && row !== undefined) return 'keep the version it has'
  // Something is kept that each event goes into.
  if (clear.length > 0)
    return 'a projection needs every event from the first, so it must begin, and go on, before any falls off'
  return row === undefined
    ? 'begin there, with `startAt`, or raise the limits of the journal'
    : 'move it there with `subscriptions.moveTo`, or raise the limits of the journal'
}

function wouldChange(store: SqliteStore, op: TxOp): boolean {
  if (op.kind !== 'deletePrefix') return true
  const { category, prefix } = op
  const { rows } = store.scan({ category, range: prefixRange(prefix), keysOnly: true, limit: 1 })
  return rows.length > 0
}

function firstOf(journal: JournalLog, startAt: SubscriptionClaimQuery['startAt']): number {
  if (startAt === 'beginning') return 1
  if (startAt === 'oldest') return journal.firstSeq
  return startAt === 'now' ? journal.lastSeq + 1 : startAt
}

function beginAnew(
  store: SqliteStore,
  journal: JournalLog,
  name: string,
  ops: SubscriptionClaimQuery['clear']
): void {
  if (ops.length > 0) store.write(ops)
  journal.statements.get(UNPARK_ALL).run(name)
}

/** A holder makes one step after the other, and each leaves its mark; those that leave none may be made again. */
function wasDone(journal: JournalLog, { name, seq, reset, unpark }: SubscriptionAdvanceQuery): boolean {
  if (reset === true) return false
  if (seq !== undefined) return (journal.statements.get(FIND).get(name) as Row).seq >= seq
  return unpark.length > 0 && !unpark.some((parked) => isParked(journal, name, parked))
}

function isParked(journal: JournalLog, name: string, seq: number): boolean {
  return journal.statements.get(IS_PARKED).get(name, seq) !== undefined
}

function requireHolder(journal: JournalLog, name: string, holder: string): void {
  const row = journal.statements.get(FIND).get(name) as Row | undefined
  if (row?.holder === holder) return
  const what =
    row === undefined
      ? 'was forgotten'
      : row.holder === ''
        ? 'was moved'
        : 'was taken over by somebody else who has the file open'
  const message = `${subjectOf(name)} ${what}; what was under way is not stored`
  throw new PersistencyError('ERR_SUBSCRIPTION_LOST', message)
}

/** What is done enters the journal as well, and leaves it when it fails. */
function allOrNothing<T>(store: SqliteStore, journal: JournalLog, work: () => T): T {
  return journal.undoing(() => store.atomically(work))
}
