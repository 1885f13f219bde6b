/** Owns how the failures of a broker call look to a user of the storage. */
import { BrokerError } from '../brokers/errors.js'
import { PersistencyError, type PersistencyErrorCode } from './errors.js'

/** What has no line here cannot come from a request, or is nobody's fault but the framework's. */
const CODES: Partial<Record<BrokerError['kind'], PersistencyErrorCode>> = {
  timeout: 'ERR_TIMEOUT',
  aborted: 'ERR_ABORTED',
  noProvider: 'ERR_JOB_CLOSED',
  disconnected: 'ERR_STORAGE_DIED',
  providerFailed: 'ERR_STORAGE',
  overloaded: 'ERR_OVERLOADED'
}

/** The storage's own errors as they are, the framework's as errors of job `jobId`. */
export function toPersistencyError(error: PersistencyError | BrokerError, jobId: string): PersistencyError {
  if (!BrokerError.is(error)) return error
  const remedy = error.kind === 'disconnected' ? '; its storage died, openJob starts it again' : ''
  const message = `job "${jobId}": ${error.message}${remedy}`
  return new PersistencyError(CODES[error.kind] ?? 'ERR_BROKER', message, {
    // A caller that aborted gets its own abort reason as the cause.
    cause: error.kind === 'aborted' ? error.cause : error
  })
}
