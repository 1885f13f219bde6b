/** Owns reading the rows of a table, of a job or of its past: whoever has the rows, in bytes. */
import { err, errAsync, ok, type Result, type ResultAsync } from 'neverthrow'
import { unwrap } from '../../brokers/unwrap.js'
import { messageOf } from '../../runtime/message-of.js'
import { describeValue } from '../describe.js'
import { PersistencyError } from '../errors.js'
import type { KeyRange } from '../keys/key-range.js'
import { Key } from '../keys/keys.js'
import type { PagedStream } from '../reading/paged-stream.js'
import type { KvRow, ReadOptions, ScanOptions, StreamOptions } from '../types.js'
import {
  readKey,
  readRow,
  readValue,
  requireTable,
  type TableDefinition,
  type TableRow
} from './table-definition.js'

type Answer<T> = ResultAsync<T, PersistencyError>

/** What has rows to read; the methods are those of `Job`. */
export interface RowSource {
  get(category: string, key: Key, options?: ReadOptions): Answer<Uint8Array | undefined>
  getMany(category: string, keys: readonly Key[], options?: ReadOptions): Answer<(Uint8Array | undefined)[]>
  exists(category: string, key: Key, options?: ReadOptions): Answer<boolean>
  count(category: string, range: KeyRange | Key, options?: ReadOptions): Answer<number>
  scan(category: string, range: KeyRange | Key, options?: ScanOptions & ReadOptions): Answer<KvRow[]>
  stream(category: string, range: KeyRange | Key, options?: StreamOptions): PagedStream<KvRow>
}

/** What rows are without their values. */
type KeyOf<K> = Pick<TableRow<K, unknown>, 'key'>
/** The arguments of a call that reads a range, or without one the whole table. */
export type Args<Options> = [range?: KeyRange | Key, options?: Options]
type KeysOnly = { readonly keysOnly: true }
type WithValues = { readonly keysOnly?: false | undefined }

const WHOLE = Key.view(new Uint8Array(0))

/**
 * Reads a table, as `PastState.table` answers it; a `Table` writes it, too. The methods are those of `Job`, without the category, and with its
 * errors. What cannot be encoded or decoded is `ERR_VALUE`, whose message names category and key.
 *
 * A range is one of keys, or a key as a prefix, as `key` and `prefix` of the definition, or `key` make them; without
 * arguments it is the whole table.
 */
export class TableReads<K, V, KeyInput = K> {
  readonly #table: TableDefinition<K, V, KeyInput, never>
  readonly #rows: RowSource

  /** @internal */
  constructor(table: TableDefinition<K, V, KeyInput, never>, rows: RowSource) {
    requireTable(table)
    this.#table = table
    this.#rows = rows
  }

  /** The value of a row; `undefined` when there is no such row. */
  get(key: KeyInput, options?: ReadOptions): Answer<V | undefined> {
    return this.#atKey(key, (at) =>
      this.#rows.get(this.#table.category, at, options).andThen((payload) => this.#value(at, payload))
    )
  }

  /** The values of many rows, in the order of the keys, `undefined` where there is none. Read in one go. */
  getMany(keys: readonly KeyInput[], options?: ReadOptions): Answer<(V | undefined)[]> {
    if (!Array.isArray(keys)) {
      const message = `keys must be an array of keys of the table; got ${describeValue(keys)}`
      return errAsync(new PersistencyError('ERR_KEY', message))
    }
    const table = this.#table
    return whenEncoded(
      () => keys.map(table.key),
      (all) =>
        this.#rows
          .getMany(this.#table.category, all, options)
          .andThen((payloads) => eachOf(payloads, (payload, at) => this.#value(all[at] as Key, payload)))
    )
  }

  /** Whether a row is there. Its value is not looked at. */
  exists(key: KeyInput, options?: ReadOptions): Answer<boolean> {
    return this.#atKey(key, (at) => this.#rows.exists(this.#table.category, at, options))
  }

  /** How many rows there are. They are not looked at. */
  count(): Answer<number>
  count(range: KeyRange | Key, options?: ReadOptions): Answer<number>
  count(...args: Args<ReadOptions>): Answer<number> {
    const [range, options] = orWhole(args)
    return this.#rows.count(this.#table.category, range, options)
  }

  /** Rows in key order, as of one moment; with `keysOnly` they have no value. As `Job.scan`. */
  scan(): Answer<TableRow<K, V>[]>
  scan(range: KeyRange | Key, options: ScanOptions & ReadOptions & KeysOnly): Answer<KeyOf<K>[]>
  scan(range: KeyRange | Key, options?: ScanOptions & ReadOptions & WithValues): Answer<TableRow<K, V>[]>
  scan(range: KeyRange | Key, options?: ScanOptions & ReadOptions): Answer<(TableRow<K, V> | KeyOf<K>)[]>
  scan(...args: Args<ScanOptions & ReadOptions>): Answer<KeyOf<K>[]> {
    const [range, options] = orWhole(args)
    const read = this.#reader(options)
    return this.#rows.scan(this.#table.category, range, options).andThen((rows) => eachOf(rows, read))
  }

  /**
   * Rows in key order, fetched page by page; with `keysOnly` they have no value. As `Job.stream`: iterating throws the
   * `PersistencyError` of a page that cannot be read, or of a row that cannot be decoded.
   */
  stream(): PagedStream<TableRow<K, V>>
  stream(range: KeyRange | Key, options: StreamOptions & KeysOnly): PagedStream<KeyOf<K>>
  stream(range: KeyRange | Key, options?: StreamOptions & WithValues): PagedStream<TableRow<K, V>>
  stream(range: KeyRange | Key, options?: StreamOptions): PagedStream<TableRow<K, V> | KeyOf<K>>
  stream(...args: Args<StreamOptions>): PagedStream<KeyOf<K>> {
    const [range, options] = orWhole(args)
    const read = this.#reader(options)
    return this.#rows.stream(this.#table.category, range, options).map((row) => unwrap(read(row)))
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `TableReads ${this.#table.category}`
  }

  #atKey<T>(key: KeyInput, ask: (key: Key) => Answer<T>): Answer<T> {
    const table = this.#table
    return whenEncoded(() => table.key(key), ask)
  }

  #value(key: Key, payload: Uint8Array | undefined): Result<V | undefined, PersistencyError> {
    return payload === undefined ? ok(undefined) : readValue(this.#table, key, payload)
  }

  #reader(options: ScanOptions | undefined): (row: KvRow) => Result<KeyOf<K>, PersistencyError> {
    return isKeysOnly(options)
      ? (row) => readKey(this.#table, row.key).map((key) => ({ key }))
      : (row) => readRow(this.#table, row)
  }
}

/** Asks with what a definition encodes. Errors: `ERR_VALUE`, with what the definition threw. */
export function whenEncoded<T, R>(encode: () => T, ask: (encoded: T) => Answer<R>): Answer<R> {
  let encoded: T
  try {
    encoded = encode()
  } catch (thrown) {
    const cause = thrown instanceof Error ? (thrown.cause ?? thrown) : thrown
    return errAsync(new PersistencyError('ERR_VALUE', messageOf(thrown), { cause }))
  }
  return ask(encoded)
}

/** What all items are decoded to, or why the first cannot be. */
function eachOf<T, U>(
  items: readonly T[],
  decode: (item: T, index: number) => Result<U, PersistencyError>
): Result<U[], PersistencyError> {
  const all: U[] = []
  for (const [index, item] of items.entries()) {
    const decoded = decode(item, index)
    if (decoded.isErr()) return err(decoded.error)
    all.push(decoded.value)
  }
  return ok(all)
}

/**
 * The whole table is what nothing was said of. A range that is `undefined` is left to be refused: that of `rangeAfter` is
 * when no row is left.
 */
export function orWhole<Options>(args: Args<Options>): readonly [KeyRange | Key, Options?] {
  return args.length === 0 ? [WHOLE] : (args as [KeyRange | Key, Options?])
}

/** Options are checked by who reads: one that cannot be read is told there. */
function isKeysOnly(options: ScanOptions | undefined): boolean {
  try {
    return options?.keysOnly === true
  } catch {
    return false
  }
}
