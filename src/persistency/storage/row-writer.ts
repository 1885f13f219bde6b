/** Owns writing rows into one table of the layout of `kv`. Synchronous; throws what SQLite throws. */
import { bytesEqual } from '../../bytes/compare.js'
import { shortened } from '../describe.js'
import { PersistencyError } from '../errors.js'
import { type KeyRange, prefixRange } from '../keys/key-range.js'
import type { CheckOp, DeletePrefixOp, PutOp, TxOp } from '../types.js'
import { cutPiece, type Pieces } from './pieces.js'
import { inRange } from './range-reader.js'
import type { RowCache } from './row-cache.js'
import type { Statements } from './statements.js'

/** Encoded category names kept at hand; programs use few, hostile ones must not fill the memory. */
const MAX_CACHED_CATEGORIES = 1024

/** How many rows one statement stores, if there are so many: up to twice as fast as one by one. */
const STORED = [64, 32, 8, 1] as const

const VALUES_PER_ROW = 3

export class RowWriter {
  readonly #statements: Statements
  readonly #table: string
  readonly #put: string
  readonly #putMany: ReadonlyMap<number, string>
  readonly #delete: string
  readonly #deleteRange: string
  readonly #get: string
  readonly #categories = new Map<string, Buffer>()
  #lastName = ''
  #lastCategory: Buffer = Buffer.alloc(0)

  readonly #cache: RowCache | undefined

  /**
   * @param table a name of ours, never one from outside
   * @param cache is told which rows change
   */
  constructor(statements: Statements, table: string, cache?: RowCache) {
    this.#statements = statements
    this.#table = table
    this.#cache = cache
    this.#put = `INSERT OR REPLACE INTO ${table} (category, key, payload) VALUES (?, ?, ?)`
    this.#putMany = new Map(STORED.map((rows) => [rows, this.#put + ', (?, ?, ?)'.repeat(rows - 1)]))
    this.#delete = `DELETE FROM ${table} WHERE category = ? AND key = ?`
    this.#deleteRange = `DELETE FROM ${table} WHERE `
    this.#get = `SELECT CAST(payload AS BLOB) FROM ${table} WHERE category = ? AND key = ?`
  }

  /** Applies operations in order. When it throws, any of them may be applied. */
  applyAll(ops: readonly TxOp[]): void {
    for (let at = 0; at < ops.length; ) {
      const puts = putsFrom(ops, at)
      if (puts.length > 0) this.putMany(puts)
      else this.apply(ops[at] as TxOp)
      at += Math.max(1, puts.length)
    }
  }

  /** The same, with a pause wherever others may have their turn. */
  *applyInPieces(ops: readonly TxOp[]): Pieces {
    for (let at = 0; at < ops.length; ) {
      const op = ops[at] as TxOp
      const puts = putsFrom(ops, at, STORED[0])
      if (puts.length > 0) this.putMany(puts)
      else if (op.kind === 'deletePrefix') yield* this.#deleteInPieces(op)
      else this.apply(op)
      at += Math.max(1, puts.length)
      yield
    }
  }

  /** Stores rows in their order. When it throws, any of them may be stored. */
  putMany(puts: readonly PutOp[]): void {
    const values = new Array<Uint8Array>(puts.length * VALUES_PER_ROW)
    let at = 0
    for (const { category, key, payload } of puts) {
      values[at++] = this.category(category)
      values[at++] = key.bytes
      values[at++] = payload
    }
    this.putValues(values)
  }

  /** Stores rows as `putMany` does: category, key and payload of each. */
  putValues(values: readonly Uint8Array[]): void {
    this.#cache?.dropAll(values)
    for (let at = 0; at < values.length; ) {
      const left = (values.length - at) / VALUES_PER_ROW
      const rows = STORED.find((size) => size <= left) as number
      const end = at + rows * VALUES_PER_ROW
      const all = rows === left && at === 0
      this.#statements.get(this.#putMany.get(rows) as string).run(all ? values : values.slice(at, end))
      at = end
    }
  }

  apply(op: TxOp): void {
    switch (op.kind) {
      case 'put': {
        const category = this.category(op.category)
        this.#cache?.drop(category, op.key.bytes)
        this.#statements.get(this.#put).run(category, op.key.bytes, op.payload)
        return
      }
      case 'delete':
        this.remove(this.category(op.category), op.key.bytes)
        return
      case 'deletePrefix': {
        this.#cache?.clear()
        const { where, values } = inRange(this.category(op.category), prefixRange(op.prefix))
        this.#statements.get(this.#deleteRange + where).run(...values)
        return
      }
      case 'check':
        this.#check(op)
        return
      default:
        op satisfies never
    }
  }

  /** Removes a row and answers whether it was there. */
  remove(category: Uint8Array, key: Uint8Array): boolean {
    this.#cache?.drop(category, key)
    return this.#statements.get(this.#delete).run(category, key).changes > 0
  }

  /** The bytes of a category. */
  category(name: string): Buffer {
    if (name === this.#lastName) return this.#lastCategory
    let bytes = this.#categories.get(name)
    if (bytes === undefined) {
      if (this.#categories.size >= MAX_CACHED_CATEGORIES) this.#categories.clear()
      bytes = Buffer.from(name)
      this.#categories.set(name, bytes)
    }
    this.#lastName = name
    this.#lastCategory = bytes
    return bytes
  }

  *#deleteInPieces({ category: name, prefix }: DeletePrefixOp): Pieces {
    this.#cache?.clear()
    const category = this.category(name)
    let range: KeyRange | undefined = prefixRange(prefix)
    while (range !== undefined) {
      const { piece, rest } = cutPiece(this.#statements, this.#table, category, range)
      const { where, values } = inRange(category, piece)
      this.#statements.get(this.#deleteRange + where).run(...values)
      range = rest
      yield
    }
  }

  #check({ category, key, equals }: CheckOp): void {
    const found = this.#statements.get(this.#get, 'pluck').get(this.category(category), key.bytes)
    if (
      equals === undefined ? found === undefined : found !== undefined && bytesEqual(found as Buffer, equals)
    ) {
      return
    }
    const expected = equals === undefined ? 'no row' : `${equals.length} bytes that were expected`
    const actual = found === undefined ? 'there is none' : 'there is another payload'
    const message = `a check did not hold: category ${JSON.stringify(shortened(category))}, key ${shortened(key.toString())}: ${expected}, but ${actual}`
    throw new PersistencyError('ERR_CONFLICT', message, { conflict: { kind: 'check', category, key } })
  }
}

/** The puts that stand in a row, up to so many. */
function putsFrom(ops: readonly TxOp[], start: number, most = Number.POSITIVE_INFINITY): PutOp[] {
  const puts: PutOp[] = []
  for (let at = start; at < ops.length && puts.length < most; at++) {
    const op = ops[at] as TxOp
    if (op.kind !== 'put') break
    puts.push(op)
  }
  return puts
}
