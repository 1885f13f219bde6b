/** Codecs of length-prefixed text and bytes, and of bytes without any length. */
import { describeValue } from '../describe.js'
import { isKeyLike, isUint8Array, type KeyLike } from '../keys/key-parts.js'
import { requireMemory, writeBytes, writeString } from '../keys/length-prefixed.js'
import { type Codec, defineCodec } from './codec.js'

/**
 * Text: a 2-byte byte length and UTF-8, at most 65 535 bytes. Decoding bytes that are not UTF-8, which the Nim library
 * allows in its strings, is a RangeError; `bytes` reads them.
 */
export const string: Codec<string> = defineCodec({
  label: 'string',
  write: (writer, value: string) => {
    if (typeof value !== 'string') throw new TypeError(`expected a string, got ${describeValue(value)}`)
    writeString(writer, value)
  },
  read: (reader) => reader.utf8(reader.u16())
})

/** Bytes: a 2-byte length and the content, at most 65 535 bytes. Decoding copies. */
export const bytes: Codec<Uint8Array> = defineCodec({
  label: 'bytes',
  write: (writer, value: Uint8Array) => {
    if (!isUint8Array(value)) throw new TypeError(`expected a Uint8Array, got ${describeValue(value)}`)
    writeBytes(writer, value)
  },
  read: (reader) => new Uint8Array(reader.view(reader.u16()))
})

/**
 * Bytes without a length: everything up to the end of the input, as it is. Takes keys, too. Only the last field of a
 * struct or the last item of a tuple can be one; there is no limit to its length. Decoding copies.
 */
export const rest: Codec<Uint8Array, Uint8Array | KeyLike> = defineCodec({
  label: 'rest',
  greedy: true,
  write: (writer, value: Uint8Array | KeyLike) => {
    const bytes = isKeyLike(value) ? value.bytes : value
    if (!isUint8Array(bytes)) throw new TypeError(`expected a Uint8Array or Key, got ${describeValue(value)}`)
    writer.raw(requireMemory(bytes))
  },
  read: (reader) => new Uint8Array(reader.view(reader.remaining))
})
