/** Owns changing a row of a table to what a function makes of it, against whoever changes it at the same time. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { Lines } from '../runtime/lines.js'
import { isThenable } from '../runtime/thenable.js'
import { checkOptions, positiveMs } from './checks/options.js'
import type { PersistencyError } from './errors.js'
import { RETRY_CHECKS, type RetryOptions, retryOnConflict } from './journal/retry-on-conflict.js'
import type { Key } from './keys/keys.js'
import { readValue, type TableDefinition } from './tables/table-definition.js'
import { whenEncoded } from './tables/table-reads.js'
import type { AckOptions, Commit, ReadOptions, TxOp } from './types.js'

type Answer<T> = ResultAsync<T, PersistencyError>

/** How often to try an update, and how long to wait. */
export interface UpdateOptions extends RetryOptions {
  /** Time limit of each read and each write, in milliseconds. Default: those of `get` and of `putAcked`. */
  readonly timeoutMs?: number | undefined
}

/** What an update makes of the value of a row, `undefined` when there is none; `undefined` leaves the row as it is. */
export type RowChange<V, ValueInput> = (before: V | undefined) => ValueInput | undefined

/** Where the row is. */
export interface UpdatedRows {
  get(category: string, key: Key, options?: ReadOptions): Answer<Uint8Array | undefined>
  persistAcked(ops: readonly TxOp[], options?: AckOptions): Answer<Commit>
}

const UPDATE_CHECKS = { ...RETRY_CHECKS, timeoutMs: positiveMs }

/** Without it updates of one process would only get in the way of each other. */
const updates = new Lines()

/** Answers the value that the row has then. Rejects with what `change` throws. */
export function updateRow<K, V, KeyInput, ValueInput>(
  rows: UpdatedRows,
  table: TableDefinition<K, V, KeyInput, ValueInput>,
  input: KeyInput,
  change: RowChange<V, ValueInput>,
  options: UpdateOptions | undefined
): Answer<V | undefined> {
  const checked = checkOptions<UpdateOptions>(options, UPDATE_CHECKS)
  if (checked.isErr()) return errAsync(checked.error)
  const { timeoutMs, ...retry } = checked.value
  const patience = { timeoutMs, signal: retry.signal }
  const { category } = table
  const update = (key: Key) => async (): Promise<Result<V | undefined, PersistencyError>> => {
    const found = await rows.get(category, key, patience)
    if (found.isErr()) return err(found.error)
    // A codec of yours may hand out the bytes themselves, to be changed.
    const equals = found.value && new Uint8Array(found.value)
    const before = found.value === undefined ? ok(undefined) : readValue(table, key, found.value)
    if (before.isErr()) return err(before.error)
    const after = change(before.value)
    if (after === undefined) return ok(before.value)
    if (isThenable(after))
      throw new TypeError('the change of a row answers its value at once, and no promise')
    return await whenEncoded(
      () => table.put(input, after),
      (put) =>
        // As it will be read: a codec may keep less of a value.
        readValue(table, key, put.payload).asyncAndThen((value) =>
          rows.persistAcked([{ kind: 'check', category, key, equals }, put], patience).map(() => value)
        )
    )
  }
  return whenEncoded(
    () => table.key(input),
    (key) =>
      new ResultAsync(
        updates.behind(rows, `${key} ${category}`, async () => await retryOnConflict(update(key), retry))
      )
  )
}
