/** Ranges of keys, and the range which holds everything that starts with a prefix. */
import { compareBytes } from '../../bytes/compare.js'
import { Key } from './keys.js'

/** From `start`, included, to `stop`, excluded. */
export interface KeyRange {
  readonly start: Key
  /** No stop, or an empty one, leaves the range open at its end. */
  readonly stop?: Key | undefined
}

/**
 * The range of the prefix itself and every key that starts with it, and nothing else.
 *
 * The stop is the prefix with its last byte that is not FF incremented and everything behind that cut off, as in the
 * original. For an empty prefix, or one of FF bytes only, there is no such byte: the range is open-ended.
 *
 * A string part carries its length, so `prefixRange(key('a'))` leaves `key('ab')` out; scanning by the beginning of a
 * text takes `orderedString.prefix`.
 */
export function prefixRange(prefix: Key): KeyRange {
  const bytes = prefix.bytes
  let last = bytes.length - 1
  while (last >= 0 && bytes[last] === 0xff) last--
  if (last < 0) return { start: prefix }
  const stop = new Uint8Array(bytes.subarray(0, last + 1))
  stop[last] = (stop[last] as number) + 1
  return { start: prefix, stop: Key.view(stop) }
}

/** The range of one key and nothing else: not what starts with it. */
export function onlyKey(key: Key): KeyRange {
  return { start: key, stop: successor(key) }
}

/** Whether a key lies in a range. */
export function rangeIncludes(range: KeyRange, key: Key): boolean {
  if (compareBytes(key.bytes, range.start.bytes) < 0) return false
  const stop = range.stop
  return stop === undefined || stop.length === 0 || compareBytes(key.bytes, stop.bytes) < 0
}

/** What is left of a range behind `last`, in the direction of reading; `undefined` when that is nothing. */
export function rangeBehind(range: KeyRange, last: Key, reverse: boolean): KeyRange | undefined {
  if (!reverse) return { ...range, start: successor(last) }
  // Nothing sorts before the empty key, and an empty stop would mean an open end. A copy: the key is handed out.
  return last.length === 0 ? undefined : { start: range.start, stop: Key.of(last.bytes) }
}

/** The smallest key behind `key`. */
function successor(key: Key): Key {
  const bytes = new Uint8Array(key.bytes.length + 1)
  bytes.set(key.bytes)
  return Key.view(bytes)
}
