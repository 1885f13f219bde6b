/** 'persistency': brokered, multi-tenant storage, and the brokers it travels on. */
/// <reference lib="esnext.disposable" preserve="true" />

export type { Answer, RequestProvider } from './brokers/adapt-provider.js'
export type { PayloadArgs, RequestArgs } from './brokers/arguments.js'
export type { Outcome } from './brokers/collect.js'
export { BrokerContext, type BrokerContextData } from './brokers/context.js'
export {
  defineEvent,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  type EventDefinition,
  type MultiRequestDefinition,
  type RequestCodecs,
  type RequestDefinition,
  type RequestDefinitionOptions,
  type SignalDefinition,
  type SyncRequestDefinition
} from './brokers/definitions.js'
export { BrokerError, type BrokerErrorData, type BrokerErrorKind } from './brokers/errors.js'
export { EventBroker } from './brokers/event-broker.js'
export { BrokerHub } from './brokers/hub.js'
export type {
  DropOptions,
  EventHandler,
  ListenerError,
  ListenerHandle,
  ListenerOutcome,
  ListenerScope
} from './brokers/listener.js'
export { MultiRequestBroker } from './brokers/multi-request-broker.js'
export type { RequestOptions } from './brokers/pending-call.js'
export type { ProviderCall, ProviderHandle } from './brokers/provider.js'
export {
  type ProviderOf,
  RequestBroker,
  type SyncRequestProvider
} from './brokers/request-broker.js'
export type { RequestTrace } from './brokers/request-trace.js'
export { type HandlerHandle, SignalBroker } from './brokers/signal-broker.js'
export type { HandlerScope, SignalHandler } from './brokers/signal-queue.js'
export { unwrap } from './brokers/unwrap.js'
export type { ByteReader } from './bytes/byte-reader.js'
export type { ByteWriter } from './bytes/byte-writer.js'
export type { WireCodec } from './bytes/wire-codec.js'
export type { EndSignal } from './persistency/close-on-signal.js'
export {
  type AnyCodec,
  type Codec,
  type CodecInput,
  type CodecParts,
  type CodecValue,
  defineCodec
} from './persistency/codecs/codec.js'
export type { ValueDecoder } from './persistency/codecs/decode-value.js'
export type { ValueEncoder } from './persistency/codecs/encode-value.js'
export { type EnumerationOf, enumeration, type NumericEnumMember } from './persistency/codecs/enumeration.js'
export { int64, integer, uint64 } from './persistency/codecs/integers.js'
export { json } from './persistency/codecs/json.js'
export { type OrderedStringCodec, orderedString } from './persistency/codecs/ordered-string.js'
export { bool, byte, char } from './persistency/codecs/single-byte.js'
export { type StructFields, type StructInput, type StructValue, struct } from './persistency/codecs/struct.js'
export { bytes, rest, string } from './persistency/codecs/text-and-bytes.js'
export {
  type LeadingItems,
  type TupleCodec,
  type TupleInput,
  type TupleValue,
  tuple
} from './persistency/codecs/tuple.js'
export type { CheckConflict, Conflict, ConflictData, StreamConflict } from './persistency/conflict.js'
export type {
  CommitNews,
  FailedNews,
  JobFailedNews,
  JobNews,
  JobRestartedNews,
  WriteTrace
} from './persistency/diagnostics.js'
export {
  PersistencyError,
  type PersistencyErrorCode,
  type PersistencyErrorData,
  type PersistencyErrorDetails,
  type PersistencyErrorKind
} from './persistency/errors.js'
export {
  type Decide,
  type Decider,
  type DeciderParts,
  type Decision,
  defineDecider,
  type Evolve,
  type RefusalOf
} from './persistency/eventsourcing/decider.js'
export {
  type DomainEvent,
  type EncodedEvent,
  type EventCodec,
  jsonEvents
} from './persistency/eventsourcing/domain-events.js'
export {
  type Handled,
  type HandleOptions,
  handleCommand
} from './persistency/eventsourcing/handle-command.js'
export {
  type EventStreams,
  type LoadedState,
  type LoadOptions,
  loadState
} from './persistency/eventsourcing/load-state.js'
export type {
  ParkedEntry,
  SubscriptionAdvanceQuery,
  SubscriptionClaimed,
  SubscriptionClaimQuery,
  SubscriptionFailedPayload,
  SubscriptionMoveQuery,
  SubscriptionParkedQuery
} from './persistency/eventsourcing/message-payloads.js'
export {
  SubscriptionAdvance,
  SubscriptionClaim,
  SubscriptionFailed,
  SubscriptionForget,
  SubscriptionList,
  SubscriptionMove,
  SubscriptionParked
} from './persistency/eventsourcing/messages.js'
export {
  type ProjectedRow,
  Projection,
  type RebuildOptions,
  type RebuildProgress
} from './persistency/eventsourcing/projection.js'
export {
  type Apply,
  defineProjection,
  type ProjectionDefinition,
  type ProjectionParts,
  type StateCodec
} from './persistency/eventsourcing/projection-definition.js'
export {
  type DecisionSpec,
  given,
  type ProjectedEvent,
  type ProjectionSpec,
  projected
} from './persistency/eventsourcing/specs.js'
export { Subscription } from './persistency/eventsourcing/subscription.js'
export { Subscriptions } from './persistency/eventsourcing/subscriptions.js'
export type {
  AnySubscriptionOptions,
  DecodedDelivery,
  DecodedHandler,
  DecodedSubscriptionOptions,
  Delivery,
  DeliveryOptions,
  HandlerAnswer,
  HandlerAppend,
  HandlerOps,
  HandlerResult,
  HandlerResultLater,
  HandlerRetry,
  ParkedEvent,
  Reaction,
  RetriedParked,
  StartAt,
  SubscriptionHandler,
  SubscriptionOptions,
  SubscriptionStatus
} from './persistency/eventsourcing/types.js'
export { Job } from './persistency/job.js'
export { EventStream } from './persistency/journal/event-stream.js'
export type {
  JournalAppendQuery,
  JournalAtQuery,
  JournalComparedRows,
  JournalCompareQuery,
  JournalCountAtQuery,
  JournalFindAppendQuery,
  JournalGetAtQuery,
  JournalPage,
  JournalReadQuery,
  JournalScanAtQuery,
  PackedEvent,
  Stepwise
} from './persistency/journal/message-payloads.js'
export {
  JournalAppend,
  JournalCompare,
  JournalCountAt,
  JournalFindAppend,
  JournalGetAt,
  JournalInfo,
  JournalRead,
  JournalRebuild,
  JournalScanAt,
  JournalStreamSeq
} from './persistency/journal/messages.js'
export { PastState } from './persistency/journal/past-state.js'
export {
  type AttemptAnswer,
  type AttemptError,
  type AttemptValue,
  type RetryOptions,
  retryOnConflict
} from './persistency/journal/retry-on-conflict.js'
export type {
  Appended,
  AppendOptions,
  CaughtUp,
  CompareOptions,
  EventMetadata,
  EventsOptions,
  ExpectedSeq,
  FindAppendOptions,
  JournalComparison,
  JournalDifference,
  JournalEvent,
  JournalOptions,
  JournalProgress,
  JournalStatus,
  NewEvent,
  RecordedEvent,
  RecordedWrite
} from './persistency/journal/types.js'
export type { KeyLike, KeyPart } from './persistency/keys/key-parts.js'
export {
  type KeyRange,
  onlyKey,
  prefixRange,
  rangeAfter,
  rangeIncludes
} from './persistency/keys/key-range.js'
export { compareKeys, Key, key, keyFromHex, rawKey, toKey } from './persistency/keys/keys.js'
export { payload, toPayload } from './persistency/keys/payload.js'
export {
  KvBackup,
  type KvBackupQuery,
  KvCompact,
  type KvOperation,
  KvStats,
  type KvStatsQuery,
  KvVerify,
  type KvVerifyQuery,
  MaintenanceProgress,
  type MaintenanceProgressPayload,
  type StorageStats
} from './persistency/maintenance/messages.js'
export type {
  Backup,
  BackupOptions,
  CommitStats,
  Compaction,
  JobStats,
  OperationOptions,
  Progress,
  RestoreOptions,
  StatsOptions,
  VerifyOptions,
  VerifyProblem,
  VerifyReport
} from './persistency/maintenance/types.js'
export type {
  JobClosedPayload,
  JobFailedPayload,
  JobOpenedPayload,
  JobRestartedPayload,
  KvAddress,
  KvManyQuery,
  KvPayloads,
  KvRangeQuery,
  KvScanPage,
  KvScanQuery,
  PersistCommittedPayload,
  PersistEventPayload,
  PersistFailedPayload,
  RemovedRow,
  WritesSettledPayload
} from './persistency/message-payloads.js'
export {
  JobClosed,
  JobFailed,
  JobOpened,
  JobRestarted,
  KvCount,
  KvDelete,
  KvExists,
  KvFlush,
  KvGet,
  KvGetMany,
  KvScan,
  PersistAgain,
  PersistCommitted,
  PersistEvent,
  PersistFailed,
  WritesSettled
} from './persistency/messages.js'
export {
  DEFAULT_JOB_OPTIONS,
  type Durability,
  type JobOptions,
  type ResolvedJobOptions
} from './persistency/options.js'
export { GetPersistency, Persistency, type PersistencyParts } from './persistency/persistency.js'
export type { PersistencyOptions, ThreadsOption } from './persistency/persistency-options.js'
export type { PagedStream } from './persistency/reading/paged-stream.js'
export type { RootDir } from './persistency/storage/files/root-dir.js'
export type {
  OpenedStorage,
  OpenStorage,
  RestartListener,
  StorageEngine
} from './persistency/storage-engine.js'
export { Table } from './persistency/table.js'
export type { RowChange, UpdateOptions } from './persistency/table-update.js'
export {
  defineTable,
  type TableCodecs,
  type TableDefinition,
  type TableRow
} from './persistency/tables/table-definition.js'
export { TableReads } from './persistency/tables/table-reads.js'
export type {
  AckOptions,
  ChangeOp,
  CheckOp,
  Commit,
  DeleteOp,
  DeletePrefixOp,
  FlushOptions,
  KvRow,
  PutOp,
  ReadOptions,
  ScanOptions,
  StreamOptions,
  TxOp
} from './persistency/types.js'
export type {
  TableChange,
  TableWatchItem,
  WatchedTableChanges,
  WatchedTableState
} from './persistency/watch/table-items.js'
export type { WatchedChanges, WatchedState, WatchItem, WatchOptions } from './persistency/watch/types.js'
export { WatchStream } from './persistency/watch/watch-stream.js'
export type { CancelSignal, ModuleUrl } from './runtime/platform.js'
