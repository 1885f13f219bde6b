/**
 * Text that sorts like a dictionary, an encoding of this library: the Nim library knows only text with a length in
 * front, which sorts by length first. The two must not be mixed in one category.
 */
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { describeValue } from '../describe.js'
import { Key } from '../keys/keys.js'
import { assertWellFormed } from '../keys/length-prefixed.js'
import { encoded } from '../keys/scratch.js'
import { type Codec, defineCodec } from './codec.js'
import { withPrefix } from './with-prefix.js'

const ESCAPE = 0x00
/** Behind the escape: a byte 00 of the text. Sorts after the end, so that a text sorts before its continuations. */
const ESCAPED_ZERO = 0xff
/** Behind the escape: the end of the text. */
const END = 0x01

/** The codec of order-preserving text. */
export interface OrderedStringCodec extends Codec<string> {
  /**
   * The beginning of a text, without its end: `prefixRange(key('names', orderedString.prefix('Al')))` holds every key
   * with a name that starts with "Al". Nothing may follow it in a key.
   *
   * @throws RangeError for a lone surrogate.
   */
  prefix(text: string): Key
}

/**
 * Text parts that sort by code point: "a" < "aa" < "b", also with other parts behind them.
 *
 * UTF-8 with each byte 00 written as 00 FF, and 00 01 at the end. No limit to the length. This is not the Nim library's
 * encoding of strings, and bytes do not tell the two apart: use one or the other for a category, never both.
 */
export const orderedString: OrderedStringCodec = withPrefix(
  defineCodec<string>({
    label: 'orderedString',
    write: (writer, value: string) => {
      writeEscaped(writer, value)
      writer.u8(ESCAPE)
      writer.u8(END)
    },
    read: readEscaped
  }),
  (text: string): Key => Key.view(encoded(writeEscaped, text))
)

function writeEscaped(writer: ByteWriter, text: string): void {
  if (typeof text !== 'string') throw new TypeError(`expected a string, got ${describeValue(text)}`)
  assertWellFormed(text)
  let from = 0
  for (let zero = text.indexOf('\0'); zero !== -1; zero = text.indexOf('\0', from)) {
    writer.utf8(text.slice(from, zero))
    writer.u8(ESCAPE)
    writer.u8(ESCAPED_ZERO)
    from = zero + 1
  }
  writer.utf8(from === 0 ? text : text.slice(from))
}

function readEscaped(reader: ByteReader): string {
  let text = ''
  for (;;) {
    text += reader.utf8(reader.distanceTo(ESCAPE))
    reader.skip(1)
    const follower = reader.u8()
    if (follower === END) return text
    if (follower !== ESCAPED_ZERO)
      throw new RangeError(`a byte 00 must be followed by 01 or FF, got ${follower}`)
    text += '\0'
  }
}
