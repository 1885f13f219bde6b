/** Owns the texts that come again and again in frames: names of jobs, categories and messages. Finding one costs less than decoding it. */
import { decodeUtf8 } from './utf8.js'

/** The last text of each hash is kept. */
const SLOTS = 64
const MAX_BYTES = 64

interface KnownText {
  readonly bytes: Uint8Array
  readonly text: string
}

const known: (KnownText | undefined)[] = new Array(SLOTS).fill(undefined)

/**
 * Decodes `bytes[from, to)`, which are likely to have been decoded before.
 *
 * @throws RangeError when the bytes are not valid UTF-8.
 */
export function decodeRepeatedUtf8(bytes: Uint8Array, from: number, to: number): string {
  const length = to - from
  if (length === 0) return ''
  if (length > MAX_BYTES) return decodeUtf8(bytes, from, to)
  const slot = slotOf(bytes, from, to)
  const candidate = known[slot]
  if (candidate !== undefined && isAt(candidate.bytes, bytes, from, length)) return candidate.text
  const text = decodeUtf8(bytes, from, to)
  // A copy, which `slice` of a Buffer is not: the bytes may be somebody's, and change.
  known[slot] = { bytes: new Uint8Array(bytes.subarray(from, to)), text }
  return text
}

function slotOf(bytes: Uint8Array, from: number, to: number): number {
  const first = bytes[from] as number
  const middle = bytes[(from + to) >> 1] as number
  const last = bytes[to - 1] as number
  return (first * 7 + middle * 5 + last * 3 + (to - from)) % SLOTS
}

function isAt(text: Uint8Array, bytes: Uint8Array, from: number, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) if (text[i] !== bytes[from + i]) return false
  return true
}
