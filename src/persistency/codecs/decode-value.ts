/** Owns turning a payload into an application's value, with failures as values. */
import { err, ok, type Result } from 'neverthrow'
import { messageOf } from '../../runtime/message-of.js'
import { describeValue } from '../describe.js'
import { PersistencyError } from '../errors.js'

/** Whatever decodes values of one type; every codec of this package does, and your own may. */
export interface ValueDecoder<T> {
  decode(bytes: Uint8Array): T
}

/** Why something is no codec that decodes, if it is none: `ERR_VALUE`. To be asked before a row is read. */
export function checkDecoder(codec: unknown): PersistencyError | undefined {
  if (typeof (codec as Partial<ValueDecoder<unknown>> | null | undefined)?.decode === 'function')
    return undefined
  const message = `a codec is an object with a function "decode"; got ${describeValue(codec)}`
  return new PersistencyError('ERR_VALUE', message)
}

/** The value of a row; `undefined` when there is no row. Errors: `ERR_VALUE`. */
export function decodeRow<T>(
  payload: Uint8Array | undefined,
  codec: ValueDecoder<T>
): Result<T | undefined, PersistencyError> {
  if (payload === undefined) return ok(undefined)
  return decodeValue(payload, codec, (why) => `the payload of the row cannot be decoded: ${why}`)
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
