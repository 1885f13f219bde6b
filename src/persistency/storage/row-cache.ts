/**
 * Owns the rows of a database that were read last, in one piece of memory. A row is found there with a few looks into
 * memory, where the tree of the database takes a dozen. Knows no database: whoever uses it says which rows have changed.
 *
 * New rows are written behind the last one, over the oldest when the memory is used up. An index of small buckets tells
 * where rows begin; a full bucket forgets its oldest row, so nothing is ever moved, and no key can make a search long. That
 * is the lossy index over a circular log of MICA (Lim et al., NSDI 2014).
 */
import { copyBytes } from '../../bytes/copy-bytes.js'
import { finishedHash, hashed } from '../../bytes/murmur-hash.js'
import { isAtWord, WORD, wordsOf, writeWords } from '../../bytes/words.js'
import type { Key } from '../keys/keys.js'

/**
 * The memory begins small, because a thousand databases may be open. It grows twice, the second time to all of it: growing moves
 * the rows, and memory that was never written to takes none.
 */
const FIRST_BYTES = 64 * 1024
const SECOND_BYTES = 512 * 1024

/** For this many bytes of rows the index has one slot: so many that hardly a bucket is full when rows have a hundred bytes. */
const BYTES_PER_SLOT = 40
const SLOT_BYTES = 8

const BUCKET_SLOTS = 8
/** A slot is the hash of a row and its place, two words. */
const BUCKET_WORDS = BUCKET_SLOTS * 2
const LINE_WORDS = 16
/** Whether words lie in memory with their last bits first. */
const LITTLE = new Uint8Array(new Int32Array([1]).buffer)[0] === 1

/**
 * A row is two words, the lengths of category and key and that of its value, then key, category and value, each filled up to
 * whole words: these are compared and copied word by word.
 */
const LENGTHS = 0
const VALUE = 1
const HEADER = 2

/** Lengths of category and key share a word. What is longer is not kept. */
const MOST_KEY_BYTES = 0xffff

/** What comes of each row that has changed: category, key and value. */
const PARTS = 3

/** No row may take more than this part of the memory. */
const MOST_OF_ALL = 64

/**
 * A row of so many bytes is kept when it comes a second time: to copy what is never asked for again would cost more than it
 * saves. What came lately is known by its hash, as by the doorkeeper of TinyLFU (Einziger et al., 2017).
 */
const LARGE_BYTES = 1024

/** Places are numbered on and on; before they end, everything is forgotten. */
const LAST_PLACE = 2 ** 30

/** The place of a row that is not there. */
export const NOWHERE = 0

export class RowCache {
  #mostWords: number
  #index = new Int32Array(BUCKET_WORDS)
  #buckets = 1
  #words = new Int32Array(0)
  #bytes = new Uint8Array(0)
  /** Where the next row goes, in words that were ever written; the first place must not be `NOWHERE`. */
  #end = 1
  /** Rows before this place are forgotten. */
  #begin = 1
  #lastCategory: Uint8Array | undefined
  #categoryHash = 0
  /** Hashes of large rows that came lately. */
  #lately = new Int32Array(0)
  /** What looking ahead has seen. Nobody needs it, but without it the compiler would spare the looks. */
  seen = 0

  /** @param mostBytes what rows and index may take together */
  constructor(mostBytes: number) {
    const rowBytes = mostBytes / (1 + SLOT_BYTES / BYTES_PER_SLOT)
    this.#mostWords = Math.min(Math.floor(rowBytes / WORD), LAST_PLACE / 2)
  }

  /** Whether it holds no row, because none was added or all were forgotten. */
  get isEmpty(): boolean {
    return this.#begin === this.#end
  }

  /**
   * Where rows are, to be asked for before anything else is added; `NOWHERE` for one that is not kept. The looks into memory
   * for one row depend on each other, those for several do not: made side by side, the processor waits for many at once.
   */
  find(category: Uint8Array, keys: readonly Key[]): Int32Array {
    const places = new Int32Array(keys.length)
    if (this.isEmpty) return places
    const index = this.#index
    const words = this.#words
    const hashes = new Int32Array(keys.length)
    for (let at = 0; at < keys.length; at++) hashes[at] = this.#hash(category, (keys[at] as Key).bytes)
    this.#lookAhead(hashes)
    let seen = 0
    for (let at = 0; at < keys.length; at++) {
      const slot = this.#slotWith(hashes[at] as number)
      const place = slot < 0 ? NOWHERE : (index[slot + 1] as number)
      if (!this.#isKept(place)) continue
      places[at] = place
      const row = this.#at(place)
      seen ^= (words[row] as number) ^ (words[row + LINE_WORDS] ?? 0)
    }
    this.seen = seen
    for (let at = 0; at < keys.length; at++) {
      const place = places[at] as number
      if (place !== NOWHERE && !this.#isRow(place, category, (keys[at] as Key).bytes)) places[at] = NOWHERE
    }
    return places
  }

  /** How many bytes the value of the row at a place has. */
  valueLength(place: number): number {
    return this.#words[this.#at(place) + VALUE] as number
  }

  /** Copies the value of the row at a place, and answers where the copy ends. */
  copyValue(place: number, target: DataView, to: number): number {
    const words = this.#words
    const from = this.#valueAt(place)
    const length = this.valueLength(place)
    const end = to + length
    let word = from
    for (let at = to; at + WORD <= end; at += WORD, word++) target.setInt32(at, words[word] as number, LITTLE)
    for (let at = end - (length % WORD), byte = word * WORD; at < end; at++, byte++) {
      target.setUint8(at, this.#bytes[byte] as number)
    }
    return end
  }

  /** Keeps a row, whose value are the bytes between `from` and `to`, unless it is too large, or large and new. */
  add(category: Uint8Array, key: Uint8Array, value: Uint8Array, from = 0, to = value.length): void {
    const hash = this.#hash(category, key)
    const size = HEADER + wordsOf(key.length) + wordsOf(category.length) + wordsOf(to - from)
    const isWorthIt = to - from < LARGE_BYTES || this.#cameLately(hash)
    if (!isWorthIt || isTooLong(category, key) || !this.#makeRoom(size)) {
      this.drop(category, key)
      return
    }
    const place = this.#placeFor(size, category, key, hash)
    const at = this.#at(place)
    this.#words[at + LENGTHS] = lengths(category, key)
    this.#words[at + VALUE] = to - from
    const keyAt = at + HEADER
    const categoryAt = keyAt + writeWords(this.#words, keyAt, key)
    const valueAt = categoryAt + writeWords(this.#words, categoryAt, category)
    copyBytes(value, from, to, this.#bytes, valueAt * WORD)
    this.#enter(hash, place)
  }

  /** Forgets a row that has changed: whatever has its hash, to spare the look at the row. */
  drop(category: Uint8Array, key: Uint8Array): void {
    if (!this.isEmpty) this.#dropWith(this.#hash(category, key))
  }

  /** Forgets rows that have changed: category, key and value of each. */
  dropAll(rows: readonly Uint8Array[]): void {
    if (this.isEmpty) return
    const hashes = new Int32Array(rows.length / PARTS)
    for (let row = 0, at = 0; row < hashes.length; row++, at += PARTS) {
      hashes[row] = this.#hash(rows[at] as Uint8Array, rows[at + 1] as Uint8Array)
    }
    this.#lookAhead(hashes)
    for (const hash of hashes) this.#dropWith(hash)
  }

  /** Forgets everything, at once. */
  clear(): void {
    this.#begin = this.#end
  }

  /** Has the buckets of all hashes come into the caches of the processor. */
  #lookAhead(hashes: Int32Array): void {
    const index = this.#index
    let seen = 0
    for (const hash of hashes) seen ^= index[this.#bucket(hash)] as number
    this.seen = seen
  }

  /** Leaves the place of the row behind, negative, so that the same row may have it again. */
  #dropWith(hash: number): void {
    const slot = this.#slotWith(hash)
    if (slot >= 0) this.#index[slot + 1] = -Math.abs(this.#index[slot + 1] as number)
  }

  /** The slot with a hash, of which there is one at most; -1 if there is none. */
  #slotWith(hash: number): number {
    const index = this.#index
    const first = this.#bucket(hash)
    for (let slot = first; slot < first + BUCKET_WORDS; slot += 2) if (index[slot] === hash) return slot
    return -1
  }

  /** Whether the row at a place is the one that is looked for. */
  #isRow(place: number, category: Uint8Array, key: Uint8Array): boolean {
    // Lengths that do not fit their half of a word would pass for others.
    if (isTooLong(category, key)) return false
    const at = this.#at(place)
    if (this.#words[at + LENGTHS] !== lengths(category, key)) return false
    const categoryAt = at + HEADER + wordsOf(key.length)
    return isAtWord(this.#words, at + HEADER, key) && isAtWord(this.#words, categoryAt, category)
  }

  /** Whether the row that was written at a place is neither forgotten nor overwritten. */
  #isKept(place: number): boolean {
    return place >= this.#begin && this.#end - place <= this.#words.length
  }

  /** Enters a row in the slot of its hash, in a free one of its bucket, or in that of the oldest row. */
  #enter(hash: number, place: number): void {
    const index = this.#index
    const first = this.#bucket(hash)
    let chosen = first
    let oldest = Number.POSITIVE_INFINITY
    for (let slot = first; slot < first + BUCKET_WORDS; slot += 2) {
      const age = index[slot] === hash ? Number.NEGATIVE_INFINITY : (index[slot + 1] as number)
      if (age >= oldest) continue
      chosen = slot
      oldest = age
    }
    index[chosen] = hash
    index[chosen + 1] = place
  }

  /** Has so many words in a row be free behind the last row; `false` when that is not possible. */
  #makeRoom(words: number): boolean {
    if (words * MOST_OF_ALL > this.#mostWords) return false
    if (this.#end + words > LAST_PLACE) this.#startOver()
    if (this.#end + words > this.#words.length && this.#words.length < this.#mostWords) {
      this.#grow(this.#end + words)
    }
    const { length } = this.#words
    if (words > length) return false
    // A row does not go round: what is left before the end of the memory stays unused.
    const left = length - this.#at(this.#end)
    if (left < words) this.#end += left
    return true
  }

  #cameLately(hash: number): boolean {
    // As many as would fit.
    if (this.#lately.length === 0) {
      this.#lately = new Int32Array(2 ** Math.ceil(Math.log2(1 + (this.#mostWords * WORD) / LARGE_BYTES)))
    }
    const slot = hash & (this.#lately.length - 1)
    if (this.#lately[slot] === hash) return true
    this.#lately[slot] = hash
    return false
  }

  /** Where a row goes: where it was before it was dropped, if it still fits there, or behind the last one. */
  #placeFor(size: number, category: Uint8Array, key: Uint8Array, hash: number): number {
    const slot = this.#slotWith(hash)
    const former = slot < 0 ? NOWHERE : Math.abs(this.#index[slot + 1] as number)
    if (this.#isKept(former) && this.#isRow(former, category, key) && this.#sizeOf(former) === size)
      return former
    const place = this.#end
    this.#end += size
    return place
  }

  #startOver(): void {
    this.#index.fill(NOWHERE)
    this.#begin = this.#end = 1
  }

  /** Takes more memory. No row has been overwritten yet, so each stays where it is. */
  #grow(atLeast: number): void {
    const former = this.#index
    const next = [FIRST_BYTES, SECOND_BYTES].find((bytes) => bytes / WORD >= atLeast)
    const length = next === undefined ? this.#mostWords : Math.min(this.#mostWords, next / WORD)
    const buckets = Math.max(1, Math.floor((length * WORD) / BYTES_PER_SLOT / BUCKET_SLOTS))
    try {
      const words = new Int32Array(length)
      this.#index = new Int32Array(buckets * BUCKET_WORDS)
      words.set(this.#words)
      this.#words = words
      this.#bytes = new Uint8Array(words.buffer)
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown
      // There is no memory for more: new rows go over the oldest from now on.
      this.#mostWords = this.#words.length
      return
    }
    this.#buckets = buckets
    for (let slot = 0; slot < former.length; slot += 2) {
      const place = former[slot + 1] as number
      if (place >= this.#begin) this.#enter(former[slot] as number, place)
    }
  }

  #at(place: number): number {
    return place % this.#words.length
  }

  /** How many words the row at a place takes. */
  #sizeOf(place: number): number {
    return this.#valueAt(place) - this.#at(place) + wordsOf(this.valueLength(place))
  }

  #valueAt(place: number): number {
    const at = this.#at(place)
    const both = this.#words[at + LENGTHS] as number
    return at + HEADER + wordsOf(both >>> 16) + wordsOf(both & 0xffff)
  }

  #bucket(hash: number): number {
    return Math.floor((hash >>> 0) * (this.#buckets / 2 ** 32)) * BUCKET_WORDS
  }

  #hash(category: Uint8Array, key: Uint8Array): number {
    if (category !== this.#lastCategory) {
      this.#lastCategory = category
      this.#categoryHash = hashed(0, category)
    }
    return finishedHash(hashed(this.#categoryHash, key))
  }
}

function isTooLong(category: Uint8Array, key: Uint8Array): boolean {
  return category.length > MOST_KEY_BYTES || key.length > MOST_KEY_BYTES
}

function lengths(category: Uint8Array, key: Uint8Array): number {
  return (category.length << 16) | key.length
}
