/** Owns a table of one job. Thin: it encodes, and asks the job. */
import type { ResultAsync } from 'neverthrow'
import { demand } from './checks/declarations.js'
import { functionValue } from './checks/options.js'
import type { PersistencyError } from './errors.js'
import type { KeyRange } from './keys/key-range.js'
import type { Key } from './keys/keys.js'
import type { PagedStream } from './reading/paged-stream.js'
import { type RowChange, type UpdateOptions, updateRow } from './table-update.js'
import type { TableDefinition } from './tables/table-definition.js'
import { type Args, orWhole, type RowSource, TableReads, whenEncoded } from './tables/table-reads.js'
import type { AckOptions, Commit, ReadOptions, TxOp } from './types.js'
import { readWatchItem, type TableWatchItem } from './watch/table-items.js'
import type { WatchItem, WatchOptions } from './watch/types.js'

type Answer<T> = ResultAsync<T, PersistencyError>

/** What keeps rows; the methods are those of `Job`. */
export interface RowStore extends RowSource {
  readonly id: string
  persist(op: TxOp): Answer<void>
  persistAcked(ops: TxOp | readonly TxOp[], options?: AckOptions): Answer<Commit>
  deleteAcked(category: string, key: Key, options?: ReadOptions): Answer<boolean>
  watch(category: string, range: KeyRange | Key, options?: WatchOptions): PagedStream<WatchItem>
}

/**
 * The rows of one tenant in a declared table, as keys and values: `K` and `V` are what its codecs decode, the inputs what
 * they encode. Made by `Job.table`.
 *
 * Every call is one of the job, in its place in the line and with its errors. What cannot be encoded or decoded is
 * `ERR_VALUE`, whose message names category and key. Several rows in one batch: `job.persist([Notes.put(...), ...])`.
 */
export class Table<K, V, KeyInput = K, ValueInput = V> extends TableReads<K, V, KeyInput> {
  readonly #table: TableDefinition<K, V, KeyInput, ValueInput>
  readonly #job: RowStore

  /** @internal */
  constructor(table: TableDefinition<K, V, KeyInput, ValueInput>, job: RowStore) {
    super(table, job)
    this.#table = table
    this.#job = job
  }

  /** Queues a row to be stored; ok means accepted, not stored yet. As `Job.persist`. */
  put(key: KeyInput, value: ValueInput): Answer<void> {
    const table = this.#table
    return whenEncoded(
      () => table.put(key, value),
      (op) => this.#job.persist(op)
    )
  }

  /** Stores a row and waits for the commit. As `Job.persistAcked`. */
  putAcked(key: KeyInput, value: ValueInput, options?: AckOptions): Answer<Commit> {
    const table = this.#table
    return whenEncoded(
      () => table.put(key, value),
      (op) => this.#job.persistAcked(op, options)
    )
  }

  /** Queues a row to be removed; ok means accepted, whether it is there or not. As `Job.persist`. */
  delete(key: KeyInput): Answer<void> {
    const table = this.#table
    return whenEncoded(
      () => table.delete(key),
      (op) => this.#job.persist(op)
    )
  }

  /** Removes a row and answers, once that is committed, whether it was there. As `Job.deleteAcked`. */
  deleteAcked(key: KeyInput, options?: ReadOptions): Answer<boolean> {
    const table = this.#table
    return whenEncoded(
      () => table.key(key),
      (at) => this.#job.deleteAcked(table.category, at, options)
    )
  }

  /**
   * Queues the removal of every row under a prefix, as `prefix` of the definition or `key` makes it, `key()` for all of them;
   * ok means accepted, not done yet. As `Job.persistDeletePrefix`.
   */
  deletePrefix(prefix: Key): Answer<void> {
    return this.#job.persist(this.#table.deletePrefix(prefix))
  }

  /** Removes every row under a prefix and waits for the commit. As `Job.persistAcked`. */
  deletePrefixAcked(prefix: Key, options?: AckOptions): Answer<Commit> {
    return this.#job.persistAcked(this.#table.deletePrefix(prefix), options)
  }

  /**
   * Changes a row to what `change` makes of its value, `undefined` where there is none, and waits for the commit. Nobody else's
   * write comes in between: when the row is another one by then, it is read and changed again, as with `retryOnConflict`,
   * whose options it takes. The updates of this process of one row of a job are made one after another. Answers the value
   * that the row has then.
   *
   * A `change` that answers `undefined` leaves the row as it is, and nothing is written; it removes none. It may be called
   * several times.
   *
   * Errors: those of `get` and `putAcked`, `ERR_CONFLICT` when somebody was faster each time, `ERR_OPTION`. Throws `TypeError`
   * when `change` is no function; rejects only with what it throws, and with a `TypeError` when it answers a promise.
   *
   * @example
   * await counts.update('visits', (before = 0) => before + 1)
   */
  update(
    key: KeyInput,
    change: (before: V | undefined) => Exclude<ValueInput, undefined>,
    options?: UpdateOptions
  ): Answer<V>
  update(key: KeyInput, change: RowChange<V, ValueInput>, options?: UpdateOptions): Answer<V | undefined>
  update(key: KeyInput, change: RowChange<V, ValueInput>, options?: UpdateOptions): Answer<V | undefined> {
    demand('the change of a row', change, functionValue)
    return updateRow(this.#job, this.#table, key, change, options)
  }

  /**
   * What is committed to the rows of a range, or of the whole table: iterate it, or take `toObservable()` of it. As
   * `Job.watch`; what cannot be decoded ends it as well, with `ERR_VALUE`.
   */
  watch(): PagedStream<TableWatchItem<K, V>>
  watch(range: KeyRange | Key, options?: WatchOptions): PagedStream<TableWatchItem<K, V>>
  watch(...args: Args<WatchOptions>): PagedStream<TableWatchItem<K, V>> {
    const [range, options] = orWhole(args)
    const items = this.#job.watch(this.#table.category, range, options)
    return items.map((item) => readWatchItem(this.#table, item))
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Table ${this.#table.category} of job ${this.#job.id}`
  }
}
