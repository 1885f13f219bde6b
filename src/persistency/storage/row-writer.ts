/** Owns writing rows into one table of the layout of `kv`. Synchronous; throws what SQLite throws. */
import { bytesEqual } from '../../bytes/compare.js'
import { PersistencyError } from '../errors.js'
import { prefixRange } from '../key-range.js'
import type { CheckOp, PutOp, TxOp } from '../types.js'
import { inRange } from './range-reader.js'
import type { Statements } from './statements.js'

/** Encoded category names kept at hand; programs use few, hostile ones must not fill the memory. */
const MAX_CACHED_CATEGORIES = 1024

/** How many rows one statement stores, if there are so many: up to twice as fast as one by one. */
const STORED = [64, 32, 8] as const

export class RowWriter {
  readonly #statements: Statements
  readonly #put: string
  readonly #putMany: readonly string[]
  readonly #delete: string
  readonly #deleteRange: string
  readonly #get: string
  readonly #categories = new Map<string, Buffer>()
  #lastName = ''
  #lastCategory: Buffer = Buffer.alloc(0)

  /** @param table a name of ours, never one from outside */
  constructor(statements: Statements, table: string) {
    this.#statements = statements
    this.#put = `INSERT OR REPLACE INTO ${table} (category, key, payload) VALUES (?, ?, ?)`
    this.#putMany = STORED.map((rows) => this.#put + ', (?, ?, ?)'.repeat(rows - 1))
    this.#delete = `DELETE FROM ${table} WHERE category = ? AND key = ?`
    this.#deleteRange = `DELETE FROM ${table} WHERE `
    this.#get = `SELECT payload FROM ${table} WHERE category = ? AND key = ?`
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

  /** Stores rows in their order. When it throws, any of them may be stored. */
  putMany(puts: readonly PutOp[]): void {
    let at = 0
    for (const [index, rows] of STORED.entries()) {
      for (; at + rows <= puts.length; at += rows) {
        this.#statements.get(this.#putMany[index] as string).run(this.#valuesOf(puts, at, at + rows))
      }
    }
    for (; at < puts.length; at++) this.apply(puts[at] as PutOp)
  }

  #valuesOf(puts: readonly PutOp[], from: number, to: number): Uint8Array[] {
    const values = new Array<Uint8Array>((to - from) * 3)
    for (let next = from, at = 0; next < to; next++) {
      const { category, key, payload } = puts[next] as PutOp
      values[at++] = this.category(category)
      values[at++] = key.bytes
      values[at++] = payload
    }
    return values
  }

  apply(op: TxOp): void {
    switch (op.kind) {
      case 'put':
        this.#statements.get(this.#put).run(this.category(op.category), op.key.bytes, op.payload)
        return
      case 'delete':
        this.#statements.get(this.#delete).run(this.category(op.category), op.key.bytes)
        return
      case 'deletePrefix': {
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

  #check({ category, key, equals }: CheckOp): void {
    const found = this.#statements.get(this.#get, 'pluck').get(this.category(category), key.bytes)
    if (
      equals === undefined ? found === undefined : found !== undefined && bytesEqual(found as Buffer, equals)
    ) {
      return
    }
    const expected = equals === undefined ? 'no row' : `${equals.length} bytes that were expected`
    const actual = found === undefined ? 'there is none' : 'there is another payload'
    const message = `a check did not hold: category ${JSON.stringify(category)}, key ${key.toString()}: ${expected}, but ${actual}`
    throw new PersistencyError('ERR_CONFLICT', message, { conflict: { kind: 'check', category, key } })
  }
}

/** The puts that stand in a row. */
function putsFrom(ops: readonly TxOp[], start: number): PutOp[] {
  const puts: PutOp[] = []
  for (let at = start; at < ops.length; at++) {
    const op = ops[at] as TxOp
    if (op.kind !== 'put') break
    puts.push(op)
  }
  return puts
}
