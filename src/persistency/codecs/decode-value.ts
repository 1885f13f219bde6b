/** Owns turning a payload into an application's value, with failures as values. */
import { err, ok, type Result } from 'neverthrow'
import { messageOf } from '../../brokers/errors.js'
import { PersistencyError } from '../errors.js'

/** Whatever decodes values of one type; every codec of this package does, and your own may. */
export interface ValueDecoder<T> {
  decode(bytes: Uint8Array): T
}

/** The value that the codec reads; `told` makes the message of the reason why it cannot. Errors: `ERR_VALUE`. */
export function decodeValue<T>(
  payload: Uint8Array,
  codec: ValueDecoder<T>,
  told: (why: string) => string
): Result<T, PersistencyError> {
  try {
    return ok(codec.decode(payload))
  } catch (cause) {
    return err(new PersistencyError('ERR_VALUE', told(messageOf(cause)), { cause }))
  }
}
