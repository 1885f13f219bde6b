/** Owns MurmurHash3 of 32 bits, in two steps, so that what many begin with is hashed once. */
import { WORD, wordAt } from './words.js'

/** Goes on from a hash, or from a seed, with more bytes. */
export function hashed(seed: number, bytes: Uint8Array): number {
  let hash = seed
  for (let at = 0; at < bytes.length; at += WORD) {
    let word = Math.imul(wordAt(bytes, at), 0xcc9e2d51)
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593)
    hash ^= word
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  return hash ^ bytes.length
}

/** What a hash comes to: each bit depends on all that went in. */
export function finishedHash(hash: number): number {
  let mix = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return mix ^ (mix >>> 16)
}
