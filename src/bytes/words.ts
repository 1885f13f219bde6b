/** Owns bytes as words of four, the first byte in the lowest bits: a quarter of the steps. */

/** Bytes of a word. */
export const WORD = 4

/** How many words so many bytes take. */
export function wordsOf(bytes: number): number {
  return (bytes + WORD - 1) >> 2
}

/** The word that begins at a byte; what is behind the last byte counts as 0. */
export function wordAt(bytes: Uint8Array, at: number): number {
  if (at + WORD > bytes.length) return lastWord(bytes, at)
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

function lastWord(bytes: Uint8Array, start: number): number {
  let word = 0
  for (let at = start, shift = 0; at < bytes.length; at++, shift += 8) word |= (bytes[at] as number) << shift
  return word
}

/** Whether bytes, filled up with zeros, are what lies at a word. */
export function isAtWord(words: Int32Array, start: number, bytes: Uint8Array): boolean {
  for (let at = 0, word = start; at < bytes.length; at += WORD, word++) {
    if (words[word] !== wordAt(bytes, at)) return false
  }
  return true
}

/** Writes bytes, filled up with zeros, and answers how many words they take. */
export function writeWords(words: Int32Array, start: number, bytes: Uint8Array): number {
  let word = start
  for (let at = 0; at < bytes.length; at += WORD, word++) words[word] = wordAt(bytes, at)
  return word - start
}
