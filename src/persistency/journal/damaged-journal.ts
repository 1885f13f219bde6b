/** Owns how a journal is told of that cannot be read, and what can be done about it. */
import { PersistencyError, type PersistencyErrorDetails } from '../errors.js'

const REMEDY =
  'restore a backup; opened with journal: true, which lifts the limits of the journal, the job still takes writes'

export function damagedJournal(what: string, details?: PersistencyErrorDetails): PersistencyError {
  return new PersistencyError('ERR_JOURNAL', `${what} (${REMEDY})`, details)
}
