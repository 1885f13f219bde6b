/**
 * Owns reading keys as people do, and the other way round. Nothing in the bytes of a key says which types its parts
 * had: what is shown is the likeliest reading, and the hex beside it is the truth.
 */
import { err, ok, type Result } from 'neverthrow'
import { int64, type Key, key, rawKey, uint64 } from 'persistency'
import { hex, preview, printableText } from './printable.js'
import type { ShownBytes } from './wire.js'

const MAX_READ_BYTES = 1024
const MAX_HEX_BYTES = 256
const INTEGER_BYTES = 8
const LENGTH_BYTES = 2
const MAX_TYPED = 1000
/** Signed integers near zero start with one of these, because their sign bit is flipped. */
const SIGNED_STARTS = [0x80, 0x7f]
/** Half a character: with `u`, the two of a pair are one. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** The parts that a key is likely to be made of. */
export function readKey(bytes: Uint8Array): readonly ShownBytes[] {
  const parts = bytes.length <= MAX_READ_BYTES ? readParts(bytes) : undefined
  if (parts !== undefined) return parts
  const plain = preview(bytes, MAX_HEX_BYTES)
  return [plain.as === 'text' && printableText(bytes) === undefined ? inHex(bytes) : plain]
}

/** The texts and integers in sequence that the bytes are from `at`; `undefined` when none come out even. */
function readParts(bytes: Uint8Array, at = 0, deadEnds = new Set<number>()): ShownBytes[] | undefined {
  if (at === bytes.length) return []
  if (deadEnds.has(at)) return undefined
  for (const part of [readInteger(bytes, at), readString(bytes, at)]) {
    const others = part && readParts(bytes, part.end, deadEnds)
    if (part && others) return [part.shown, ...others]
  }
  deadEnds.add(at)
  return undefined
}

interface Part {
  readonly shown: ShownBytes
  readonly end: number
}

function readInteger(bytes: Uint8Array, at: number): Part | undefined {
  const end = at + INTEGER_BYTES
  if (end > bytes.length) return undefined
  const codec = SIGNED_STARTS.includes(bytes[at] as number) ? int64 : uint64
  const value = codec.decode(bytes.subarray(at, end))
  // Letters behind a length read as numbers that nobody counts to.
  if (!Number.isSafeInteger(Number(value)) || (codec === uint64 && bytes[at + 1] !== 0)) return undefined
  return { shown: { as: 'number', text: String(value), cut: false }, end }
}

function readString(bytes: Uint8Array, at: number): Part | undefined {
  const start = at + LENGTH_BYTES
  if (start > bytes.length) return undefined
  const end = start + (bytes[at] as number) * 256 + (bytes[at + 1] as number)
  const text = end > bytes.length ? undefined : printableText(bytes.subarray(start, end))
  return text === undefined ? undefined : { shown: { as: 'text', text, cut: false }, end }
}

function inHex(bytes: Uint8Array): ShownBytes {
  const shown = bytes.subarray(0, MAX_HEX_BYTES)
  return { as: 'hex', text: hex(shown), cut: bytes.length > MAX_HEX_BYTES }
}

/**
 * The prefix that somebody typed: parts with commas between them, which are integers, texts (in quotes where they look
 * like something else) or bytes in hex behind `0x`. The error is a message for people.
 */
export function parsePrefix(typed: string): Result<Key, string> {
  if (typed.length > MAX_TYPED) return err(`at most ${MAX_TYPED} characters`)
  let prefix = rawKey(new Uint8Array())
  for (const piece of pieces(typed)) {
    const part = parsePart(piece)
    if (part.isErr()) return part
    prefix = prefix.append(part.value)
  }
  return ok(prefix)
}

function pieces(typed: string): readonly string[] {
  if (typed.trim() === '') return []
  // Quoted texts may hold commas.
  return (typed.match(/(?:"(?:[^"\\]|\\.)*"|[^,"]|")+/g) ?? []).map((piece) => piece.trim())
}

function parsePart(piece: string): Result<Key, string> {
  if (/^[+-]?\d+$/.test(piece)) {
    const value = BigInt(piece)
    return BigInt.asIntN(64, value) === value ? ok(int64(value)) : err(`${piece} does not fit into 64 bits`)
  }
  if (/^0x/i.test(piece)) {
    if (!/^0x(?:[0-9a-f]{2})*$/i.test(piece)) return err(`${piece} is not pairs of hex digits behind 0x`)
    return ok(rawKey(Buffer.from(piece.slice(2), 'hex')))
  }
  const text = piece.startsWith('"') ? unquoted(piece) : piece
  if (text === undefined) return err(`${piece} is not a text in quotes`)
  return LONE_SURROGATE.test(text) ? err('a text is no valid Unicode') : ok(key(text))
}

function unquoted(piece: string): string | undefined {
  try {
    const value: unknown = JSON.parse(piece)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
