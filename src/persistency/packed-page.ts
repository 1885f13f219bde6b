/**
 * Owns the packed form of rows: what SQLite puts together in one value, so that a page of rows costs one call instead
 * of two buffers a row. Each row is the lengths of its key and payload, eight hex digits each, then the key, then the
 * payload.
 */
import { Key } from './keys.js'
import type { KvScanPage } from './message-payloads.js'
import type { KvRow } from './types.js'

/** The SQL expression of one packed row. Blobs and text are the same bytes in a UTF-8 database. */
export const PACKED_ROW = "printf('%08x%08x', octet_length(key), octet_length(payload)) || key || payload"
export const PACKED_KEY = "printf('%08x00000000', octet_length(key)) || key"

const LENGTH_DIGITS = 8

/** A page as it comes from the database. Its rows are views on the packed bytes, made when they are asked for. */
export class PackedPage implements KvScanPage {
  readonly packed: readonly Uint8Array[]
  readonly more: boolean

  constructor(packed: readonly Uint8Array[], more: boolean) {
    this.packed = packed
    this.more = more
  }

  get rows(): KvRow[] {
    const rows: KvRow[] = []
    for (const bytes of this.packed) unpackRows(bytes, rows)
    return rows
  }
}

/** Appends the rows packed in `bytes` to `rows`; they share its memory. */
export function unpackRows(bytes: Uint8Array, rows: KvRow[]): void {
  const { buffer, byteOffset, length } = bytes
  let at = 0
  while (at < length) {
    const keyLength = readLength(bytes, at)
    const payloadLength = readLength(bytes, at + LENGTH_DIGITS)
    at += 2 * LENGTH_DIGITS
    const end = at + keyLength + payloadLength
    if (!(end <= length)) throw new RangeError(`a packed row of ${end - at} bytes at ${at} of ${length}`)
    const key = Key.view(new Uint8Array(buffer, byteOffset + at, keyLength))
    const payload = new Uint8Array(buffer, byteOffset + at + keyLength, payloadLength)
    rows.push({ key, payload })
    at = end
  }
}

/** A row in memory of its own. */
export function copyRow({ key, payload }: KvRow): KvRow {
  return { key: Key.of(key.bytes), payload: payload.slice() }
}

/** Lower-case hex; anything else gives a number that does not fit, or none. */
function readLength(bytes: Uint8Array, at: number): number {
  let value = 0
  for (let i = at; i < at + LENGTH_DIGITS; i++) {
    const digit = bytes[i] as number
    value = value * 16 + (digit < 58 ? digit - 48 : digit - 87)
  }
  return value
}
