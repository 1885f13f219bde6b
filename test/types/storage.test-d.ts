import type { Result, ResultAsync } from 'neverthrow'
import {
  BrokerHub,
  type CaughtUp,
  type Commit,
  type DeleteOp,
  type DeletePrefixOp,
  type Durability,
  EventBroker,
  type EventsOptions,
  GetPersistency,
  type Job,
  JobFailed,
  type JobOptions,
  JobRestarted,
  type JobRestartedNews,
  type JobRestartedPayload,
  type JournalEvent,
  type Key,
  KvGet,
  type KvRow,
  KvScan,
  key,
  type PagedStream,
  PersistCommitted,
  type PersistCommittedPayload,
  PersistEvent,
  Persistency,
  type PersistencyError,
  PersistFailed,
  type PutOp,
  payload,
  prefixRange,
  RequestBroker,
  type ResolvedJobOptions,
  string,
  struct,
  type TxOp,
  type VerifyReport,
  type WatchItem
} from 'persistency'
import type { Observable } from 'rxjs'
import { expectType } from './expect-type.js'

declare const persistency: Persistency
declare const job: Job
const k = key('a', 1)
const bytes = payload('value')

// Opening

expectType(Persistency.open('/data')).is<Result<Persistency, PersistencyError>>()
Persistency.open({ rootDir: '/data', durability: 'full', hub: new BrokerHub() })
expectType(Persistency.instance()).is<Result<Persistency, PersistencyError>>()
expectType(Persistency.reset()).is<Promise<void>>()
expectType(persistency.openJob('tenant')).is<ResultAsync<Job, PersistencyError>>()
persistency.openJob('tenant', {
  whenFull: 'refuse',
  maxQueueOps: 10,
  requestTimeoutMs: Number.POSITIVE_INFINITY
})
expectType(persistency.job('tenant')).is<Result<Job, PersistencyError>>()
expectType(persistency.jobs).is<ReadonlyMap<string, Job>>()
expectType(persistency.closeJob('tenant')).is<ResultAsync<void, PersistencyError>>()
expectType(persistency.listJobs()).is<ResultAsync<readonly string[], PersistencyError>>()
expectType(persistency.dropJob('tenant')).is<ResultAsync<void, PersistencyError>>()
expectType(persistency.close()).is<ResultAsync<void, PersistencyError>>()
expectType(job.close()).is<ResultAsync<void, PersistencyError>>()
expectType(job.options).is<ResolvedJobOptions>()

Persistency.open({ rootDir: '/data', threads: 'dedicated' })
Persistency.open({ rootDir: ':memory:', threads: 'none' })
Persistency.open({ rootDir: '/data', threads: { shared: 2 }, maxOpenJobs: 200, whenIdle: 'close' })
persistency.openJob('tenant', { whenIdle: 'keep', restart: true, create: false })

// @ts-expect-error a directory is needed
Persistency.open()
// @ts-expect-error shared threads have a number
Persistency.open({ rootDir: '/data', threads: 'shared' })
// @ts-expect-error the cap is one of all jobs
persistency.openJob('tenant', { maxOpenJobs: 5 })
// @ts-expect-error options need a directory
Persistency.open({ durability: 'full' })
// @ts-expect-error an option of no known name
Persistency.open({ rootDir: '/data', durable: true })
// @ts-expect-error a durability that does not exist
Persistency.open({ rootDir: '/data', durability: 'extra' })
// @ts-expect-error a job has an id
persistency.openJob()
// @ts-expect-error an id is text
persistency.openJob(5)
// @ts-expect-error an option of no known name
persistency.openJob('tenant', { requestTimeout: 10 })
// @ts-expect-error what to do when the queue is full is one of two
persistency.openJob('tenant', { whenFull: 'drop' })
// @ts-expect-error the directory is an option of all jobs
persistency.openJob('tenant', { rootDir: '/data' })
// @ts-expect-error jobs are opened with openJob
persistency.jobs.set('tenant', job)
// @ts-expect-error a Result has to be unpacked
persistency.job('tenant').get('c', k)
// @ts-expect-error the options of an open job do not change
job.options.durability = 'off'
// @ts-expect-error whether a job runs is not for others to say
job.running = false
// @ts-expect-error a durability that does not exist
const _durability: Durability = 'none'
// @ts-expect-error a job is made or not
persistency.openJob('tenant', { create: 'never' })
// @ts-expect-error restarting is on or off
persistency.openJob('tenant', { restart: 3 })
// @ts-expect-error options are given or left out
const _options: JobOptions = { maxQueueBytes: null }

// Operations

const verified = Persistency.verifyFile('/backups/tenant', { quick: true })
expectType(verified).is<ResultAsync<VerifyReport, PersistencyError>>()
// @ts-expect-error progress is told to a function
Persistency.verifyFile('/backups/tenant', { onProgress: true })

const put: PutOp = { kind: 'put', category: 'c', key: k, payload: bytes }
const remove: DeleteOp = { kind: 'delete', category: 'c', key: k }
const removeAll: DeletePrefixOp = { kind: 'deletePrefix', category: 'c', prefix: k }
expectType(job.persist(put)).is<ResultAsync<void, PersistencyError>>()
job.persist([put, remove, removeAll])
job.persist([put, remove, removeAll] as const)
job.persist([])
expectType(job.persistAcked([put, remove])).is<ResultAsync<Commit, PersistencyError>>()
expectType(persistency.persistAcked('tenant', put, { timeoutMs: 5 })).is<
  ResultAsync<Commit, PersistencyError>
>()

export function nameOf(op: TxOp): string {
  switch (op.kind) {
    case 'put':
      return `${op.key} ${op.payload.length}`
    case 'delete':
      return `${op.key}`
    case 'deletePrefix':
      return `${op.prefix}`
    case 'check':
      return `${op.key} ${op.equals?.length}`
    default:
      return op satisfies never
  }
}

// @ts-expect-error an operation of no known kind
job.persist({ kind: 'insert', category: 'c', key: k, payload: bytes })
// @ts-expect-error an operation without its kind
job.persist({ category: 'c', key: k, payload: bytes })
// @ts-expect-error a put without its payload
job.persist({ kind: 'put', category: 'c', key: k })
// @ts-expect-error a put without its category
job.persist({ kind: 'put', key: k, payload: bytes })
// @ts-expect-error a payload is bytes
job.persist({ kind: 'put', category: 'c', key: k, payload: 'text' })
// @ts-expect-error a key is made with key(...)
job.persist({ kind: 'put', category: 'c', key: 'a', payload: bytes })
// @ts-expect-error the bytes of a key are no key
job.persist({ kind: 'delete', category: 'c', key: k.bytes })
// @ts-expect-error a delete takes no payload
job.persist({ kind: 'delete', category: 'c', key: k, payload: bytes })
// @ts-expect-error a prefix goes by that name
job.persist({ kind: 'deletePrefix', category: 'c', key: k })
// @ts-expect-error one of several is no operation
job.persist([put, { kind: 'delete', category: 'c' }])
// @ts-expect-error operations do not change
put.category = 'other'
// @ts-expect-error the id of the job comes first
persistency.persist(put)
// @ts-expect-error the id of the job is known here
job.persist('tenant', put)

// Writing single rows

expectType(job.persistPut('c', k, bytes)).is<ResultAsync<void, PersistencyError>>()
expectType(job.persistDelete('c', k)).is<ResultAsync<void, PersistencyError>>()
expectType(job.persistDeletePrefix('c', k)).is<ResultAsync<void, PersistencyError>>()
expectType(persistency.persistPut('tenant', 'c', k, bytes)).is<ResultAsync<void, PersistencyError>>()
expectType(job.deleteAcked('c', k)).is<ResultAsync<boolean, PersistencyError>>()
expectType(job.flush({ durable: true })).is<ResultAsync<void, PersistencyError>>()
expectType(job.putAcked('c', k, bytes, { timeoutMs: 5 })).is<ResultAsync<Commit, PersistencyError>>()
expectType(persistency.putAcked('tenant', 'c', k, bytes)).is<ResultAsync<Commit, PersistencyError>>()

// @ts-expect-error the payload is missing
job.persistPut('c', k)
// @ts-expect-error text is no payload
job.persistPut('c', k, 'text')
// @ts-expect-error an operation has a call of its own
job.putAcked(put)
// @ts-expect-error a key is no payload
job.persistPut('c', k, k)
// @ts-expect-error the category is missing
job.persistDelete(k)
// @ts-expect-error a range is no prefix
job.persistDeletePrefix('c', prefixRange(k))
// @ts-expect-error an option of no known name
job.flush({ sync: true })
// @ts-expect-error accepted is not committed
job.persist(put).map((commit: Commit) => commit.seq)

// Writing encoded values

const reading = struct({ sender: string })
expectType(job.persistEncoded('c', k, 'text')).is<ResultAsync<void, PersistencyError>>()
job.persistEncoded('c', k, ['text', 5, true])
job.persistEncoded('c', k, { sender: 'anna' }, reading)
job.persistEncoded('c', k, new Date(0), { encode: (date: Date) => payload(date.getTime()) })
persistency.persistEncoded('tenant', 'c', k, { sender: 'anna' }, reading)

// @ts-expect-error a value that the codec does not take
job.persistEncoded('c', k, { sender: 5 }, reading)
// @ts-expect-error a value without its field
job.persistEncoded('c', k, {}, reading)
// @ts-expect-error an object needs a codec
job.persistEncoded('c', k, { sender: 'anna' })
// @ts-expect-error undefined is no value
job.persistEncoded('c', k, undefined)
// @ts-expect-error an object needs a codec
persistency.persistEncoded('tenant', 'c', k, { sender: 'anna' })
// @ts-expect-error a codec encodes
job.persistEncoded('c', k, 'text', { decode: () => 'text' })

// Reading

expectType(job.get('c', k)).is<ResultAsync<Uint8Array | undefined, PersistencyError>>()
expectType(job.getMany('c', [k])).is<ResultAsync<(Uint8Array | undefined)[], PersistencyError>>()
expectType(job.exists('c', k)).is<ResultAsync<boolean, PersistencyError>>()
expectType(job.count('c', k)).is<ResultAsync<number, PersistencyError>>()
expectType(job.scan('c', prefixRange(k))).is<ResultAsync<KvRow[], PersistencyError>>()
expectType(job.scanPrefix('c', k)).is<ResultAsync<KvRow[], PersistencyError>>()
expectType(persistency.get('tenant', 'c', k)).is<ResultAsync<Uint8Array | undefined, PersistencyError>>()
expectType(persistency.scan('tenant', 'c', k)).is<ResultAsync<KvRow[], PersistencyError>>()
job.get('c', k, { timeoutMs: 5, signal: AbortSignal.timeout(5) })
job.scan('c', { start: k }, { reverse: true, limit: 5, keysOnly: true, timeoutMs: 5 })
job.scan('c', { start: k, stop: k })

expectType(job.getDecoded('c', k, reading)).is<
  ResultAsync<{ sender: string } | undefined, PersistencyError>
>()
expectType(job.getDecoded('c', k, { decode: ({ length }) => length })).is<
  ResultAsync<number | undefined, PersistencyError>
>()
expectType(persistency.getDecoded('tenant', 'c', k, string, { timeoutMs: 5 })).is<
  ResultAsync<string | undefined, PersistencyError>
>()

// @ts-expect-error a codec is needed
job.getDecoded('c', k)
// @ts-expect-error a codec decodes
job.getDecoded('c', k, { encode: () => new Uint8Array() })
// @ts-expect-error a row may not be there
job.get('c', k).map((found) => found.length)
// @ts-expect-error text is no key
job.get('c', 'a')
// @ts-expect-error parts are no key
job.get('c', ['a', 1])
// @ts-expect-error the category is missing
job.get(k)
// @ts-expect-error an option of no known name
job.get('c', k, { timeout: 5 })
// @ts-expect-error one key is not many
job.getMany('c', k)
// @ts-expect-error a range has a start
job.scan('c', { stop: k })
// @ts-expect-error the ends of a range are keys
job.scan('c', { start: 'a', stop: 'b' })
// @ts-expect-error the end of a range goes by the name of stop
job.scan('c', { start: k, end: k })
// @ts-expect-error a stop is given or left out
job.scan('c', { start: k, stop: null })
// @ts-expect-error a range is no prefix
job.scanPrefix('c', prefixRange(k))
// @ts-expect-error a page size is for streams
job.scan('c', k, { pageSize: 5 })
// @ts-expect-error an order is true or false
job.scan('c', k, { reverse: 'yes' })
// @ts-expect-error a limit is a number
job.scan('c', k, { limit: '5' })
// @ts-expect-error a count has no limit
job.count('c', k, { limit: 5 })
// @ts-expect-error the id of the job comes first
persistency.get('c', k)

// Streaming

expectType(job.stream('c', k)).is<PagedStream<KvRow>>()
expectType(job.stream('c', k).toObservable()).is<Observable<KvRow>>()
expectType(persistency.stream('tenant', 'c', k)).is<PagedStream<KvRow>>()
for await (const row of job.stream('c', prefixRange(k), { pageSize: 5, reverse: true })) {
  expectType(row).is<KvRow>()
  expectType(row.key).is<Key>()
  expectType(row.payload).is<Uint8Array>()
  // @ts-expect-error rows do not change
  row.key = k
}
for await (const row of persistency.stream('tenant', 'c', k)) expectType(row).is<KvRow>()
// @ts-expect-error a stream is not iterated without waiting
for (const row of job.stream('c', k)) expectType(row).is<KvRow>()
// @ts-expect-error a stream is no Result
job.stream('c', k).isOk()
// @ts-expect-error a page size is a number
job.stream('c', k, { pageSize: '5' })

// The messages of a job

declare const committed: PersistCommittedPayload

const events = new EventBroker(undefined, job.context)
const requests = new RequestBroker(undefined, job.context)
events.listen(PersistEvent, ({ jobId, ops }) => {
  expectType(jobId).is<string>()
  expectType(ops).is<readonly TxOp[]>()
})
events.listen(PersistCommitted, ({ lastSeq }) => expectType(lastSeq).is<number>())
events.listen(PersistFailed, ({ error }) => expectType(error).is<PersistencyError>())
events.listen(JobFailed, ({ error }) => expectType(error).is<PersistencyError>())
events.listen(JobRestarted, (restarted) => expectType(restarted).is<JobRestartedPayload>())
declare const restartedNews: JobRestartedNews
expectType(restartedNews.resent).is<number>()
requests.provide(KvGet, ({ category, key }) => (category === '' ? undefined : key.bytes))
requests.provide(KvScan, () => ({ rows: [], more: false }))
expectType(
  requests
    .requestSync(GetPersistency)
    .map((it) => it.rootDir)
    .unwrapOr('')
).is<string>()

// @ts-expect-error a write that failed has an error
events.emit(PersistFailed, { jobId: 'tenant', seq: 1, ops: [] })
// @ts-expect-error operations are counted, not listed, when they are committed
events.emit(PersistCommitted, { ...committed, ops: [put] })
// @ts-expect-error a page says whether there is more
requests.provide(KvScan, () => ({ rows: [] }))
// @ts-expect-error a payload is bytes
requests.provide(KvGet, () => 'text')
// @ts-expect-error operations in an event do not change
events.listen(PersistEvent, ({ ops }) => void ops.push(put))

// What is forwarded may be left out by the caller.
declare const forwarded: { signal?: AbortSignal; timeoutMs?: number; options?: EventsOptions; stop?: Key }
job.get('c', k, { signal: forwarded.signal, timeoutMs: forwarded.timeoutMs })
job.scan('c', { start: k, stop: forwarded.stop })
persistency.openJob('tenant', { journal: forwarded.options === undefined ? undefined : true })
expectType(persistency.events('tenant', forwarded.options)).is<PagedStream<JournalEvent | CaughtUp>>()
expectType(persistency.events('tenant')).is<PagedStream<JournalEvent>>()
expectType(persistency.watch('tenant', 'c', k)).is<PagedStream<WatchItem>>()
