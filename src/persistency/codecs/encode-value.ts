/** Owns turning an application's value into a payload, with failures as values. */
import { err, ok, type Result } from 'neverthrow'
import { messageOf } from '../../runtime/message-of.js'
import { describeValue } from '../describe.js'
import { PersistencyError } from '../errors.js'
import { isUint8Array, type KeyPart } from '../keys/key-parts.js'
import { toPayload } from '../keys/payload.js'

/**
 * Whatever encodes values of one type; every codec of this package does, and your own may. The bytes are their caller's
 * from then on, who keeps them uncopied for a while: answer new ones each time, not views on one buffer.
 */
export interface ValueEncoder<T> {
  encode(value: T): Uint8Array
}

/** The value in the codec's encoding, without a codec in that of `toPayload`. Errors: `ERR_VALUE`. */
export function encodeValue<T>(
  value: T,
  codec: ValueEncoder<T> | undefined
): Result<Uint8Array, PersistencyError> {
  try {
    return ok(codec === undefined ? toPayload(value as KeyPart) : bytesMade(codec.encode(value)))
  } catch (cause) {
    return err(
      new PersistencyError('ERR_VALUE', `the value cannot be encoded: ${messageOf(cause)}`, { cause })
    )
  }
}

/** What a codec has made of a value. @throws TypeError for what is no bytes */
export function bytesMade(encoded: unknown): Uint8Array {
  if (isUint8Array(encoded)) return encoded
  throw new TypeError(`a codec has to make a Uint8Array; got ${describeValue(encoded)}`)
}
