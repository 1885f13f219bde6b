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
  return !hasEnd(range.stop) || compareBytes(key.bytes, range.stop.bytes) < 0
}

/**
 * What is left of a range, or of everything under a prefix, behind the key that was read last: where the next page
 * begins. With `reverse` that is what sorts before the key. `undefined` when nothing can be left.
 *
 * Never reaches beyond the range, wherever the key lies.
 *
 * @example
 * const rest = rangeAfter(key('ann'), keyFromHex(cursor))
 */
export function rangeAfter(
  range: KeyRange | Key,
  last: Key,
  options: { readonly reverse?: boolean | undefined } = {}
): KeyRange | undefined {
  const { start, stop } = Key.isKey(range) ? prefixRange(range) : range
  if (!options.reverse) {
    const next = successor(last)
    return nonEmpty(compareBytes(next.bytes, start.bytes) < 0 ? start : next, stop)
  }
  // Nothing sorts before the empty key, and an empty stop would mean an open end.
  return last.bytes.length === 0 ? undefined : nonEmpty(start, earlier(stop, last))
}

/** The stop that comes first. Of the key a copy: what is read shares memory with its page. */
function earlier(stop: Key | undefined, last: Key): Key {
  return hasEnd(stop) && compareBytes(stop.bytes, last.bytes) < 0 ? stop : Key.of(last.bytes)
}

function nonEmpty(start: Key, stop: Key | undefined): KeyRange | undefined {
  if (!hasEnd(stop)) return { start }
  return compareBytes(start.bytes, stop.bytes) < 0 ? { start, stop } : undefined
}

function hasEnd(stop: Key | undefined): stop is Key {
  return stop !== undefined && stop.bytes.length > 0
}

/** The smallest key behind `key`. */
function successor(key: Key): Key {
  const bytes = new Uint8Array(key.bytes.length + 1)
  bytes.set(key.bytes)
  return Key.view(bytes)
}
