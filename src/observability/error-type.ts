/** Owns what failures are called in `error.type`: few names, none made from input. */
import type { BrokerError } from '../brokers/errors.js'
import type { PersistencyError } from '../persistency/errors.js'

/** The kind of a framework error, the code of a storage error, the class of another. */
export function errorTypeOf(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  if (error.name === 'BrokerError') return (error as BrokerError).kind
  if (error.name === 'PersistencyError') return (error as PersistencyError).code
  return error.name
}
