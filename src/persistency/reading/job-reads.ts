/** Owns the reads of one job, and its acknowledged delete, on their way to the storage: what is asked with which request. */
import { errAsync, type ResultAsync } from 'neverthrow'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { Ask } from '../ask.js'
import { checkReadOptions } from '../checks/call-options.js'
import { checkQuery, checkScan } from '../checks/ranges.js'
import { checkCategory, checkKey, checkKeys, ownKey } from '../checks/rows.js'
import { checkDecoder, decodeRow, type ValueDecoder } from '../codecs/decode-value.js'
import type { PersistencyError } from '../errors.js'
import { copyRow } from '../frames/packed.js'
import type { KeyRange } from '../keys/key-range.js'
import type { Key } from '../keys/keys.js'
import { KvCount, KvDelete, KvExists, KvGet, KvGetMany, KvScan } from '../messages.js'
import type { KvRow, ReadOptions, ScanOptions, StreamOptions } from '../types.js'
import type { PagedStream } from './paged-stream.js'
import { streamRows } from './stream.js'

type Answer<T> = ResultAsync<T, PersistencyError>

/** The methods are those of `Job`. */
export class JobReads {
  readonly #ask: Ask

  constructor(ask: Ask) {
    this.#ask = ask
  }

  get(category: string, key: Key, options: ReadOptions | undefined): Answer<Uint8Array | undefined> {
    return this.#askForRow(KvGet, category, key, options)
  }

  getDecoded<T>(
    category: string,
    key: Key,
    codec: ValueDecoder<T>,
    options: ReadOptions | undefined
  ): Answer<T | undefined> {
    const error = checkDecoder(codec)
    if (error !== undefined) return errAsync(error)
    return this.get(category, key, options).andThen((payload) => decodeRow(payload, codec))
  }

  getMany(
    category: string,
    keys: readonly Key[],
    options: ReadOptions | undefined
  ): Answer<(Uint8Array | undefined)[]> {
    const checked = checkKeys(category, keys)
    if (checked.isErr()) return errAsync(checked.error)
    const read = checkReadOptions(options)
    if (read.isErr()) return errAsync(read.error)
    return this.#ask(KvGetMany, { category, keys: checked.value }, read.value).map(
      ({ payloads }) => payloads as (Uint8Array | undefined)[]
    )
  }

  exists(category: string, key: Key, options: ReadOptions | undefined): Answer<boolean> {
    return this.#askForRow(KvExists, category, key, options)
  }

  count(category: string, range: KeyRange | Key, options: ReadOptions | undefined): Answer<number> {
    const query = checkQuery(category, range)
    if (query.isErr()) return errAsync(query.error)
    const read = checkReadOptions(options)
    return read.isErr() ? errAsync(read.error) : this.#ask(KvCount, query.value, read.value)
  }

  deleteAcked(category: string, key: Key, options: ReadOptions | undefined): Answer<boolean> {
    return this.#askForRow(KvDelete, category, key, options)
  }

  scan(
    category: string,
    range: KeyRange | Key,
    options: (ScanOptions & ReadOptions) | undefined
  ): Answer<KvRow[]> {
    const checked = checkScan(category, range, options)
    if (checked.isErr()) return errAsync(checked.error)
    const { query, read, copy } = checked.value
    const page = this.#ask(KvScan, query, read)
    return page.map(({ rows }) => (copy ? rows.map(copyRow) : (rows as KvRow[])))
  }

  scanPrefix(
    category: string,
    prefix: Key,
    options: (ScanOptions & ReadOptions) | undefined
  ): Answer<KvRow[]> {
    const own = ownKey(prefix)
    const error = checkKey(own, 'a prefix')
    return error === undefined ? this.scan(category, own, options) : errAsync(error)
  }

  stream(category: string, range: KeyRange | Key, options: StreamOptions | undefined): PagedStream<KvRow> {
    return streamRows(category, range, options, (query, read) => this.#ask(KvScan, query, read))
  }

  #askForRow<Response>(
    request: RequestDefinition<{ category: string; key: Key }, Response, PersistencyError>,
    category: string,
    given: Key,
    options: ReadOptions | undefined
  ): Answer<Response> {
    const key = ownKey(given)
    const error = checkCategory(category) ?? checkKey(key)
    if (error !== undefined) return errAsync(error)
    const read = checkReadOptions(options)
    return read.isErr() ? errAsync(read.error) : this.#ask(request, { category, key }, read.value)
  }
}
