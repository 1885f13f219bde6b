/** Order, equality and hex of byte strings; owns the one definition of byte order that keys and ranges share. */

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * Unsigned bytewise order, a shorter string before a longer one that starts with it: -1, 0 or 1.
 *
 * The order of SQLite's BLOBs (memcmp) and of the Nim library's keys.
 */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  if (a === b) return 0
  const aLength = a.length
  const bLength = b.length
  const shared = Math.min(aLength, bLength)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference < 0 ? -1 : 1
  }
  return aLength === bLength ? 0 : aLength < bLength ? -1 : 1
}

/** Whether both hold the same bytes. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && startsWithBytes(a, b)
}

/** Whether `bytes` begins with all of `prefix`; the empty prefix begins everything. */
export function startsWithBytes(bytes: Uint8Array, prefix: Uint8Array): boolean {
  const length = prefix.length
  if (length > bytes.length) return false
  for (let i = 0; i < length; i++) if (bytes[i] !== prefix[i]) return false
  return true
}

/** Lower-case hex, two digits a byte, no separators. */
export function toHex(bytes: Uint8Array): string {
  let hex = ''
  for (let i = 0; i < bytes.length; i++) hex += HEX[bytes[i] as number]
  return hex
}

/**
 * The bytes of a hex string; digits of either case, no separators.
 *
 * @throws RangeError for an odd number of digits or anything that is not a hex digit.
 */
export function fromHex(hex: string): Uint8Array {
  if (hex.length % 2 !== 0) throw new RangeError(`hex needs an even number of digits, got ${hex.length}`)
  const stray = hex.search(/[^0-9a-fA-F]/)
  if (stray !== -1) throw new RangeError(`not a hex digit: ${JSON.stringify(hex[stray])} at ${stray}`)
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16)
  return bytes
}
