/** Owns whether a database that is being opened has a journal, and beginning one. */
import type { Database } from 'better-sqlite3'
import type { JournalOptions } from '../../journal/types.js'
import type { JobOptions } from '../../options.js'
import { type Patient, whenFree } from '../busy.js'
import type { Pieces } from '../pieces.js'
import { JournalLog } from './journal-log.js'
import { createJournal, hasJournal, readLimits, writeLimits } from './tables.js'

/**
 * The journal of a file, begun if it is asked for. A file that has one keeps it: without being asked for, it goes on
 * with the limits it had, so that no write passes it by. So it does when the file is opened `again`, for the same job:
 * somebody else may have given others since.
 */
export function* openJournal(
  db: Database,
  file: string,
  wanted: NonNullable<JobOptions['journal']>,
  patient: Patient,
  again: boolean,
  outsideCommits: number
): Pieces<JournalLog | undefined> {
  const there = hasJournal(db, file)
  if (!there && wanted === false) return undefined
  const limits = wanted === true || wanted === false ? {} : wanted
  if (!there || (wanted !== false && !again && !sameLimits(limits, readLimits(db)))) {
    yield* begin(db, file, limits, patient)
  }
  return new JournalLog(db, outsideCommits)
}

/** The journal of a file that is open, if there is one by now. */
export function findJournal(db: Database, file: string): JournalLog | undefined {
  return hasJournal(db, file) ? new JournalLog(db) : undefined
}

function* begin(db: Database, file: string, limits: JournalOptions, patient: Patient): Pieces {
  whenFree(patient, () => db.exec('BEGIN IMMEDIATE'))
  try {
    // Another process may have been faster.
    if (!hasJournal(db, file)) yield* createJournal(db)
    writeLimits(db, limits)
    db.exec('COMMIT')
  } catch (thrown) {
    if (db.inTransaction) db.exec('ROLLBACK')
    throw thrown
  }
}

function sameLimits(one: JournalOptions, other: JournalOptions): boolean {
  return (
    one.maxEvents === other.maxEvents && one.maxAgeMs === other.maxAgeMs && one.maxBytes === other.maxBytes
  )
}
