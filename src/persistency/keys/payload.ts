/**
 * Payloads made of parts, with the encoder of keys, as the Nim library makes them. A payload is plain bytes and may be
 * anything else as well; the codecs also decode what is written here.
 */
import { encodeParts, type KeyPart } from './key-parts.js'

/**
 * The parts one after the other, as bytes that the caller owns.
 *
 * @throws TypeError and RangeError as `key` does. The limit of 65 535 bytes for a text or byte string part holds
 *   here too: larger content is a payload of its own, not a part of one.
 */
export function payload(...parts: readonly KeyPart[]): Uint8Array {
  return encodeParts(parts)
}

/**
 * The payload of a single value, the same as `payload(value)`. A `Uint8Array` gets its 2-byte length in front, as
 * in the Nim library; bytes to be stored as they are need no encoding at all.
 *
 * Objects are no parts: encode them with a codec, `struct({ ... }).encode(value)`.
 *
 * @throws TypeError and RangeError as `key` does.
 */
export function toPayload(value: KeyPart): Uint8Array {
  return payload(value)
}
