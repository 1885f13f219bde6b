/**
 * Owns the handle of one tenant: a thin client over the brokers of its context, and the documentation of its methods.
 */
import type { ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../brokers/context.js'
import type { BrokerHub } from '../brokers/hub.js'
import { checkDelete, checkDeletePrefix, checkPut } from './checks/operations.js'
import type { ValueDecoder } from './codecs/decode-value.js'
import { encodeValue, type ValueEncoder } from './codecs/encode-value.js'
import type { PersistencyError } from './errors.js'
import type { DomainEvent } from './eventsourcing/domain-events.js'
import type { Projection } from './eventsourcing/projection.js'
import type { ProjectionDefinition } from './eventsourcing/projection-definition.js'
import type { Subscription } from './eventsourcing/subscription.js'
import type { Subscriptions } from './eventsourcing/subscriptions.js'
import type {
  AnySubscriptionOptions,
  DecodedHandler,
  DecodedSubscriptionOptions,
  DeliveryOptions,
  SubscriptionHandler,
  SubscriptionOptions
} from './eventsourcing/types.js'
import type { JobCore } from './job-core.js'
import type { EventStream } from './journal/event-stream.js'
import type { PastState } from './journal/past-state.js'
import type {
  Appended,
  AppendOptions,
  CaughtUp,
  CompareOptions,
  EventsOptions,
  FindAppendOptions,
  JournalComparison,
  JournalEvent,
  JournalStatus,
  NewEvent
} from './journal/types.js'
import type { KeyPart } from './keys/key-parts.js'
import type { KeyRange } from './keys/key-range.js'
import type { Key } from './keys/keys.js'
import type {
  Backup,
  BackupOptions,
  Compaction,
  JobStats,
  OperationOptions,
  StatsOptions,
  VerifyOptions,
  VerifyReport
} from './maintenance/types.js'
import type { ResolvedJobOptions } from './options.js'
import type { PagedStream } from './reading/paged-stream.js'
import { Table } from './table.js'
import type { TableDefinition } from './tables/table-definition.js'
import type {
  AckOptions,
  Commit,
  FlushOptions,
  KvRow,
  ReadOptions,
  ScanOptions,
  StreamOptions,
  TxOp
} from './types.js'
import type { WatchOptions } from './watch/types.js'
import type { WatchStream } from './watch/watch-stream.js'

/**
 * One tenant's storage: ordered key-value rows in categories.
 *
 * Everything a job is asked travels one line, writes and reads: a read sees every write that was made before it. No
 * method throws or rejects for an expected reason; failures are `Err` values of {@link PersistencyError}. A closed or
 * failed job answers `ERR_JOB_CLOSED` to every call whose arguments are in order.
 */
export class Job {
  readonly id: string
  /** The world in which the events and requests of this job travel. */
  readonly context: BrokerContext
  /** The options in force. */
  readonly options: ResolvedJobOptions
  readonly #core: JobCore
  readonly #close: () => ResultAsync<void, PersistencyError>

  /** Jobs are opened with `Persistency.openJob`, which passes how to close this one. @internal */
  constructor(core: JobCore, close: () => ResultAsync<void, PersistencyError>) {
    this.id = core.id
    this.context = core.context
    this.options = core.options
    this.#core = core
    this.#close = close
  }

  /** Whether the job takes calls. */
  get running(): boolean {
    return this.#core.running
  }

  /** Writes that are accepted and not yet committed. */
  get queued(): { readonly bytes: number; readonly ops: number } {
    return this.#core.writes.queue.depth
  }

  /**
   * Queues one operation, or several that are applied all or none. `ok` means accepted: it will be committed in this
   * order, or reported as `PersistFailed`. While the queue is full the promise waits, in order. After each thousand
   * operations it also waits until the event loop has gone round, so that a loop of awaited writes does not hold it, and
   * until no more than some ten thousand operations wait for their commit.
   *
   * The bytes are taken when the write is accepted; do not change them before the promise resolves.
   * Errors: `ERR_OP`, `ERR_CATEGORY`, `ERR_KEY`, `ERR_PAYLOAD`, `ERR_JOB_CLOSED`, `ERR_OVERLOADED`, and
   * `ERR_STORAGE_DIED` while it waits for room.
   */
  persist(ops: TxOp | readonly TxOp[]): ResultAsync<void, PersistencyError> {
    return this.#core.submit(this.#core.checkedWrite(ops))
  }

  /** Queues a row to be stored; ok means accepted, not stored yet. As {@link Job.persist}. */
  persistPut(category: string, key: Key, payload: Uint8Array): ResultAsync<void, PersistencyError> {
    return this.#core.submit(checkPut(category, key, payload))
  }

  /** Queues a row to be removed; ok means accepted, whether it is there or not. As {@link Job.persist}. */
  persistDelete(category: string, key: Key): ResultAsync<void, PersistencyError> {
    return this.#core.submit(checkDelete(category, key))
  }

  /**
   * Queues the removal of every row of a category whose key starts with a prefix; ok means accepted, not done yet. As
   * {@link Job.persist}.
   */
  persistDeletePrefix(category: string, prefix: Key): ResultAsync<void, PersistencyError> {
    return this.#core.submit(checkDeletePrefix(category, prefix))
  }

  /**
   * Queues a row whose payload is an encoded value: with `toPayload`, or with the codec given. Ok means accepted, not
   * stored yet. As {@link Job.persist}; a value that cannot be encoded is `ERR_VALUE`.
   */
  persistEncoded(category: string, key: Key, value: KeyPart): ResultAsync<void, PersistencyError>
  persistEncoded<T>(
    category: string,
    key: Key,
    value: NoInfer<T>,
    codec: ValueEncoder<T>
  ): ResultAsync<void, PersistencyError>
  persistEncoded<T>(
    category: string,
    key: Key,
    value: T,
    codec?: ValueEncoder<T>
  ): ResultAsync<void, PersistencyError> {
    return this.#core.submit(encodeValue(value, codec).andThen((payload) => checkPut(category, key, payload)))
  }

  /**
   * Writes like {@link Job.persist} and waits for the commit. An `Err` says that nothing of it is stored, except for
   * `ERR_TIMEOUT`, `ERR_ABORTED` and `ERR_STORAGE_DIED`, where it may be; if it was lost after all, the next
   * {@link Job.flush} tells. With a signal that has fired already nothing is written.
   */
  persistAcked(ops: TxOp | readonly TxOp[], options?: AckOptions): ResultAsync<Commit, PersistencyError> {
    return this.#core.submitAcked(this.#core.checkedWrite(ops), options)
  }

  /** Stores a row and waits for the commit: {@link Job.persistAcked} of one put. */
  putAcked(
    category: string,
    key: Key,
    payload: Uint8Array,
    options?: AckOptions
  ): ResultAsync<Commit, PersistencyError> {
    return this.#core.submitAcked(checkPut(category, key, payload), options)
  }

  /**
   * Waits until everything accepted before is committed; with `durable`, until it is on disk. When a write of these
   * was lost without its caller having been told, the flush is `ERR_WRITES_LOST`, once, with the first cause.
   */
  flush(options?: FlushOptions): ResultAsync<void, PersistencyError> {
    return this.#core.flush(options)
  }

  /**
   * The payload of a row; `undefined` when there is no such row. Nobody else changes its bytes, but its `buffer` may hold
   * other answers besides: copy it before you transfer it to another thread.
   */
  get(
    category: string,
    key: Key,
    options?: ReadOptions
  ): ResultAsync<Uint8Array | undefined, PersistencyError> {
    return this.#core.reads.get(category, key, options)
  }

  /**
   * The value of a row, decoded; `undefined` when there is no such row. As {@link Job.get}; a payload that the codec
   * cannot read is `ERR_VALUE`.
   */
  getDecoded<T>(
    category: string,
    key: Key,
    codec: ValueDecoder<T>,
    options?: ReadOptions
  ): ResultAsync<T | undefined, PersistencyError> {
    return this.#core.reads.getDecoded(category, key, codec, options)
  }

  /**
   * The payloads of many rows, in the order of the keys, read in one go. They share the memory of one answer: copy
   * what you keep for long.
   */
  getMany(
    category: string,
    keys: readonly Key[],
    options?: ReadOptions
  ): ResultAsync<(Uint8Array | undefined)[], PersistencyError> {
    return this.#core.reads.getMany(category, keys, options)
  }

  /** Whether a row is there. */
  exists(category: string, key: Key, options?: ReadOptions): ResultAsync<boolean, PersistencyError> {
    return this.#core.reads.exists(category, key, options)
  }

  /** How many rows a range, or everything under a prefix, holds. */
  count(
    category: string,
    range: KeyRange | Key,
    options?: ReadOptions
  ): ResultAsync<number, PersistencyError> {
    return this.#core.reads.count(category, range, options)
  }

  /** Removes a row, in line with all other calls, and answers, once that is committed, whether it was there. */
  deleteAcked(category: string, key: Key, options?: ReadOptions): ResultAsync<boolean, PersistencyError> {
    return this.#core.reads.deleteAcked(category, key, options)
  }

  /**
   * The rows of a range, or everything under a prefix, in key order, as of one moment. The whole answer is held in
   * memory; use {@link Job.stream} for large ranges. Keys and payloads share the memory of that one answer, unless
   * `copy` is asked for.
   */
  scan(
    category: string,
    range: KeyRange | Key,
    options?: ScanOptions & ReadOptions
  ): ResultAsync<KvRow[], PersistencyError> {
    return this.#core.reads.scan(category, range, options)
  }

  /** The rows whose key starts with a prefix, in key order. As {@link Job.scan}. */
  scanPrefix(
    category: string,
    prefix: Key,
    options?: ScanOptions & ReadOptions
  ): ResultAsync<KvRow[], PersistencyError> {
    return this.#core.reads.scanPrefix(category, prefix, options)
  }

  /**
   * The rows of a range, or everything under a prefix, in key order, fetched page by page in bounded memory. Each page
   * is read as of its own moment, the next one while you go through the one before: writes made meanwhile show in later
   * pages. Leaving the loop ends the reading. `toObservable()` of it is the same as an Observable.
   *
   * Iterating throws a {@link PersistencyError} when a page cannot be read.
   */
  stream(category: string, range: KeyRange | Key, options?: StreamOptions): PagedStream<KvRow> {
    return this.#core.reads.stream(category, range, options)
  }

  /**
   * The rows of a declared table, read and written as keys and values. Making one asks for nothing; keep it or make it
   * anew as you like. Its calls are those of this job. Throws `TypeError` for what `defineTable` has not made.
   */
  table<K, V, KeyInput, ValueInput>(
    definition: TableDefinition<K, V, KeyInput, ValueInput>
  ): Table<K, V, KeyInput, ValueInput> {
    return new Table(definition, this)
  }

  /**
   * Appends events of your own to the journal and applies operations with them, all or none; ok when committed.
   * Travels the same line as the writes. An `Err` says that nothing of it is stored, except for `ERR_TIMEOUT`,
   * `ERR_ABORTED` and `ERR_STORAGE_DIED`, where it may be: with an `idempotencyKey` it can then be repeated.
   *
   * Errors: `ERR_EVENT`, `ERR_OPTION`, those of operations, `ERR_CONFLICT` when the stream is not at `expectedSeq` or
   * a check does not hold, `ERR_NO_JOURNAL`.
   */
  append(
    events: NewEvent | readonly NewEvent[],
    options?: AppendOptions
  ): ResultAsync<Appended, PersistencyError> {
    return this.#core.journal.append(events, options)
  }

  /**
   * The position of the last event of a stream, whether it has fallen off the journal or not; 0 when nothing was ever
   * appended to it. Errors: `ERR_OPTION`, `ERR_NO_JOURNAL`, those of reading.
   */
  streamSeq(stream: string, options?: ReadOptions): ResultAsync<number, PersistencyError> {
    return this.#core.journal.streamSeq(stream, options)
  }

  /**
   * What the append under an idempotency key came to, with `repeated: true`; `undefined` when there was none, or its
   * events have fallen off. Errors: `ERR_KEY_REUSED` when it was for another stream than the one that is given,
   * `ERR_OPTION`, `ERR_NO_JOURNAL`, those of reading.
   */
  findAppend(
    idempotencyKey: string,
    options?: FindAppendOptions
  ): ResultAsync<Appended | undefined, PersistencyError> {
    return this.#core.journal.findAppend(idempotencyKey, options)
  }

  /**
   * The events of the journal in order: iterate it, or take `toObservable()` of it. Nothing is read before that, and
   * each reads for itself. With `live` it goes on with what is committed, after one {@link CaughtUp} mark; every event
   * comes exactly once. Only commits of this job wake it: what another process writes comes with the next of them.
   *
   * Ends as errors, thrown: `ERR_NO_JOURNAL`, `ERR_OPTION`, `ERR_EVENTS_GONE` when the next event has fallen off,
   * `ERR_ABORTED`, and those of reading. A live reader ends without an error when the job is closed.
   */
  events(options: EventsOptions & { readonly live: true }): EventStream<JournalEvent | CaughtUp>
  events(options?: EventsOptions & { readonly live?: false | undefined }): EventStream<JournalEvent>
  events(options?: EventsOptions): EventStream<JournalEvent | CaughtUp>
  events(options?: EventsOptions): EventStream<JournalEvent | CaughtUp> {
    return this.#core.journal.events(options)
  }

  /**
   * What is committed to a range, everything under a prefix, or, with `onlyKey`, one row: iterate it, or take
   * `toObservable()` of it. Changes come in the order of the commits, those of one batch as one item; with `initial`
   * they follow the rows that were there, without a gap and without one coming twice. Begins with the first `next`.
   *
   * A reader that is too slow gets a `resync` with the rows as they are, instead of what it missed; with a journal
   * only when the missed events have fallen off. Writes of other processes are seen with a journal only, along with the
   * next commit of this job. Those that somebody else than the job announced in its context need the journal, too.
   *
   * Ends as errors, thrown: `ERR_CATEGORY`, `ERR_RANGE`, `ERR_OPTION`, `ERR_ABORTED`, `ERR_JOB_CLOSED` when the job is
   * closed before it begins, that of the storage when it dies, those of reading; with `from` also `ERR_NO_JOURNAL` and
   * `ERR_EVENTS_GONE`. Ends without an error when the job is closed.
   */
  watch(category: string, range: KeyRange | Key, options?: WatchOptions): WatchStream {
    return this.#core.watch(category, range, options)
  }

  /** The rows as they were once the event `seq` of the journal had taken effect; 0 is before the first. Read-only. */
  at(seq: number): PastState {
    return this.#core.journal.at(seq)
  }

  /** What the journal holds. Errors: `ERR_NO_JOURNAL`, those of reading. */
  journalStatus(options?: ReadOptions): ResultAsync<JournalStatus, PersistencyError> {
    return this.#core.journal.status(options)
  }

  /**
   * Compares the rows with what snapshot and journal say they are, in small steps between other work; what is written
   * meanwhile does no harm. They differ when something else than this library wrote to the file, or it is damaged.
   * The time limit is that of each step. Errors: `ERR_NO_JOURNAL`, `ERR_JOURNAL`, those of reading.
   */
  compareWithJournal(options?: CompareOptions): ResultAsync<JournalComparison, PersistencyError> {
    return this.#core.journal.compare(options)
  }

  /**
   * As {@link Job.compareWithJournal}, and makes each row that differs what the journal says, step by step: when it is
   * stopped half-way, the rows behind are as they were. The mending is no event of the journal.
   */
  rebuild(options?: CompareOptions): ResultAsync<JournalComparison, PersistencyError> {
    return this.#core.journal.rebuild(options)
  }

  /**
   * Copies the job into a file while other calls go on: everything accepted before, and whatever is committed until
   * the copy is complete. The file appears under its name when it is complete and on disk, private to its owner. Closing
   * the job ends it.
   *
   * Errors: `ERR_PATH`, `ERR_EXISTS` unless `overwrite`, `ERR_JOB_IN_USE` when the file to replace is in use,
   * `ERR_BACKUP`, `ERR_ABORTED`, `ERR_JOB_CLOSED`, also when the job is closed meanwhile.
   */
  backup(path: string, options?: BackupOptions): ResultAsync<Backup, PersistencyError> {
    return this.#core.maintenance.backup(path, options)
  }

  /**
   * Checks the file with SQLite's own check, and that it is laid out as this library does, on a thread of its own while
   * other calls go on, and then, unless it is to be `quick`, that the rows are what the journal says, if there is one
   * that can be read. What is wrong is in the report; an `Err` says that it could not be checked, and nothing about what is
   * stored: `ERR_STORAGE` for a lock that is held longer than `busyTimeoutMs`, or a full disk.
   */
  verify(options?: VerifyOptions): ResultAsync<VerifyReport, PersistencyError> {
    return this.#core.maintenance.verify(options)
  }

  /** Figures of the storage, the queue and the commits. Counting the rows visits all of them, in small steps. */
  stats(options?: StatsOptions): ResultAsync<JobStats, PersistencyError> {
    return this.#core.maintenance.stats(options)
  }

  /**
   * Rewrites the file without the space that is not in use, on a thread of its own. Until that is done writes of this
   * job wait, and whatever stands behind them; reads before them and other jobs go on. It cannot be broken off once it
   * has begun: giving up stops the waiting. Needs room on the disk for two further copies.
   *
   * Errors: `ERR_STORAGE` with `SQLITE_FULL` or `SQLITE_BUSY`, after which the file is as before; `ERR_ABORTED`.
   */
  compact(options?: OperationOptions): ResultAsync<Compaction, PersistencyError> {
    return this.#core.maintenance.compact(options)
  }

  /**
   * Has a handler deal with events of the journal, one after another, from its checkpoint in the file on, and goes on
   * live: with the commits of this job, and, with `pollMs`, with those of other processes. What the handler answers,
   * operations on this job, is applied in one transaction with the checkpoint: exactly once. What it does elsewhere is done
   * at least once. Ok when the checkpoint is taken over; whoever held it before, in another process, ends with
   * `ERR_SUBSCRIPTION_LOST`.
   *
   * Errors: `ERR_OPTION`, `ERR_ABORTED` when its signal has fired already, `ERR_NO_JOURNAL`, `ERR_SUBSCRIPTION_HELD` when
   * this process holds it already, `ERR_EVENTS_GONE` when the next event has fallen off, those of writing. Throws
   * `TypeError` when the handler is no function.
   */
  subscription(
    name: string,
    handler: SubscriptionHandler<JournalEvent>,
    options: SubscriptionOptions & { readonly writes: true }
  ): ResultAsync<Subscription, PersistencyError>
  /** With a codec, whose events the handler gets; the recorded one goes with the delivery. */
  subscription<Event extends DomainEvent>(
    name: string,
    handler: DecodedHandler<NoInfer<Event>>,
    options: DecodedSubscriptionOptions<Event>
  ): ResultAsync<Subscription, PersistencyError>
  subscription(
    name: string,
    handler: SubscriptionHandler,
    options?: SubscriptionOptions & { readonly writes?: false | undefined }
  ): ResultAsync<Subscription, PersistencyError>
  /** With options of which it is not known here whether they ask for plain writes. */
  subscription(
    name: string,
    handler: SubscriptionHandler<JournalEvent>,
    options: SubscriptionOptions
  ): ResultAsync<Subscription, PersistencyError>
  subscription(
    name: string,
    handler: SubscriptionHandler<never> | DecodedHandler<never>,
    options?: AnySubscriptionOptions
  ): ResultAsync<Subscription, PersistencyError> {
    return this.#core.sourcing.subscribe(name, handler, options)
  }

  /** The subscriptions and projections that the file knows, whether they are held or not, and what they have parked. */
  get subscriptions(): Subscriptions {
    return this.#core.sourcing.subscriptions
  }

  /**
   * Keeps the read model of a projection up to date: brings it to where the journal is, and goes on live, as a
   * subscription does. A model of another version is made anew. Ok when its checkpoint is taken over. Errors: as
   * {@link Job.subscription}; `ERR_EVENTS_GONE` also when events are missing from which it would have to be made. Throws
   * `TypeError` for what `defineProjection` has not made.
   */
  projection<Event extends DomainEvent, State>(
    definition: ProjectionDefinition<Event, State>,
    options?: DeliveryOptions
  ): ResultAsync<Projection<State>, PersistencyError> {
    return this.#core.sourcing.project(definition, options)
  }

  /** Closes the job: applies everything accepted, then releases its storage. The same as `Persistency.closeJob`. */
  close(): ResultAsync<void, PersistencyError> {
    return this.#close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Job ${this.id} (${this.#core.state})`
  }

  /** Where its events and requests travel. @internal */
  get hub(): BrokerHub {
    return this.#core.hub
  }
}
