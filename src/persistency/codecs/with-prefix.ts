/** Owns codecs that make the beginnings of keys as well. */
import type { Key } from '../keys/keys.js'
import type { Codec } from './codec.js'

/** The same codec, frozen again, with a function that makes prefixes. */
export function withPrefix<T, Input, Prefix>(
  codec: Codec<T, Input>,
  prefix: Prefix
): Codec<T, Input> & { readonly prefix: Prefix } {
  const asKey = (value: Input): Key => codec(value)
  return Object.freeze(Object.assign(asKey, { ...codec, prefix }))
}
