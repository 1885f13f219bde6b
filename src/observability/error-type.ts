/** Owns what failures are called in `error.type`: few names, none made from input. */
import { BrokerError } from '../brokers/errors.js'
import { PersistencyError } from '../persistency/errors.js'

/** What a class may be called. */
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u

/**
 * The kind of a framework error, the code of a storage error, the class of another; `_OTHER` where that has no name. Not
 * `error.name`, which may be anything.
 */
export function errorTypeOf(error: unknown): string {
  if (BrokerError.is(error)) return error.kind
  if (PersistencyError.is(error)) return error.code
  const name: unknown = error instanceof Error ? error.constructor?.name : undefined
  return typeof name === 'string' && IDENTIFIER.test(name) ? name : '_OTHER'
}
