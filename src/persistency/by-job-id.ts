/** Owns the methods of jobs by id: each finds the open job and asks it. An id that is not open is `ERR_JOB_NOT_FOUND`. */
import { errAsync, type Result, type ResultAsync } from 'neverthrow'
import type { ValueDecoder } from './codecs/decode-value.js'
import type { ValueEncoder } from './codecs/encode-value.js'
import { describeValue } from './describe.js'
import { PersistencyError } from './errors.js'
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
import type { Job } from './job.js'
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
import { PagedStream } from './reading/paged-stream.js'
import type { Table } from './table.js'
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
import type { WatchItem, WatchOptions } from './watch/types.js'

type Answer<T> = ResultAsync<T, PersistencyError>

/** Every method of {@link Job}, with the id of the job in front. */
export abstract class ByJobId {
  /** The open job of that id. Errors: `ERR_JOB_NOT_FOUND`. */
  abstract job(id: string): Result<Job, PersistencyError>

  /** As {@link Job.persist}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  persist(id: string, ops: TxOp | readonly TxOp[]): Answer<void> {
    return this.#with(id, (job) => job.persist(ops))
  }

  /** As {@link Job.persistPut}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  persistPut(id: string, category: string, key: Key, payload: Uint8Array): Answer<void> {
    return this.#with(id, (job) => job.persistPut(category, key, payload))
  }

  /** As {@link Job.persistDelete}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  persistDelete(id: string, category: string, key: Key): Answer<void> {
    return this.#with(id, (job) => job.persistDelete(category, key))
  }

  /** As {@link Job.persistDeletePrefix}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  persistDeletePrefix(id: string, category: string, prefix: Key): Answer<void> {
    return this.#with(id, (job) => job.persistDeletePrefix(category, prefix))
  }

  /** As {@link Job.persistEncoded}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  persistEncoded(id: string, category: string, key: Key, value: KeyPart): Answer<void>
  /** As {@link Job.persistEncoded}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  persistEncoded<T>(
    id: string,
    category: string,
    key: Key,
    value: NoInfer<T>,
    codec: ValueEncoder<T>
  ): Answer<void>
  persistEncoded<T>(id: string, category: string, key: Key, value: T, codec?: ValueEncoder<T>): Answer<void> {
    return this.#with(id, (job) =>
      codec === undefined
        ? job.persistEncoded(category, key, value as KeyPart)
        : job.persistEncoded(category, key, value, codec)
    )
  }

  /** As {@link Job.persistAcked}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  persistAcked(id: string, ops: TxOp | readonly TxOp[], options?: AckOptions): Answer<Commit> {
    return this.#with(id, (job) => job.persistAcked(ops, options))
  }

  /** As {@link Job.putAcked}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  putAcked(
    id: string,
    category: string,
    key: Key,
    payload: Uint8Array,
    options?: AckOptions
  ): Answer<Commit> {
    return this.#with(id, (job) => job.putAcked(category, key, payload, options))
  }

  /** As {@link Job.flush}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  flush(id: string, options?: FlushOptions): Answer<void> {
    return this.#with(id, (job) => job.flush(options))
  }

  /** As {@link Job.get}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  get(id: string, category: string, key: Key, options?: ReadOptions): Answer<Uint8Array | undefined> {
    return this.#with(id, (job) => job.get(category, key, options))
  }

  /** As {@link Job.getDecoded}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  getDecoded<T>(
    id: string,
    category: string,
    key: Key,
    codec: ValueDecoder<T>,
    options?: ReadOptions
  ): Answer<T | undefined> {
    return this.#with(id, (job) => job.getDecoded(category, key, codec, options))
  }

  /** As {@link Job.getMany}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  getMany(
    id: string,
    category: string,
    keys: readonly Key[],
    options?: ReadOptions
  ): Answer<(Uint8Array | undefined)[]> {
    return this.#with(id, (job) => job.getMany(category, keys, options))
  }

  /** As {@link Job.exists}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  exists(id: string, category: string, key: Key, options?: ReadOptions): Answer<boolean> {
    return this.#with(id, (job) => job.exists(category, key, options))
  }

  /** As {@link Job.count}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  count(id: string, category: string, range: KeyRange | Key, options?: ReadOptions): Answer<number> {
    return this.#with(id, (job) => job.count(category, range, options))
  }

  /** As {@link Job.deleteAcked}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  deleteAcked(id: string, category: string, key: Key, options?: ReadOptions): Answer<boolean> {
    return this.#with(id, (job) => job.deleteAcked(category, key, options))
  }

  /** As {@link Job.scan}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  scan(
    id: string,
    category: string,
    range: KeyRange | Key,
    options?: ScanOptions & ReadOptions
  ): Answer<KvRow[]> {
    return this.#with(id, (job) => job.scan(category, range, options))
  }

  /** As {@link Job.scanPrefix}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  scanPrefix(
    id: string,
    category: string,
    prefix: Key,
    options?: ScanOptions & ReadOptions
  ): Answer<KvRow[]> {
    return this.#with(id, (job) => job.scanPrefix(category, prefix, options))
  }

  /** As {@link Job.stream}; for an id that is not open, iterating throws `ERR_JOB_NOT_FOUND`. */
  stream(id: string, category: string, range: KeyRange | Key, options?: StreamOptions): PagedStream<KvRow> {
    return PagedStream.of(() => this.job(id).map((job) => job.stream(category, range, options)), options)
  }

  /** As {@link Job.table}; here the id must be of an open job at once. */
  table<K, V, KeyInput, ValueInput>(
    id: string,
    definition: TableDefinition<K, V, KeyInput, ValueInput>
  ): Result<Table<K, V, KeyInput, ValueInput>, PersistencyError> {
    return this.job(id).map((job) => job.table(definition))
  }

  /** As {@link Job.append}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  append(id: string, events: NewEvent | readonly NewEvent[], options?: AppendOptions): Answer<Appended> {
    return this.#with(id, (job) => job.append(events, options))
  }

  /** As {@link Job.streamSeq}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  streamSeq(id: string, stream: string, options?: ReadOptions): Answer<number> {
    return this.#with(id, (job) => job.streamSeq(stream, options))
  }

  /** As {@link Job.findAppend}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  findAppend(id: string, idempotencyKey: string, options?: FindAppendOptions): Answer<Appended | undefined> {
    return this.#with(id, (job) => job.findAppend(idempotencyKey, options))
  }

  /** As {@link Job.events}; for an id that is not open, iterating throws `ERR_JOB_NOT_FOUND`. */
  events(id: string, options: EventsOptions & { readonly live: true }): PagedStream<JournalEvent | CaughtUp>
  /** As {@link Job.events}; for an id that is not open, iterating throws `ERR_JOB_NOT_FOUND`. */
  events(
    id: string,
    options?: EventsOptions & { readonly live?: false | undefined }
  ): PagedStream<JournalEvent>
  /** As {@link Job.events}; for an id that is not open, iterating throws `ERR_JOB_NOT_FOUND`. */
  events(id: string, options?: EventsOptions): PagedStream<JournalEvent | CaughtUp>
  events(id: string, options?: EventsOptions): PagedStream<JournalEvent | CaughtUp> {
    return PagedStream.of(() => this.job(id).map((job) => job.events(options)), options)
  }

  /** As {@link Job.at}; here the id must be of an open job at once. */
  at(id: string, seq: number): Result<PastState, PersistencyError> {
    return this.job(id).map((job) => job.at(seq))
  }

  /** As {@link Job.watch}; for an id that is not open, iterating throws `ERR_JOB_NOT_FOUND`. */
  watch(id: string, category: string, range: KeyRange | Key, options?: WatchOptions): PagedStream<WatchItem> {
    return PagedStream.of(() => this.job(id).map((job) => job.watch(category, range, options)), options)
  }

  /** As {@link Job.subscriptions}; here the id must be of an open job at once. */
  subscriptions(id: string): Result<Subscriptions, PersistencyError> {
    return this.job(id).map((job) => job.subscriptions)
  }

  /** As {@link Job.journalStatus}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  journalStatus(id: string, options?: ReadOptions): Answer<JournalStatus> {
    return this.#with(id, (job) => job.journalStatus(options))
  }

  /** As {@link Job.compareWithJournal}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  compareWithJournal(id: string, options?: CompareOptions): Answer<JournalComparison> {
    return this.#with(id, (job) => job.compareWithJournal(options))
  }

  /** As {@link Job.rebuild}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  rebuild(id: string, options?: CompareOptions): Answer<JournalComparison> {
    return this.#with(id, (job) => job.rebuild(options))
  }

  /** As {@link Job.backup}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  backup(id: string, path: string, options?: BackupOptions): Answer<Backup> {
    return this.#with(id, (job) => job.backup(path, options))
  }

  /** As {@link Job.verify}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  verify(id: string, options?: VerifyOptions): Answer<VerifyReport> {
    return this.#with(id, (job) => job.verify(options))
  }

  /** As {@link Job.stats}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  stats(id: string, options?: StatsOptions): Answer<JobStats> {
    return this.#with(id, (job) => job.stats(options))
  }

  /** As {@link Job.compact}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  compact(id: string, options?: OperationOptions): Answer<Compaction> {
    return this.#with(id, (job) => job.compact(options))
  }

  /** As {@link Job.subscription}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  subscription(
    id: string,
    name: string,
    handler: SubscriptionHandler<JournalEvent>,
    options: SubscriptionOptions & { readonly writes: true }
  ): Answer<Subscription>
  /** As {@link Job.subscription}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  subscription<Event extends DomainEvent>(
    id: string,
    name: string,
    handler: DecodedHandler<NoInfer<Event>>,
    options: DecodedSubscriptionOptions<Event>
  ): Answer<Subscription>
  /** As {@link Job.subscription}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  subscription(
    id: string,
    name: string,
    handler: SubscriptionHandler,
    options?: SubscriptionOptions & { readonly writes?: false | undefined }
  ): Answer<Subscription>
  /** As {@link Job.subscription}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  subscription(
    id: string,
    name: string,
    handler: SubscriptionHandler<JournalEvent>,
    options: SubscriptionOptions
  ): Answer<Subscription>
  subscription(
    id: string,
    name: string,
    handler: SubscriptionHandler<never> | DecodedHandler<never>,
    options?: AnySubscriptionOptions
  ): Answer<Subscription> {
    return this.#with(id, (job) =>
      job.subscription(name, handler as SubscriptionHandler<JournalEvent>, options as SubscriptionOptions)
    )
  }

  /** As {@link Job.projection}; `ERR_JOB_NOT_FOUND` when the job is not open. */
  projection<Event extends DomainEvent, State>(
    id: string,
    definition: ProjectionDefinition<Event, State>,
    options?: DeliveryOptions
  ): Answer<Projection<State>> {
    return this.#with(id, (job) => job.projection(definition, options))
  }

  #with<T>(id: string, ask: (job: Job) => Answer<T>): Answer<T> {
    const job = this.job(id)
    return job.isErr() ? errAsync(job.error) : ask(job.value)
  }
}

/** No job of this id is open. */
export function jobNotFound(id: unknown): PersistencyError {
  return new PersistencyError(
    'ERR_JOB_NOT_FOUND',
    `no open job with id ${typeof id === 'string' ? JSON.stringify(id) : describeValue(id)}`
  )
}
