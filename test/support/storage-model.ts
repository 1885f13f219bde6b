/** What a job must hold, kept as plainly as possible: one map per category, sorted when it is read. */
import { compareKeys, type Key, type KeyRange, type KvRow, type ScanOptions, type TxOp } from 'persistency'
import { hexOf } from './storage-results.js'

export class SortedModel {
  readonly #categories = new Map<string, Map<string, KvRow>>()

  apply(ops: readonly TxOp[]): void {
    for (const op of ops) {
      if (op.kind === 'check') continue
      const rows = this.#rows(op.category)
      if (op.kind === 'put') rows.set(hexOf(op.key.bytes), { key: op.key, payload: op.payload })
      else if (op.kind === 'delete') rows.delete(hexOf(op.key.bytes))
      else {
        const prefix = hexOf(op.prefix.bytes)
        for (const hex of [...rows.keys()]) if (hex.startsWith(prefix)) rows.delete(hex)
      }
    }
  }

  get(category: string, key: Key): Uint8Array | undefined {
    return this.#rows(category).get(hexOf(key.bytes))?.payload
  }

  scan(category: string, { start, stop }: KeyRange, options: ScanOptions = {}): KvRow[] {
    const open = stop === undefined || stop.length === 0
    const rows = [...this.#rows(category).values()]
      .filter(({ key }) => compareKeys(key, start) >= 0 && (open || compareKeys(key, stop) < 0))
      .sort((a, b) => compareKeys(a.key, b.key))
    if (options.reverse) rows.reverse()
    const limited = rows.slice(0, options.limit ?? rows.length)
    return options.keysOnly ? limited.map(({ key }) => ({ key, payload: new Uint8Array(0) })) : limited
  }

  /** Everything, as `category key=payload` in hex, in the order of the file. */
  rows(): string[] {
    return [...this.#categories.keys()]
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .flatMap((category) =>
        [...this.#rows(category)].sort().map(([hex, { payload }]) => `${category} ${hex}=${hexOf(payload)}`)
      )
  }

  #rows(category: string): Map<string, KvRow> {
    let rows = this.#categories.get(category)
    if (rows === undefined) {
      rows = new Map()
      this.#categories.set(category, rows)
    }
    return rows
  }
}
