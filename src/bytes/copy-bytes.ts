/** Owns copying bytes from one array to another. */

/** From here on it is faster to have the engine do it than to copy them one by one. */
const AT_ONCE = 256

/** Copies the bytes between `from` and `end` to a place of another array, and answers where the copy ends. */
export function copyBytes(
  source: Uint8Array,
  from: number,
  end: number,
  target: Uint8Array,
  to: number
): number {
  if (end - from >= AT_ONCE) target.set(source.subarray(from, end), to)
  else for (let byte = from, at = to; byte < end; byte++, at++) target[at] = source[byte] as number
  return to + end - from
}
