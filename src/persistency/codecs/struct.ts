/** Codecs of objects: their fields in order of declaration, without a frame, as in the Nim library. */
import { describeValue } from '../describe.js'
import { inContext } from '../error-context.js'
import { type AnyCodec, type Codec, type CodecInput, type CodecValue, defineCodec } from './codec.js'
import { refuseGreedyBeforeLast } from './greedy.js'

/** The fields of a struct, in the order of their bytes. */
export type StructFields = Readonly<Record<string, AnyCodec>>

/** What a struct of these fields decodes to. */
export type StructValue<F extends StructFields> = { -readonly [Name in keyof F]: CodecValue<F[Name]> }

/** What a struct of these fields encodes. */
export type StructInput<F extends StructFields> = { readonly [Name in keyof F]: CodecInput<F[Name]> }

/**
 * A codec of objects with a fixed set of fields: `struct({ sender: string, epoch: integer })`.
 *
 * The bytes are those of the fields, in the order in which they are declared here; the order in the encoded object
 * plays no part, and neither do properties that are not declared. Adding, removing or reordering fields makes another
 * format. Structs nest, and decode to plain objects.
 *
 * @throws TypeError for a field named like an array index, since JavaScript moves those to the front whatever the
 *   order of declaration; for a field `__proto__`; and for a codec that reads all the rest before the last field.
 *   Encoding anything but an object is a TypeError; errors of a field name the field.
 */
export function struct<const F extends StructFields>(fields: F): Codec<StructValue<F>, StructInput<F>> {
  const members = Object.entries(fields) as [name: string, codec: Codec<unknown>][]
  for (const [name] of members) refuseFieldName(name)
  refuseGreedyBeforeLast(members)
  return defineCodec<StructValue<F>, StructInput<F>>({
    label: `struct(${members.map(([name]) => name).join(', ')})`,
    greedy: members.at(-1)?.[1].greedy ?? false,
    write: (writer, value) => {
      if (typeof value !== 'object' || value === null) {
        throw new TypeError(`expected an object, got ${describeValue(value)}`)
      }
      let field = ''
      try {
        for (const [name, codec] of members) {
          field = name
          codec.write(writer, value[name])
        }
      } catch (error) {
        throw inContext(field, error)
      }
    },
    read: (reader) => {
      const value: Record<string, unknown> = {}
      let field = ''
      try {
        for (const [name, codec] of members) {
          field = name
          value[name] = codec.read(reader)
        }
      } catch (error) {
        throw inContext(field, error)
      }
      return value as StructValue<F>
    }
  })
}

function refuseFieldName(name: string): void {
  if (name === '__proto__') throw new TypeError('a struct cannot have a field named __proto__')
  if (/^(0|[1-9]\d*)$/.test(name)) {
    throw new TypeError(`a struct cannot have a field named ${name}: JavaScript reorders integer-like names`)
  }
}
