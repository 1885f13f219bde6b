/** Codecs of tuples: their items in order, without a frame, as in the Nim library. */
import { describeValue } from '../describe.js'
import { inContext } from '../error-context.js'
import { type AnyCodec, type Codec, type CodecInput, type CodecValue, defineCodec } from './codec.js'
import { refuseGreedyBeforeLast } from './greedy.js'

/** What a tuple of these codecs decodes to. */
export type TupleValue<C extends readonly AnyCodec[]> = { -readonly [Index in keyof C]: CodecValue<C[Index]> }

/** What a tuple of these codecs encodes. */
export type TupleInput<C extends readonly AnyCodec[]> = { readonly [Index in keyof C]: CodecInput<C[Index]> }

/**
 * A codec of arrays of a fixed length, one codec for each item. The bytes are those of the items, so a tuple in a
 * tuple is the same as its items written out.
 *
 * @throws TypeError when a codec that reads all the rest is not the last one. Encoding an array of another length is
 *   a TypeError.
 */
export function tuple<const C extends readonly AnyCodec[]>(...items: C): Codec<TupleValue<C>, TupleInput<C>> {
  const codecs = items as readonly unknown[] as readonly Codec<unknown>[]
  refuseGreedyBeforeLast(codecs.map((codec, index) => [`item ${index}`, codec]))
  return defineCodec<TupleValue<C>, TupleInput<C>>({
    label: `tuple(${codecs.map((codec) => codec.label).join(', ')})`,
    greedy: codecs.at(-1)?.greedy ?? false,
    write: (writer, value) => {
      if (!Array.isArray(value)) throw new TypeError(`expected an array, got ${describeValue(value)}`)
      if (value.length !== codecs.length) {
        throw new TypeError(`expected an array of ${codecs.length}, got one of ${value.length}`)
      }
      let index = 0
      try {
        for (const codec of codecs) codec.write(writer, value[index++])
      } catch (error) {
        throw inContext(`item ${index - 1}`, error)
      }
    },
    read: (reader) => {
      const values: unknown[] = []
      try {
        for (const codec of codecs) values.push(codec.read(reader))
      } catch (error) {
        throw inContext(`item ${values.length}`, error)
      }
      return values as TupleValue<C>
    }
  })
}
