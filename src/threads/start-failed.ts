/** Owns the error of what could not be set up, or not be closed cleanly. */
import { BrokerError } from '../brokers/errors.js'
import { messageOf } from '../runtime/message-of.js'

/** @param cause whatever the application answered or threw, an error of the framework included */
export function startFailed(what: string, cause: unknown): BrokerError {
  return new BrokerError('startFailed', `${what}: ${messageOf(cause)}`, { cause })
}
