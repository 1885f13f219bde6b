/**
 * What a codec is and how one is made of a `write` and a `read`. Owns the rules that hold for all of them: bytes that
 * the caller owns, and a decoder which consumes its whole input.
 */
import { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { demand } from '../checks/declarations.js'
import { functionValue, nameText } from '../checks/options.js'
import { describeValue } from '../describe.js'
import { inContext } from '../error-context.js'
import { isUint8Array } from '../keys/key-parts.js'
import { Key } from '../keys/keys.js'
import { encoded } from '../keys/scratch.js'

/**
 * Turns values into bytes and back. The bytes carry no type: they can only be read with the codec that wrote them.
 *
 * `T` is what decoding gives; `Input` is what encoding takes, which may be wider (int64 takes numbers, too).
 */
export interface Codec<T, Input = T> {
  /** The value as a part of a key or payload: `key('a', uint64(5n))`. Throws as `encode` does. */
  (value: Input): Key
  /** What the codec calls itself in messages. */
  readonly label: string
  /** Whether it reads all that is left of its input, so that nothing can follow it. */
  readonly greedy: boolean
  /**
   * The value as bytes that the caller owns.
   *
   * @throws TypeError for a value of the wrong type, RangeError for one that does not fit.
   */
  encode(value: Input): Uint8Array
  /**
   * The value that these bytes hold, sharing no memory with them.
   *
   * @throws RangeError for truncated or malformed bytes and for bytes left over, TypeError for what is no bytes.
   */
  decode(bytes: Uint8Array): T
  /** Appends the value to a larger encoding. After a throw the writer may hold a part of it. */
  write(writer: ByteWriter, value: Input): void
  /** Reads the value from a larger encoding, leaving the reader behind it. */
  read(reader: ByteReader): T
}

/** Any codec, whatever it takes and gives. */
export type AnyCodec = Codec<unknown, never>

/** The type of value that a codec decodes: `type Reading = CodecValue<typeof reading>`. */
export type CodecValue<C extends AnyCodec> = ReturnType<C['read']>

/** The type of value that a codec encodes. */
export type CodecInput<C extends AnyCodec> = Parameters<C['encode']>[0]

/** The parts of which a codec is made. */
export interface CodecParts<T, Input = T> {
  readonly label: string
  readonly greedy?: boolean
  readonly write: (writer: ByteWriter, value: Input) => void
  readonly read: (reader: ByteReader) => T
}

/**
 * Makes a codec. `write` validates its value before it writes; `read` may rely on the reader's bounds checks.
 *
 * @throws TypeError for parts that are none.
 */
export function defineCodec<T, Input = T>(parts: CodecParts<T, Input>): Codec<T, Input> {
  const { label, greedy = false, write, read } = parts
  demand('the label of a codec', label, nameText)
  for (const [what, value] of Object.entries({ write, read })) {
    demand(`${what} of codec "${label}"`, value, functionValue)
  }
  const encode = (value: Input): Uint8Array => encoded(write, value)
  const decode = (bytes: Uint8Array): T => decodeWhole(label, read, bytes)
  const asKey = (value: Input): Key => Key.view(encode(value))
  const shown = { [Symbol.for('nodejs.util.inspect.custom')]: () => `Codec ${label}` }
  return Object.freeze(Object.assign(asKey, { label, greedy, encode, decode, write, read }, shown))
}

function decodeWhole<T>(label: string, read: (reader: ByteReader) => T, bytes: Uint8Array): T {
  if (!isUint8Array(bytes)) {
    throw new TypeError(`cannot decode ${label}: expected a Uint8Array, got ${describeValue(bytes)}`)
  }
  const reader = new ByteReader(bytes)
  let value: T
  try {
    value = read(reader)
  } catch (error) {
    throw inContext(`cannot decode ${label}`, error)
  }
  if (!reader.done) {
    throw new RangeError(`cannot decode ${label}: ${reader.remaining} of ${bytes.length} bytes are left over`)
  }
  return value
}
