import type { Result, ResultAsync } from 'neverthrow'
import {
  type CheckOp,
  type CodecInput,
  type CodecValue,
  type Commit,
  type DeleteOp,
  type DeletePrefixOp,
  defineTable,
  enumeration,
  int64,
  integer,
  type Job,
  json,
  type Key,
  type KvRow,
  key,
  orderedString,
  type PagedStream,
  type Persistency,
  type PersistencyError,
  type PutOp,
  prefixRange,
  rangeAfter,
  rest,
  string,
  struct,
  type Table,
  type TableDefinition,
  type TableReads,
  type TableRow,
  type TableWatchItem,
  tuple
} from 'persistency'
import { expectType } from './expect-type.js'

declare const job: Job
declare const persistency: Persistency
declare const stored: KvRow

interface Note {
  readonly text: string
}

// Declaring: keys and values are what the codecs give, inputs what they take.

const Notes = defineTable('notes', { key: tuple(string, integer), value: json<Note>() })
expectType(Notes).is<TableDefinition<[string, number], Note, readonly [string, number], Note>>()
expectType(Notes.category).is<string>()
expectType(Notes.key(['ann', 1])).is<Key>()
expectType(Notes.put(['ann', 1], { text: 'a' })).is<PutOp>()
expectType(Notes.delete(['ann', 1])).is<DeleteOp>()
expectType(Notes.row(stored)).is<TableRow<[string, number], Note>>()
expectType([stored].map(Notes.row)).is<TableRow<[string, number], Note>[]>()
Notes.row(Notes.put(['ann', 1], { text: 'a' }))
expectType(Notes.check(['ann', 1], { text: 'a' })).is<CheckOp>()
expectType(Notes.check(['ann', 1])).is<CheckOp>()
Notes.check(['ann', 1], undefined)
expectType(Notes.deletePrefix(key('ann'))).is<DeletePrefixOp>()
expectType(Notes.prefix('ann')).is<Key>()
Notes.prefix()
Notes.prefix('ann', 1)
// @ts-expect-error a check of another value
Notes.check(['ann', 1], 'a')
// @ts-expect-error a prefix of other parts
Notes.prefix(1)
// @ts-expect-error a prefix of too many parts
Notes.prefix('ann', 1, 2)
// @ts-expect-error a prefix of parts that are no first ones
Notes.prefix(undefined, 1)
// @ts-expect-error a key without parts has none of them to give
defineTable('c', { key: string, value: string }).prefix('a')

const Value = struct({ amount: int64, kind: enumeration('in', 'out') })
const Wide = defineTable('wide', { key: int64, value: Value })
expectType(Wide).is<
  TableDefinition<bigint, CodecValue<typeof Value>, number | bigint, CodecInput<typeof Value>>
>()
Wide.put(1, { amount: 5, kind: 'in' })
Wide.put(1n, { amount: 5n, kind: 'out' })
expectType(Wide.row(stored).value.amount).is<bigint>()

expectType(defineTable('c', { key: orderedString, value: rest }).row(stored).value).is<Uint8Array>()
const Own = defineTable('own', {
  key: string,
  value: { encode: (at: Date) => int64.encode(at.getTime()), decode: (bytes) => bytes.length }
})
expectType(Own).is<TableDefinition<string, number, string, Date>>()

// @ts-expect-error a table has a codec for its values
defineTable('c', { key: string })
// @ts-expect-error a table has a category
defineTable({ key: string, value: string })
// @ts-expect-error a codec decodes
defineTable('c', { key: string, value: { encode: (n: number) => int64.encode(n) } })
// @ts-expect-error a key of other parts
Notes.put([1, 'ann'], { text: 'a' })
// @ts-expect-error a key of too few parts
Notes.put(['ann'], { text: 'a' })
// @ts-expect-error a finished key is no key of the table
Notes.put(key('ann', 1), { text: 'a' })
// @ts-expect-error a value without its field
Notes.put(['ann', 1], {})
// @ts-expect-error a value of another shape
Wide.put(1, { amount: '5', kind: 'in' })
// @ts-expect-error an enumeration has other names
Wide.put(1, { amount: 5, kind: 'up' })
// @ts-expect-error what is encoded is no row
Notes.row({ key: ['ann', 1], value: { text: 'a' } })
// @ts-expect-error a definition does not change
Notes.category = 'other'

// Writing

const notes = job.table(Notes)
expectType(notes).is<Table<[string, number], Note, readonly [string, number], Note>>()
expectType(notes.put(['ann', 1], { text: 'a' })).is<ResultAsync<void, PersistencyError>>()
expectType(notes.putAcked(['ann', 1], { text: 'a' }, { timeoutMs: 5 })).is<
  ResultAsync<Commit, PersistencyError>
>()
expectType(notes.delete(['ann', 1])).is<ResultAsync<void, PersistencyError>>()
expectType(notes.deleteAcked(['ann', 1])).is<ResultAsync<boolean, PersistencyError>>()
job.table(Wide).put(1, { amount: 5, kind: 'in' })
job.persist([Notes.put(['ann', 1], { text: 'a' }), Wide.delete(1)])
job.append({ type: 'noted' }, { ops: Notes.put(['ann', 1], { text: 'a' }) })
job.subscription('s', () => Notes.delete(['ann', 1]))

expectType(notes.update(['ann', 1], (before) => ({ text: before?.text ?? '' }))).is<
  ResultAsync<Note, PersistencyError>
>()
expectType(notes.update(['ann', 1], (before) => before)).is<ResultAsync<Note | undefined, PersistencyError>>()
expectType(job.table(Wide).update(1, (before) => ({ amount: (before?.amount ?? 0n) + 1n, kind: 'in' }))).is<
  ResultAsync<CodecValue<typeof Value>, PersistencyError>
>()
notes.update(['ann', 1], () => undefined, { attempts: 3, timeoutMs: 5, signal: AbortSignal.abort() })
expectType(notes.deletePrefix(Notes.prefix('ann'))).is<ResultAsync<void, PersistencyError>>()
expectType(notes.deletePrefixAcked(key('ann'), { timeoutMs: 5 })).is<ResultAsync<Commit, PersistencyError>>()

// @ts-expect-error there may be no such row
notes.update(['ann', 1], (before) => ({ text: before.text }))
// @ts-expect-error a change answers its value at once
notes.update(['ann', 1], async () => ({ text: 'a' }))
// @ts-expect-error a change that answers nothing is none
notes.update(['ann', 1], (before) => {
  if (before !== undefined) console.log(before)
})
// @ts-expect-error an option of no known name
notes.update(['ann', 1], () => ({ text: 'a' }), { patience: 5 })
// @ts-expect-error a prefix is a key, and not its parts
notes.deletePrefix(['ann'])
// @ts-expect-error the value is missing
notes.put(['ann', 1])
// @ts-expect-error a value of another type
notes.putAcked(['ann', 1], 'a')
// @ts-expect-error a key of another type
notes.deleteAcked('ann')
// @ts-expect-error accepted is not committed
notes.put(['ann', 1], { text: 'a' }).map((commit: Commit) => commit.seq)
// @ts-expect-error an option of no known name
notes.putAcked(['ann', 1], { text: 'a' }, { patience: 5 })

// Reading

expectType(notes.get(['ann', 1])).is<ResultAsync<Note | undefined, PersistencyError>>()
expectType(notes.getMany([['ann', 1]] as const)).is<ResultAsync<(Note | undefined)[], PersistencyError>>()
expectType(notes.exists(['ann', 1])).is<ResultAsync<boolean, PersistencyError>>()
expectType(notes.count()).is<ResultAsync<number, PersistencyError>>()
notes.getMany(
  [
    ['ann', 1],
    ['bob', 2]
  ],
  { timeoutMs: 5 }
)
notes.count(key('ann'), { timeoutMs: 5 })
expectType(job.table(Wide).get(1)).is<ResultAsync<CodecValue<typeof Value> | undefined, PersistencyError>>()

type Row = TableRow<[string, number], Note>
type KeyOnly = { readonly key: [string, number] }
declare const keysOnly: boolean
expectType(notes.scan()).is<ResultAsync<Row[], PersistencyError>>()
expectType(notes.scan(key('ann'))).is<ResultAsync<Row[], PersistencyError>>()
expectType(notes.scan(prefixRange(key('ann')), { reverse: true, limit: 5, timeoutMs: 5 })).is<
  ResultAsync<Row[], PersistencyError>
>()
expectType(notes.scan(key(), { keysOnly: false })).is<ResultAsync<Row[], PersistencyError>>()
expectType(notes.scan(key(), { keysOnly: true })).is<ResultAsync<KeyOnly[], PersistencyError>>()
expectType(notes.scan(key(), { keysOnly })).is<ResultAsync<(Row | KeyOnly)[], PersistencyError>>()

// @ts-expect-error a key of the table is no range
notes.scan(['ann', 1])
// @ts-expect-error there may be nothing left of the range, which is not all of it
notes.scan(rangeAfter(key('ann'), key('ann', 1)))
// @ts-expect-error the same of a stream
notes.stream(rangeAfter(key('ann'), key('ann', 1)))
// @ts-expect-error the same of a count
notes.count(rangeAfter(key('ann'), key('ann', 1)))
// @ts-expect-error options come behind the range
notes.scan({ reverse: true })
// @ts-expect-error a page size is for streams
notes.scan(key(), { pageSize: 5 })
// @ts-expect-error a row may not be there
notes.get(['ann', 1]).map((found) => found.text)
// @ts-expect-error rows of keysOnly have no value
notes.scan(key(), { keysOnly: true }).map(([first]) => first?.value)
// @ts-expect-error a count has no limit
notes.count(key(), { limit: 5 })

for await (const row of notes.stream(key('ann'), { pageSize: 5 })) {
  expectType(row).is<Row>()
  // @ts-expect-error rows do not change
  row.value = { text: '' }
}
for await (const row of notes.stream()) expectType(row.value.text).is<string>()
for await (const row of notes.stream(key(), { keysOnly: true })) expectType(row).is<KeyOnly>()
for await (const row of notes.stream(key(), { keysOnly })) expectType(row).is<Row | KeyOnly>()
// @ts-expect-error a stream is no Result
notes.stream().isOk()

// Watching

expectType(notes.watch()).is<PagedStream<TableWatchItem<[string, number], Note>>>()
for await (const item of notes.watch(key('ann'), { initial: true, signal: AbortSignal.abort() })) {
  if (item.kind !== 'changes') {
    expectType(item.rows).is<readonly Row[]>()
    continue
  }
  for (const change of item.changes) {
    if (change.kind === 'deletePrefix') expectType(change.prefix).is<Key>()
    else expectType(change.key).is<[string, number]>()
    if (change.kind === 'put') expectType(change.value).is<Note>()
  }
}
// @ts-expect-error options come behind the range
notes.watch({ initial: true })
// @ts-expect-error the past is not watched
job.at(5).table(Notes).watch()

// By the id of the job

expectType(persistency.table('tenant', Notes)).is<
  Result<Table<[string, number], Note, readonly [string, number], Note>, PersistencyError>
>()
// @ts-expect-error the id of the job comes first
persistency.table(Notes)

// For those who pass tables on

export function textsOf(table: Table<[string, number], Note>): ResultAsync<string[], PersistencyError> {
  return table.scan().map((rows) => rows.map(({ value }) => value.text))
}
textsOf(notes)
// @ts-expect-error a table of other rows
textsOf(job.table(Wide))
export const reader: TableReads<[string, number], Note> = notes
// @ts-expect-error who reads does not write
reader.put(['ann', 1], { text: 'a' })
