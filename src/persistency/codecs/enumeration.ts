/** Codecs of enumerations: the Nim library writes the ordinal, as an int64. */
import { describeValue } from '../describe.js'
import { readInt64, writeInt64 } from '../keys/integers.js'
import { type Codec, defineCodec } from './codec.js'

/**
 * The members of a TypeScript numeric enum, told apart from a plain object of ordinals by the index signature that
 * the compiler gives to the enum's reverse mapping.
 */
export type NumericEnumMember<E> = E extends { readonly [ordinal: number]: infer Name }
  ? [Name] extends [string]
    ? Extract<E[keyof E], number>
    : never
  : never

/** What `enumeration` makes of an object: a codec over enum members, or over the names of the ordinals. */
export type EnumerationOf<E> = [NumericEnumMember<E>] extends [never]
  ? Codec<Extract<keyof E, string>>
  : Codec<NumericEnumMember<E>>

/**
 * A codec of a closed set of values, each with its ordinal.
 *
 * - `enumeration('red', 'green')`: names, counted from 0 in the order given.
 * - `enumeration({ low: -5, high: 7 })`: names with ordinals of their own, negative ones allowed.
 * - `enumeration(Mood)` of a TypeScript `enum` with numeric members: the values are the members.
 *
 * Ordinals and names are for ever: data written with one set must be read with the same.
 *
 * @throws TypeError when there are no names, a name appears twice, two names share an ordinal, or an ordinal is not a
 *   safe integer. Encoding a value outside the set and decoding an ordinal outside of it are RangeErrors.
 */
export function enumeration<const Name extends string>(...names: readonly [Name, ...Name[]]): Codec<Name>
export function enumeration<const E extends Readonly<Record<string, string | number>>>(
  ordinals: E
): EnumerationOf<E>
export function enumeration(
  first: string | Readonly<Record<string, string | number>>,
  ...more: readonly string[]
): Codec<string> | Codec<number> {
  if (typeof first === 'string') return ofPairs([first, ...more].map((name, ordinal) => [name, ordinal]))
  if (typeof first !== 'object' || first === null) {
    throw new TypeError(`an enumeration needs names or an object of ordinals, got ${describeValue(first)}`)
  }
  const entries = Object.entries(first)
  const ordinals = entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  if (ordinals.length === entries.length) return ofPairs(ordinals)
  for (const [name, value] of entries) {
    const isReverseMapping = typeof value === 'number' || first[value] === Number(name)
    if (!isReverseMapping) throw new TypeError(`${name} has no ordinal but ${describeValue(value)}`)
  }
  // Two names of an enum may share an ordinal: its values are the ordinals, so nothing is ambiguous.
  return ofPairs([...new Set(ordinals.map(([, ordinal]) => ordinal))].map((ordinal) => [ordinal, ordinal]))
}

function ofPairs<T extends string | number>(pairs: readonly (readonly [T, number])[]): Codec<T> {
  const ordinalOf = new Map<T, number>(pairs)
  const valueAt = new Map<bigint, T>()
  for (const [value, ordinal] of pairs) {
    if (!Number.isSafeInteger(ordinal))
      throw new TypeError(`the ordinal of ${value}, ${ordinal}, is no safe integer`)
    const holder = valueAt.get(BigInt(ordinal))
    if (holder !== undefined) throw new TypeError(`${holder} and ${value} share the ordinal ${ordinal}`)
    valueAt.set(BigInt(ordinal), value)
  }
  if (ordinalOf.size === 0) throw new TypeError('an enumeration needs at least one name')
  if (ordinalOf.size < pairs.length) throw new TypeError('a name appears twice in an enumeration')
  const label = `enumeration(${[...ordinalOf.keys()].join(', ')})`
  return defineCodec({
    label,
    write: (writer, value: T) => {
      const ordinal = ordinalOf.get(value)
      if (ordinal === undefined) throw new RangeError(`${describeValue(value)} is not in ${label}`)
      writeInt64(writer, ordinal)
    },
    read: (reader) => {
      const ordinal = readInt64(reader)
      const value = valueAt.get(ordinal)
      if (value === undefined) throw new RangeError(`the ordinal ${ordinal} is not in ${label}`)
      return value
    }
  })
}
