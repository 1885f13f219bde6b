/** Owns appending events of the application's own: streams, what they expect, and appends that are repeated. */
import { PersistencyError } from '../../errors.js'
import type { JournalAppendQuery, JournalFindAppendQuery } from '../../journal/message-payloads.js'
import type { Appended } from '../../journal/types.js'
import type { SqliteStore } from '../sqlite-store.js'
import type { JournalLog } from './journal-log.js'

const STREAM_SEQ = 'SELECT stream_seq FROM journal_streams WHERE stream = ? ORDER BY seq DESC LIMIT 1'
const ADD_TO_STREAM = 'INSERT INTO journal_streams (stream, seq, stream_seq) VALUES (?, ?, ?)'
const IS_OF_STREAM = 'SELECT 1 FROM journal_streams WHERE stream = ? AND seq = ?'
const REPEATED = 'SELECT first_seq, last_seq, stream_seq FROM journal_keys WHERE id = ?'
const REMEMBER = 'INSERT INTO journal_keys (id, first_seq, last_seq, stream_seq) VALUES (?, ?, ?, ?)'

/** Appends within the transaction, all or nothing. Throws `ERR_CONFLICT`. */
export function append(store: SqliteStore, journal: JournalLog, query: JournalAppendQuery): Appended {
  const { idempotencyKey, stream, events, ops } = query
  const repeated = idempotencyKey === undefined ? undefined : findKey(journal, idempotencyKey)
  if (repeated !== undefined) {
    requireStream(journal, repeated, idempotencyKey, stream)
    return repeated
  }
  const streamSeqBefore = stream === undefined ? 0 : checkStream(journal, stream, query)
  const firstSeq = journal.lastSeq + 1
  const lastSeq = journal.lastSeq + events.length
  const streamSeq = stream === undefined ? 0 : streamSeqBefore + events.length
  journal.undoing(() => {
    for (const [index, event] of events.entries()) {
      const own = { ...event, stream, streamSeq: streamSeqBefore + index + 1 }
      journal.recordOwn(own, index === events.length - 1 ? ops : [])
    }
    store.atomically(() => {
      store.apply(ops)
      for (let index = 0; stream !== undefined && index < events.length; index++) {
        journal.statements.get(ADD_TO_STREAM).run(stream, firstSeq + index, streamSeqBefore + index + 1)
      }
      if (idempotencyKey !== undefined) {
        journal.statements.get(REMEMBER).run(idempotencyKey, firstSeq, lastSeq, streamSeq)
      }
    })
  })
  return { firstSeq, lastSeq, streamSeq, repeated: false }
}

/** The append that was carried out under an idempotency key. Throws `ERR_KEY_REUSED`. */
export function findAppend(
  journal: JournalLog,
  { idempotencyKey, stream }: JournalFindAppendQuery
): Appended | undefined {
  const found = findKey(journal, idempotencyKey)
  if (found !== undefined && stream !== undefined) requireStream(journal, found, idempotencyKey, stream)
  return found
}

function requireStream(
  journal: JournalLog,
  { lastSeq, streamSeq }: Appended,
  key: string | undefined,
  stream: string | undefined
): void {
  const same =
    stream === undefined
      ? streamSeq === 0
      : journal.statements.get(IS_OF_STREAM).get(stream, lastSeq) !== undefined
  if (same) return
  const what = stream === undefined ? 'without a stream' : `to stream ${JSON.stringify(stream)}`
  const message = `idempotency key ${JSON.stringify(key)} was used before, for an append to another stream than this one, which is ${what}; a key names one append`
  throw new PersistencyError('ERR_KEY_REUSED', message)
}

function findKey(journal: JournalLog, key: string): Appended | undefined {
  const found = journal.statements.get(REPEATED, 'raw').get(key) as [number, number, number] | undefined
  if (found === undefined) return undefined
  const [firstSeq, lastSeq, streamSeq] = found
  return { firstSeq, lastSeq, streamSeq, repeated: true }
}

/** The position of the last event of a stream, whether it has fallen off or not. */
export function streamSeqOf(journal: JournalLog, stream: string): number {
  return (journal.statements.get(STREAM_SEQ, 'pluck').get(stream) as number | undefined) ?? 0
}

/** The position of the last event of a stream, which must be as expected. */
function checkStream(journal: JournalLog, stream: string, { expectedSeq }: JournalAppendQuery): number {
  const actualSeq = streamSeqOf(journal, stream)
  if (expectedSeq === 'any') return actualSeq
  if (actualSeq === (expectedSeq === 'none' ? 0 : expectedSeq)) return actualSeq
  const message = `stream ${JSON.stringify(stream)} was expected at ${expectedSeq}, but is at ${actualSeq}`
  throw new PersistencyError('ERR_CONFLICT', message, {
    conflict: { kind: 'stream', stream, expectedSeq, actualSeq }
  })
}
