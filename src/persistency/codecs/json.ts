/** The codec of JSON payloads, for data whose shape is not worth a struct. Not an encoding of the Nim library. */
import { describeValue } from '../describe.js'
import { type Codec, defineCodec } from './codec.js'

/**
 * UTF-8 JSON up to the end of the input, so it can only be the last field of a struct. What JSON changes, this codec
 * changes: a `Date` comes back as a string, a `Map` as `{}`, `NaN` as `null`; members that are `undefined` or functions vanish.
 *
 * The type is taken on trust; decoding checks that it reads JSON, not that the JSON is a `T`.
 *
 * @throws (encoding) TypeError for that of which JSON makes nothing: `undefined`, a function, a bigint, a cycle.
 * @throws (decoding) RangeError for what is not JSON.
 */
export function json<T = unknown>(): Codec<T> {
  return defineCodec({
    label: 'json',
    greedy: true,
    write: (writer, value: T) => {
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) throw new TypeError(`JSON cannot express ${describeValue(value)}`)
      writer.utf8(text)
    },
    read: (reader) => {
      const text = reader.utf8(reader.remaining)
      try {
        return JSON.parse(text) as T
      } catch (cause) {
        throw new RangeError('not JSON', { cause })
      }
    }
  })
}
