/** Owns telling a job that has no journal from a journal that fails. */
import { BrokerError } from '../brokers/errors.js'
import type { PersistencyError } from './errors.js'

/**
 * Whether an error says that the file has no journal, or that the engine knows of none.
 *
 * @param served whether somebody serves the job
 */
export function isWithoutJournal({ code, cause }: PersistencyError, served: boolean): boolean {
  const unknown = served && BrokerError.is(cause) && cause.kind === 'noProvider'
  return unknown || code === 'ERR_NO_JOURNAL'
}
