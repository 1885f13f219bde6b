/** Owns how the requests of a storage are declared: whatever they ask, they fail with a `PersistencyError`. */
import { defineRequest, type RequestCodecs, type RequestDefinition } from '../../brokers/definitions.js'
import type { PersistencyError } from '../errors.js'
import { error } from './wire.js'

/**
 * Codecs are for what is asked often and for what holds keys, operations or many bytes. Rare requests of plain data have
 * none: the clone codec of a link carries them.
 */
export function storageRequest<Payload, Response>(
  name: string,
  codecs: Omit<RequestCodecs<Payload, Response, PersistencyError>, 'error'> = {}
): RequestDefinition<Payload, Response, PersistencyError> {
  return defineRequest(name, { codec: { ...codecs, error } })
}
