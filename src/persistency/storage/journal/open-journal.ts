/** Owns whether a database that is being opened has a journal, and beginning one. */
import type { Database } from 'better-sqlite3'
import type { JournalOptions } from '../../journal/types.js'
import type { JobOptions } from '../../options.js'
import { type Patient, whenFree } from '../busy.js'
import { JournalLog } from './journal-log.js'
import { createJournal, hasJournal, readLimits, writeLimits } from './tables.js'

/**
 * The journal of a file, begun if it is asked for. A file that has one keeps it: without being asked for, it goes on
 * with the limits it had, so that no write passes it by. So it does when the file is opened `again`, for the same job:
 * somebody else may have given others since.
 */
export function openJournal(
  db: Database,
  file: string,
  wanted: NonNullable<JobOptions['journal']>,
  patient: Patient,
  again: boolean,
  outsideCommits: number
): JournalLog | undefined {
  const there = hasJournal(db, file)
  if (!there && wanted === false) return undefined
  const limits = wanted === true || wanted === false ? {} : wanted
  if (!there || (wanted !== false && !again && !sameLimits(limits, readLimits(db)))) {
    whenFree(patient, () => begin(db, file, limits))
  }
  return new JournalLog(db, outsideCommits)
}

/** The journal of a file that is open, if there is one by now. */
export function findJournal(db: Database, file: string): JournalLog | undefined {
  return hasJournal(db, file) ? new JournalLog(db) : undefined
}

/** Another process may have been faster. */
function begin(db: Database, file: string, limits: JournalOptions): void {
  db.transaction(() => {
    if (!hasJournal(db, file)) createJournal(db)
    writeLimits(db, limits)
  }).immediate()
}

function sameLimits(one: JournalOptions, other: JournalOptions): boolean {
  return (
    one.maxEvents === other.maxEvents && one.maxAgeMs === other.maxAgeMs && one.maxBytes === other.maxBytes
  )
}
