/** Owns the read-only view of a job as of an event. */
import { errAsync, type Result, type ResultAsync } from 'neverthrow'
import type { Ask } from '../ask.js'
import { checkReadOptions } from '../checks/call-options.js'
import { checkQuery, checkScan } from '../checks/ranges.js'
import { checkCategory, checkKey, checkKeys, ownKey } from '../checks/rows.js'
import { checkDecoder, decodeRow, type ValueDecoder } from '../codecs/decode-value.js'
import type { PersistencyError } from '../errors.js'
import { copyRow } from '../frames/packed.js'
import type { KeyRange } from '../keys/key-range.js'
import type { Key } from '../keys/keys.js'
import type { KvScanPage, KvScanQuery } from '../message-payloads.js'
import type { PagedStream } from '../reading/paged-stream.js'
import { streamRows } from '../reading/stream.js'
import type { TableDefinition } from '../tables/table-definition.js'
import { TableReads } from '../tables/table-reads.js'
import type { KvRow, ReadOptions, ScanOptions, StreamOptions } from '../types.js'
import { askStepwise } from './ask-stepwise.js'
import { checkSeq } from './checks.js'
import { JournalCountAt, JournalGetAt, JournalScanAt } from './messages.js'

type Answer<T> = ResultAsync<T, PersistencyError>

/**
 * The rows of a job as they were once an event had taken effect. The methods are those of `Job` that read rows, with its errors and
 * three more: `ERR_EVENTS_GONE` when the past does not go back that far any more, `ERR_SEQ` when the event is not there
 * yet, `ERR_NO_JOURNAL`.
 *
 * The first read makes the storage put the state together from the snapshot and the events behind it, in small steps
 * between its other work; it is then kept at hand for half a minute. A time limit is that of each step.
 */
export class PastState {
  /** The event it is the state of; 0 is the state before the first event. */
  readonly seq: number
  readonly #ask: Ask

  /** Made by `Job.at`. @internal */
  constructor(seq: number, ask: Ask) {
    this.seq = seq
    this.#ask = ask
  }

  get(category: string, key: Key, options?: ReadOptions): Answer<Uint8Array | undefined> {
    const own = ownKey(key)
    const error = checkCategory(category) ?? checkKey(own)
    return error === undefined
      ? this.getMany(category, [own], options).map(([payload]) => payload)
      : errAsync(error)
  }

  getDecoded<T>(
    category: string,
    key: Key,
    codec: ValueDecoder<T>,
    options?: ReadOptions
  ): Answer<T | undefined> {
    const error = checkDecoder(codec)
    if (error !== undefined) return errAsync(error)
    return this.get(category, key, options).andThen((payload) => decodeRow(payload, codec))
  }

  getMany(category: string, keys: readonly Key[], options?: ReadOptions): Answer<(Uint8Array | undefined)[]> {
    return this.#checked(checkKeys(category, keys), checkReadOptions(options), (clean, read) =>
      askStepwise(this.#ask, JournalGetAt, { seq: this.seq, category, keys: clean }, read).map(
        ({ payloads }) => payloads as (Uint8Array | undefined)[]
      )
    )
  }

  exists(category: string, key: Key, options?: ReadOptions): Answer<boolean> {
    return this.get(category, key, options).map((payload) => payload !== undefined)
  }

  count(category: string, range: KeyRange | Key, options?: ReadOptions): Answer<number> {
    return this.#checked(checkQuery(category, range), checkReadOptions(options), (query, read) =>
      askStepwise(this.#ask, JournalCountAt, { seq: this.seq, ...query }, read)
    )
  }

  scan(category: string, range: KeyRange | Key, options?: ScanOptions & ReadOptions): Answer<KvRow[]> {
    return checkSeq(this.seq)
      .andThen(() => checkScan(category, range, options))
      .asyncAndThen(({ query, read, copy }) =>
        this.#page(query, read).map(({ rows }) => (copy ? rows.map(copyRow) : (rows as KvRow[])))
      )
  }

  scanPrefix(category: string, prefix: Key, options?: ScanOptions & ReadOptions): Answer<KvRow[]> {
    const own = ownKey(prefix)
    const error = checkKey(own, 'a prefix')
    return error === undefined ? this.scan(category, own, options) : errAsync(error)
  }

  /** As `Job.stream`; all pages are of the same state. */
  stream(category: string, range: KeyRange | Key, options?: StreamOptions): PagedStream<KvRow> {
    return streamRows(category, range, options, (query, read) => this.#page(query, read))
  }

  /** As `Job.table`, to read. */
  table<K, V, KeyInput>(definition: TableDefinition<K, V, KeyInput, never>): TableReads<K, V, KeyInput> {
    return new TableReads(definition, this)
  }

  #page(query: KvScanQuery, read: ReadOptions): Answer<KvScanPage> {
    return checkSeq(this.seq).asyncAndThen((seq) =>
      askStepwise(this.#ask, JournalScanAt, { seq, ...query }, read)
    )
  }

  #checked<Query, Options, T>(
    query: Result<Query, PersistencyError>,
    options: Result<Options, PersistencyError>,
    ask: (query: Query, options: Options) => Answer<T>
  ): Answer<T> {
    return checkSeq(this.seq)
      .andThen(() => query)
      .asyncAndThen((clean) => options.asyncAndThen((read) => ask(clean, read)))
  }
}
