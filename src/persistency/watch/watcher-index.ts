/**
 * Owns finding the watchers that an operation concerns, among a thousand of them as well: by its category, and those that
 * watch a single row by its key.
 */
import { toHex } from '../../bytes/compare.js'
import type { KeyRange } from '../keys/key-range.js'
import type { ChangeOp, TxOp } from '../types.js'
import { concerns } from './matching.js'
import type { Watcher } from './watcher.js'

interface OfCategory {
  readonly ranges: Set<Watcher>
  /** Those of single rows, by the hex of the key. */
  readonly rows: Map<string, Set<Watcher>>
}

export class WatcherIndex {
  readonly #all = new Set<Watcher>()
  readonly #categories = new Map<string, OfCategory>()

  get all(): ReadonlySet<Watcher> {
    return this.#all
  }

  add(watcher: Watcher): void {
    this.#all.add(watcher)
    const { category, range } = watcher.query
    const of = this.#categories.get(category) ?? { ranges: new Set(), rows: new Map() }
    this.#categories.set(category, of)
    const row = rowOf(range)
    if (row === undefined) of.ranges.add(watcher)
    else of.rows.set(row, (of.rows.get(row) ?? new Set()).add(watcher))
  }

  delete(watcher: Watcher): void {
    if (!this.#all.delete(watcher)) return
    const { category, range } = watcher.query
    const of = this.#categories.get(category) as OfCategory
    const row = rowOf(range)
    const watchers = row === undefined ? of.ranges : (of.rows.get(row) as Set<Watcher>)
    watchers.delete(watcher)
    if (row !== undefined && watchers.size === 0) of.rows.delete(row)
    if (of.ranges.size === 0 && of.rows.size === 0) this.#categories.delete(category)
  }

  /** Whether an operation concerns anybody. */
  concerns(op: TxOp): op is ChangeOp {
    for (const watchers of this.#candidates(op)) {
      for (const { query } of watchers) if (concerns(op, query)) return true
    }
    return false
  }

  /** Those whom any of the operations may concern. */
  concernedBy(ops: readonly ChangeOp[]): ReadonlySet<Watcher> {
    const concerned = new Set<Watcher>()
    for (const op of ops) {
      for (const watchers of this.#candidates(op)) {
        for (const watcher of watchers) if (concerns(op, watcher.query)) concerned.add(watcher)
      }
    }
    return concerned
  }

  #candidates(op: TxOp): readonly Iterable<Watcher>[] {
    const of = this.#categories.get(op.category)
    if (of === undefined) return []
    if (op.kind === 'deletePrefix') return [of.ranges, ...of.rows.values()]
    const row = of.rows.size === 0 ? undefined : of.rows.get(toHex(op.key.bytes))
    return row === undefined ? [of.ranges] : [of.ranges, row]
  }
}

/** The row of a range that holds no other, as `onlyKey` makes it; `undefined` for other ranges. */
function rowOf({ start: { bytes }, stop }: KeyRange): string | undefined {
  const end = stop?.bytes
  if (end?.length !== bytes.length + 1 || end[bytes.length] !== 0) return undefined
  const row = toHex(bytes)
  return toHex(end).startsWith(row) ? row : undefined
}
