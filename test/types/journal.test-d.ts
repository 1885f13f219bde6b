// The journal of a job: what each call answers, and what does not compile.
import { err, ok, okAsync, type ResultAsync } from 'neverthrow'
import {
  type Appended,
  type CaughtUp,
  type ChangeOp,
  defineTable,
  type EventStream,
  int64,
  type Job,
  type JournalEvent,
  type JournalStatus,
  key,
  type PastState,
  type Persistency,
  type PersistencyError,
  retryOnConflict,
  string,
  type TableReads,
  type TxOp
} from 'persistency'
import type { Observable } from 'rxjs'
import { expectType } from './expect-type.js'

declare const job: Job
declare const persistency: Persistency
declare const bytes: Uint8Array
const k = key(1)

// Options

persistency.openJob('tenant', { journal: true })
persistency.openJob('tenant', { journal: { maxEvents: 5, maxAgeMs: 1000, maxBytes: 1 } })
// @ts-expect-error there is no such limit
persistency.openJob('tenant', { journal: { maxRows: 5 } })

// Checks

job.persist([{ kind: 'check', category: 'c', key: k }])
job.persist({ kind: 'check', category: 'c', key: k, equals: undefined })
job.persist({ kind: 'check', category: 'c', key: k, equals: bytes })
// @ts-expect-error null is not bytes
job.persist({ kind: 'check', category: 'c', key: k, equals: null })
// @ts-expect-error a check changes nothing
export const change: ChangeOp = { kind: 'check', category: 'c', key: k }
export const op: TxOp = { kind: 'check', category: 'c', key: k }

export function reasonOf({ conflict }: PersistencyError): string {
  if (conflict === undefined) return ''
  if (conflict.kind === 'stream') return `${conflict.stream} ${conflict.actualSeq.toFixed()}`
  expectType(conflict.kind).is<'check'>()
  return `${conflict.category} ${conflict.key.length}`
}

expectType(retryOnConflict(() => job.persistAcked([]).map(() => 5), { attempts: 3 })).is<
  ResultAsync<number, PersistencyError>
>()
// Errors of any type, and different ends.
expectType(
  retryOnConflict(async (attempt) => {
    if (attempt > 3) return err({ kind: 'tired' } as const)
    const before = await job.get('c', k)
    if (before.isErr()) return err(before.error)
    if (before.value === undefined) return ok(0)
    return job.persistAcked([]).map(() => 'stored' as const)
  })
).is<ResultAsync<number | 'stored', { readonly kind: 'tired' } | PersistencyError>>()
expectType(retryOnConflict((attempt) => (attempt > 3 ? err('tired') : job.flush()))).is<
  ResultAsync<void, 'tired' | PersistencyError>
>()
expectType(retryOnConflict(async () => ok(5))).is<ResultAsync<number, PersistencyError>>()
const again = <T, E>(attempt: () => ResultAsync<T, E>): ResultAsync<T, E | PersistencyError> =>
  retryOnConflict(attempt)
expectType(again(() => okAsync<number, 'own'>(1))).is<ResultAsync<number, 'own' | PersistencyError>>()
// @ts-expect-error an attempt answers a Result
retryOnConflict(async () => 5)
// @ts-expect-error there is no such option
retryOnConflict(() => job.flush(), { times: 3 })

// Appending

expectType(job.append({ type: 'noted' })).is<ResultAsync<Appended, PersistencyError>>()
job.append([{ type: 'noted', data: bytes, metadata: { correlationId: 'c', anything: 'x' } }], {
  stream: 's',
  expectedSeq: 'none',
  ops: [{ kind: 'delete', category: 'c', key: k }],
  idempotencyKey: 'k'
})
job.append({ type: 'noted' }, { stream: 's', expectedSeq: 5 })
// @ts-expect-error an event has a type
job.append({ data: bytes })
// @ts-expect-error data are bytes
job.append({ type: 'noted', data: 'text' })
// @ts-expect-error metadata are texts
job.append({ type: 'noted', metadata: { correlationId: 7 } })
// @ts-expect-error a position is a number, "any" or "none"
job.append({ type: 'noted' }, { stream: 's', expectedSeq: 'first' })
expectType(persistency.append('tenant', { type: 'noted' })).is<ResultAsync<Appended, PersistencyError>>()

// Reading

expectType(job.events()).is<EventStream<JournalEvent>>()
expectType(job.events({ from: 5, stream: 's' })).is<EventStream<JournalEvent>>()
expectType(job.events({ live: true })).is<EventStream<JournalEvent | CaughtUp>>()
expectType(job.events({ live: true }).toObservable()).is<Observable<JournalEvent | CaughtUp>>()
declare const live: boolean
expectType(job.events({ live })).is<EventStream<JournalEvent | CaughtUp>>()

export async function read(): Promise<void> {
  for await (const event of job.events()) {
    if (event.kind === 'write') expectType(event.ops).is<readonly ChangeOp[]>()
    else expectType(event.data).is<Uint8Array>()
    // @ts-expect-error without `live` there is no mark
    if (event.kind === 'caughtUp') return
  }
}

// Looking back

expectType(job.at(5)).is<PastState>()
expectType(job.at(5).get('c', k)).is<ResultAsync<Uint8Array | undefined, PersistencyError>>()
const _reads: Pick<
  Job,
  'get' | 'getDecoded' | 'getMany' | 'exists' | 'count' | 'scan' | 'scanPrefix' | 'stream'
> = job.at(5)
const Counts = defineTable('counts', { key: string, value: int64 })
expectType(job.at(5).table(Counts)).is<TableReads<string, bigint>>()
expectType(job.at(5).table(Counts).get('a')).is<ResultAsync<bigint | undefined, PersistencyError>>()
// @ts-expect-error the past does not change
job.at(5).table(Counts).put('a', 1)
expectType(job.journalStatus()).is<ResultAsync<JournalStatus, PersistencyError>>()
expectType(job.streamSeq('lamps')).is<ResultAsync<number, PersistencyError>>()
expectType(job.findAppend('order 7')).is<ResultAsync<Appended | undefined, PersistencyError>>()
// @ts-expect-error the past cannot be changed
job.at(5).persistPut('c', k, bytes)
job.rebuild({ onProgress: ({ phase, done, total }) => `${phase} ${done / total}` })
job.compareWithJournal({ timeoutMs: 5 }).map(({ differences }) => differences[0]?.key)
