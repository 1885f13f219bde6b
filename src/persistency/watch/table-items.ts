/** Owns what a watcher of a table is told: what `Job.watch` tells, with keys and values in place of bytes. */
import { unwrap } from '../../brokers/unwrap.js'
import type { Key } from '../keys/keys.js'
import { type Reads, readKey, readRow, type TableRow } from '../tables/table-definition.js'
import type { ChangeOp } from '../types.js'
import type { WatchedChanges, WatchedState, WatchItem } from './types.js'

/** A change of a table. The prefix of a `deletePrefix` stays in bytes: it may end anywhere in a key. */
export type TableChange<K, V> =
  | { readonly kind: 'put'; readonly key: K; readonly value: V }
  | { readonly kind: 'delete'; readonly key: K }
  | { readonly kind: 'deletePrefix'; readonly prefix: Key }

/** As {@link WatchedState}: all watched rows as of one moment. */
export interface WatchedTableState<K, V> extends Omit<WatchedState, 'rows'> {
  /** In key order. */
  readonly rows: readonly TableRow<K, V>[]
}

/** As {@link WatchedChanges}: the changes of one batch. */
export interface WatchedTableChanges<K, V> extends Omit<WatchedChanges, 'changes'> {
  /** In the order in which they were applied. */
  readonly changes: readonly TableChange<K, V>[]
}

/** What a watcher of a table is told. */
export type TableWatchItem<K, V> = WatchedTableState<K, V> | WatchedTableChanges<K, V>

/** @throws PersistencyError `ERR_VALUE` for what the codecs cannot read */
export function readWatchItem<K, V>(table: Reads<K, V>, item: WatchItem): TableWatchItem<K, V> {
  return item.kind === 'changes'
    ? { ...item, changes: item.changes.map((op) => readChange(table, op)) }
    : { ...item, rows: item.rows.map((row) => unwrap(readRow(table, row))) }
}

function readChange<K, V>(table: Reads<K, V>, op: ChangeOp): TableChange<K, V> {
  switch (op.kind) {
    case 'put':
      return { kind: 'put', ...unwrap(readRow(table, op)) }
    case 'delete':
      return { kind: 'delete', key: unwrap(readKey(table, op.key)) }
    case 'deletePrefix':
      return { kind: 'deletePrefix', prefix: op.prefix }
  }
}
