/** Codecs of tuples: their items in order, without a frame, as in the Nim library. */
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { describeValue } from '../describe.js'
import { inContext } from '../error-context.js'
import { Key } from '../keys/keys.js'
import { encoded } from '../keys/scratch.js'
import { type AnyCodec, type Codec, type CodecInput, type CodecValue, defineCodec } from './codec.js'
import { refuseGreedyBeforeLast } from './greedy.js'
import { withPrefix } from './with-prefix.js'

/** What a tuple of these codecs decodes to. */
export type TupleValue<C extends readonly AnyCodec[]> = { -readonly [Index in keyof C]: CodecValue<C[Index]> }

/** What a tuple of these codecs encodes. */
export type TupleInput<C extends readonly AnyCodec[]> = { readonly [Index in keyof C]: CodecInput<C[Index]> }

/** The first items of a tuple, from none to all of them; of what is no tuple there are none to give. */
export type LeadingItems<Input> = Input extends readonly [...infer First, infer Last]
  ? [...First, Last] | LeadingItems<First>
  : Input extends readonly []
    ? []
    : Input extends readonly unknown[]
      ? Input
      : [never]

/** The codec of tuples. */
export interface TupleCodec<T, Input = T> extends Codec<T, Input> {
  /**
   * The beginning of every tuple whose first items are these: `tuple(string, integer).prefix('ann')`. Of whole items only,
   * since each of them tells where it ends: those of `anna` do not begin with it.
   *
   * @throws TypeError for more items than there are, and for one that reads all the rest, which tells no end. TypeError and
   *   RangeError as `encode` does.
   */
  prefix(...items: LeadingItems<Input>): Key
}

/**
 * A codec of arrays of a fixed length, one codec for each item. The bytes are those of the items, so a tuple in a
 * tuple is the same as its items written out.
 *
 * @throws TypeError when a codec that reads all the rest is not the last one. Encoding an array of another length is
 *   a TypeError.
 */
export function tuple<const C extends readonly AnyCodec[]>(
  ...items: C
): TupleCodec<TupleValue<C>, TupleInput<C>> {
  const codecs = items as readonly unknown[] as readonly Codec<unknown>[]
  refuseGreedyBeforeLast(codecs.map((codec, index) => [`item ${index}`, codec]))
  const codec = defineCodec<TupleValue<C>, TupleInput<C>>({
    label: `tuple(${codecs.map(({ label }) => label).join(', ')})`,
    greedy: codecs.at(-1)?.greedy ?? false,
    write: (writer, value) => {
      if (!Array.isArray(value)) throw new TypeError(`expected an array, got ${describeValue(value)}`)
      if (value.length !== codecs.length) {
        throw new TypeError(`expected an array of ${codecs.length}, got one of ${value.length}`)
      }
      writeItems(writer, codecs, value)
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
  return withPrefix(codec, (...first: LeadingItems<TupleInput<C>>): Key => prefixOf(codecs, first))
}

function prefixOf(codecs: readonly Codec<unknown>[], first: readonly unknown[]): Key {
  if (first.length > codecs.length) {
    throw new TypeError(`a prefix has at most ${codecs.length} items, got ${first.length}`)
  }
  const leading = codecs.slice(0, first.length)
  const last = leading.at(-1)
  if (last?.greedy) {
    const item = `item ${first.length - 1} reads all the rest (${last.label})`
    throw new TypeError(`${item}, so a prefix must end before it`)
  }
  return Key.view(encoded((writer, values) => writeItems(writer, leading, values), first))
}

function writeItems(writer: ByteWriter, codecs: readonly Codec<unknown>[], values: readonly unknown[]): void {
  let index = 0
  try {
    for (const codec of codecs) codec.write(writer, values[index++])
  } catch (error) {
    throw inContext(`item ${index - 1}`, error)
  }
}
