/**
 * UTF-8 in both directions, tuned for the short ASCII strings that keys and frames are made of.
 *
 * Owns the encoder and decoder instances and the thresholds; knows nothing of lengths, framing or keys.
 */

/** Up to this many UTF-16 units a loop beats the call into the encoder (measured on Node 20). */
const SHORT_TO_ENCODE = 24

/** Up to this many bytes a loop beats the call into the decoder: fewer, since it builds a string piece by piece. */
const SHORT_TO_DECODE = 8

const encoder = new TextEncoder()
// ignoreBOM keeps a leading U+FEFF: text must come back exactly as it went in.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Writes `text` into `target` from `at` on and answers how many bytes that took.
 *
 * The caller makes room for three bytes per UTF-16 unit, the worst case. A lone surrogate becomes U+FFFD.
 */
export function encodeUtf8Into(target: Uint8Array, at: number, text: string): number {
  const length = text.length
  if (length <= SHORT_TO_ENCODE) {
    let i = 0
    for (; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) break
      target[at + i] = unit
    }
    if (i === length) return length
  }
  return encoder.encodeInto(text, target.subarray(at, at + length * 3)).written
}

/** How many bytes `text` takes in UTF-8. Allocates: meant for error messages. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length
}

/**
 * Decodes `bytes[from, to)`; a byte order mark stays part of the text.
 *
 * @throws RangeError when the bytes are not valid UTF-8.
 */
export function decodeUtf8(bytes: Uint8Array, from: number, to: number): string {
  if (to - from <= SHORT_TO_DECODE) {
    let text = ''
    let i = from
    for (; i < to; i++) {
      const byte = bytes[i] as number
      if (byte > 0x7f) break
      text += String.fromCharCode(byte)
    }
    if (i === to) return text
  }
  try {
    return decoder.decode(bytes.subarray(from, to))
  } catch (cause) {
    throw new RangeError(`not valid UTF-8: ${to - from} bytes at offset ${from}`, { cause })
  }
}
