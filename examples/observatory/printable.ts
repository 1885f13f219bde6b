/** Owns how foreign bytes and texts become something that can be shown without harm, on a page or in a terminal. */
import type { ShownBytes } from './wire.js'

// Control, format (direction overrides among them), private and unassigned characters, and lone surrogates.
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u
const LINE_CHARACTERS = /[\n\r\t]/g
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Whether every character of a text has a look of its own. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text)
}

/** The text with each unprintable character written as its number, cut to a length. */
export function visible(text: string, maxLength: number = Number.POSITIVE_INFINITY): string {
  const escaped = text
    .slice(0, maxLength)
    .replace(new RegExp(UNPRINTABLE, 'gu'), (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  return text.length > maxLength ? `${escaped} …` : escaped
}

/** The text that these bytes are, if they are UTF-8 and printable; line breaks and tabs only where `lines` is set. */
export function printableText(bytes: Uint8Array, { lines = false, cut = false } = {}): string | undefined {
  try {
    // A cut may go through the middle of a character, whose rest a streaming decoder waits for.
    const text = cut
      ? new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
      : utf8.decode(bytes)
    return isPrintable(lines ? text.replace(LINE_CHARACTERS, '') : text) ? text : undefined
  } catch {
    return undefined
  }
}

/** The beginning of some bytes, as text where that is possible, in hex otherwise. */
export function preview(bytes: Uint8Array, maxBytes: number): ShownBytes {
  const cut = bytes.length > maxBytes
  const shown = cut ? bytes.subarray(0, maxBytes) : bytes
  const text = printableText(shown, { lines: true, cut })
  return text === undefined ? { as: 'hex', text: hex(shown), cut } : { as: 'text', text, cut }
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
