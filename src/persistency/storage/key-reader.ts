/**
 * Owns reading rows by their keys. Many of them come from a cache if they were read before, as long as nobody else has changed
 * the file, and the others from the database with one statement.
 */
import { PackedCursor, PackedPayloads, packedSize, writePackedLength } from '../frames/packed.js'
import type { Key } from '../keys/keys.js'
import { gather } from './gather.js'
import { NOWHERE, type RowCache } from './row-cache.js'
import type { Statements } from './statements.js'

// A trigger of somebody else's may change other rows than those that are written, and so does INSERT OR REPLACE where another
// column is unique as well.
const SIDE_EFFECTS = `SELECT 1 FROM sqlite_master WHERE type = 'trigger'
  UNION ALL SELECT 1 FROM pragma_index_list('kv') WHERE "unique" AND origin <> 'pk'`
// Another tool may have stored text or a number, whose bytes all ways of reading give; of a blob the cast costs nothing.
const GET = 'SELECT CAST(payload AS BLOB) FROM kv WHERE category = ? AND key = ?'

/** What was found and what was read are merged in pieces of so many bytes, or one more row: whoever keeps a row keeps its piece. */
const MERGED_BYTES = 1024 * 1024

/** What the cache must know of the database. */
export interface CachedDatabase {
  /** Changes with what another connection commits. */
  readonly dataVersion: number
  /** Whether what is read now may still be undone. */
  readonly uncertain: boolean
}

export class KeyReader {
  readonly #statements: Statements
  readonly #database: CachedDatabase
  readonly #cache: RowCache | undefined
  /** As of which version of the database the rows in the cache are; `undefined` before there are any. */
  #version: number | undefined
  /** Whether in that version of the database a write may change other rows, too; `undefined` before that was asked. */
  #hasSideEffects: boolean | undefined

  /** @param cache is told by others of the rows that this connection changes */
  constructor(statements: Statements, database: CachedDatabase, cache: RowCache | undefined) {
    this.#statements = statements
    this.#database = database
    this.#cache = cache
  }

  /** One row, always from the database: to ask whether somebody has changed the file takes half as long as to read it. */
  get(category: Uint8Array, key: Key): Uint8Array | undefined {
    return this.#statements.get(GET, 'pluck').get(category, key.bytes) as Uint8Array | undefined
  }

  /** The payloads of many rows, in the order of the keys. */
  getMany(category: Uint8Array, keys: readonly Key[]): PackedPayloads {
    const cache = this.#cache
    if (cache === undefined) return gather(this.#statements, category, keys)
    const places = cache.find(category, keys)
    const missing = keys.filter((_, at) => places[at] === NOWHERE)
    if (missing.length === keys.length) {
      // No row is to be kept beside older ones, with which it would be forgotten.
      if (this.#version !== undefined) this.#isCurrent(cache)
      return this.#readAll(cache, category, keys)
    }
    const keeps = missing.length > 0 && this.#mayKeep()
    const { parts: packed } = gather(this.#statements, category, missing)
    // Asked last, so that what was found and what was read are of one moment.
    if (!this.#isCurrent(cache)) return this.#readAll(cache, category, keys)
    const merged = merge(cache, places, packed)
    if (keeps) keep(cache, category, missing, packed)
    return merged
  }

  /** Reads rows from the database, whatever the cache has. */
  #readAll(cache: RowCache, category: Uint8Array, keys: readonly Key[]): PackedPayloads {
    const keeps = this.#mayKeep()
    const read = gather(this.#statements, category, keys)
    if (keeps) keep(cache, category, keys, read.parts)
    return read
  }

  /** Whether nobody else has changed the database since the rows in the cache were read; otherwise they are forgotten. */
  #isCurrent(cache: RowCache): boolean {
    const version = this.#database.dataVersion
    if (version === this.#version) return true
    cache.clear()
    this.#version = version
    this.#hasSideEffects = undefined
    return false
  }

  /** Whether rows may be kept that are read next. */
  #mayKeep(): boolean {
    if (this.#database.uncertain) return false
    // Asked before the first row is read: one that is newer than this is forgotten with the others.
    this.#version ??= this.#database.dataVersion
    this.#hasSideEffects ??= this.#statements.get(SIDE_EFFECTS).get() !== undefined
    return !this.#hasSideEffects
  }
}

/** Payloads that are in the cache and such that were read, packed in the order of the keys. */
function merge(cache: RowCache, places: Int32Array, packed: readonly Uint8Array[]): PackedPayloads {
  const merged: Uint8Array[] = []
  const measured = new PackedCursor(packed)
  const read = new PackedCursor(packed)
  for (let from = 0, to = 0; from < places.length; from = to) {
    let size = 0
    for (; to < places.length && size < MERGED_BYTES; to++) {
      const place = places[to] as number
      size += place === NOWHERE ? measured.next().size : packedSize(cache.valueLength(place))
    }
    merged.push(mergeInto(size, cache, places.subarray(from, to), read))
  }
  return new PackedPayloads(merged)
}

/** On memory of its own, which may be given away. */
function mergeInto(size: number, cache: RowCache, places: Int32Array, read: PackedCursor): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(size)
  const view = new DataView(bytes.buffer)
  let end = 0
  for (const place of places) {
    if (place === NOWHERE) end = read.next().copyTo(bytes, end)
    else {
      end = writePackedLength(bytes, end, cache.valueLength(place))
      end = cache.copyValue(place, view, end)
    }
  }
  return bytes
}

function keep(
  cache: RowCache,
  category: Uint8Array,
  keys: readonly Key[],
  packed: readonly Uint8Array[]
): void {
  const read = new PackedCursor(packed)
  for (const { bytes } of keys) {
    if (!read.next().absent) cache.add(category, bytes, read.bytes, read.from, read.to)
  }
}
