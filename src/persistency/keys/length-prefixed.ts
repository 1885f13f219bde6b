/**
 * Text and bytes as the Nim library lays them out in keys and payloads: a 2-byte big-endian byte length, then the
 * bytes. Owns the 65 535 byte limit that follows from it, and the refusal of text which UTF-8 cannot carry.
 */
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { isDetached } from '../../bytes/detached.js'
import { plainBytes } from '../../bytes/length-of.js'
import { utf8Length } from '../../bytes/utf8.js'

/** The longest text (in UTF-8 bytes) or byte string that a part can hold. */
const MAX_PART_BYTES = 0xffff

const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Writes text as length and UTF-8.
 *
 * @throws RangeError over 65 535 bytes, and for a lone surrogate.
 */
export function writeString(writer: ByteWriter, text: string): void {
  // UTF-8 takes at least one byte per UTF-16 unit, so a hopeless text is refused before it is encoded.
  if (text.length > MAX_PART_BYTES) throw tooLong('string', utf8Length(text))
  const at = writer.offset
  writer.u16(0)
  const length = writer.utf8(text)
  if (length !== text.length) {
    assertWellFormed(text)
    if (length > MAX_PART_BYTES) throw tooLong('string', length)
  }
  writer.patchU16(at, length)
}

/**
 * Writes bytes as length and content.
 *
 * @throws RangeError over 65 535 bytes; TypeError when their memory was given away.
 */
export function writeBytes(writer: ByteWriter, bytes: Uint8Array): void {
  const content = requireMemory(bytes)
  const { length } = content
  if (length > MAX_PART_BYTES) throw tooLong('byte string', length)
  writer.u16(length)
  // One in memory that threads share may have been made longer since.
  writer.raw(content.length === length ? content : content.subarray(0, length))
}

/**
 * The bytes, as a copy if they are of an unknown class.
 *
 * @throws TypeError when their memory was given to another thread.
 */
export function requireMemory(bytes: Uint8Array): Uint8Array {
  const own = plainBytes(bytes)
  if (!isDetached(own)) return own
  throw new TypeError('the memory of the bytes was given to another thread')
}

/**
 * Refuses a lone surrogate. UTF-8 has no form for one: an encoder puts U+FFFD in its place, and two different
 * strings would silently become one key.
 *
 * @throws RangeError naming the surrogate and its position.
 */
export function assertWellFormed(text: string): void {
  const at = text.search(LONE_SURROGATE)
  if (at === -1) return
  const unit = text.charCodeAt(at).toString(16)
  throw new RangeError(
    `the string has a lone surrogate (\\u${unit} at ${at}), which UTF-8 cannot carry; use bytes`
  )
}

function tooLong(what: string, actualBytes: number): RangeError {
  return new RangeError(`a ${what} part holds at most ${MAX_PART_BYTES} bytes, got ${actualBytes}`)
}
