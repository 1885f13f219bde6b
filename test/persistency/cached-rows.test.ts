/** What a store reads from its cache of rows is what lies in the file, whoever has changed it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { key, rawKey, type TxOp } from 'persistency'
import { openDatabase } from '../../dist/persistency/storage/files/database-file.js'
import { mend } from '../../dist/persistency/storage/journal/plain-rows.js'
import { SqliteStore } from '../../dist/persistency/storage/sqlite-store.js'
import { hexOf, textOf, utf8 } from '../support/storage-results.js'

const directory = mkdtempSync(join(tmpdir(), 'cached-rows-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const OPTIONS = { durability: 'off', cacheSizeBytes: 1 << 20, mmapSizeBytes: 0 } as const
const PATIENT = { busyTimeoutMs: 0, urgent: (): boolean => true }

const seed = Number(process.env['PERSISTENCY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

let files = 0
function openStore(rowCacheBytes = 1 << 20): { store: SqliteStore; other: Database.Database } {
  const file = join(directory, `${files++}.db`)
  writeFileSync(file, '')
  const store = new SqliteStore(openDatabase({ file, options: OPTIONS }, PATIENT), PATIENT, { rowCacheBytes })
  return { store, other: new Database(file) }
}

function write(store: SqliteStore, ...ops: TxOp[]): void {
  store.begin()
  store.write(ops)
  store.commit()
}

const put = (n: number, text: string): TxOp => ({
  kind: 'put',
  category: 'c',
  key: key(n),
  payload: utf8(text)
})

/** Reads a row as one of many, because one alone always comes from the database. */
const get = (store: SqliteStore, n: number): string | undefined =>
  textOf(store.getMany('c', [key(n)]).payloads[0])

/** Changes a payload as another tool would. */
const change = (db: Database.Database, text: string): void => {
  db.prepare('UPDATE kv SET payload = ?').run(Buffer.from(text))
}

describe('a row that was read before is read', () => {
  test('without the database, as long as nothing has changed', () => {
    const { store } = openStore()
    write(store, put(1, 'one'))
    expect(get(store, 1)).toBe('one')
    // Only this connection sees what is not committed: the cache does not know of it, and nor would another program.
    store.connection.exec("UPDATE kv SET payload = x'00'")
    expect(get(store, 1)).toBe('one')
    expect(store.getMany('c', [key(1)]).payloads.map(textOf)).toEqual(['one'])
  })

  test('from the database without a cache', () => {
    const { store } = openStore(0)
    write(store, put(1, 'one'))
    expect(get(store, 1)).toBe('one')
    store.connection.exec("UPDATE kv SET payload = x'41'")
    expect(get(store, 1)).toBe('A')
    expect(store.getMany('c', [key(1)]).payloads.map(textOf)).toEqual(['A'])
  })

  test('anew after another connection has written', () => {
    const { store, other } = openStore()
    write(store, put(1, 'one'))
    expect(get(store, 1)).toBe('one')
    change(other, 'two')
    expect(get(store, 1)).toBe('two')
    expect(get(store, 1)).toBe('two')
    change(other, 'three')
    expect(store.getMany('c', [key(1), key(2)]).payloads.map(textOf)).toEqual(['three', undefined])
  })

  test('as it was before a transaction that was rolled back', () => {
    const { store } = openStore()
    write(store, put(1, 'one'))
    expect(get(store, 1)).toBe('one')
    store.begin()
    store.write([put(1, 'never')])
    expect(get(store, 1)).toBe('never')
    expect(store.getMany('c', [key(1)]).payloads.map(textOf)).toEqual(['never'])
    store.rollback()
    expect(get(store, 1)).toBe('one')
  })

  test('anew after it was mended, behind the back of the journal', () => {
    const { store } = openStore()
    write(store, put(1, 'one'), put(2, 'two'))
    expect([get(store, 1), get(store, 2)]).toEqual(['one', 'two'])
    store.begin()
    const category = utf8('c')
    mend(store, [[category, key(1).bytes, utf8('mended')]], [[category, key(2).bytes, utf8('')]])
    store.commit()
    expect([get(store, 1), get(store, 2)]).toEqual(['mended', undefined])
  })

  test('anew where a trigger changes rows, made before the file was opened or later', () => {
    const { store, other } = openStore()
    write(store, put(1, 'one'), put(2, 'two'))
    expect([get(store, 1), get(store, 2)]).toEqual(['one', 'two'])
    other.exec(`CREATE TRIGGER meddle AFTER INSERT ON kv WHEN NEW.payload = x'41'
      BEGIN UPDATE kv SET payload = x'42'; END`)
    write(store, put(1, 'A'))
    expect([get(store, 1), get(store, 2)]).toEqual(['B', 'B'])
    write(store, put(2, 'two'))
    expect([get(store, 1), get(store, 2)]).toEqual(['B', 'two'])
    write(store, put(1, 'A'))
    expect([get(store, 1), get(store, 2)]).toEqual(['B', 'B'])
  })
})

test('a unique index of somebody else has rows replaced that are not written, and is reckoned with', () => {
  const { store, other } = openStore()
  other.exec('CREATE UNIQUE INDEX payloads ON kv (payload)')
  write(store, put(1, 'one'))
  expect(get(store, 1)).toBe('one')
  write(store, put(2, 'one'))
  expect([get(store, 1), get(store, 2)]).toEqual([undefined, 'one'])
  other.exec('DROP INDEX payloads')
  // From here on rows are kept again.
  expect(get(store, 2)).toBe('one')
  store.connection.exec("UPDATE kv SET payload = x'00'")
  expect(get(store, 2)).toBe('one')
})

test('rows that are read after another connection has written stay', () => {
  const { store, other } = openStore()
  write(store, put(1, 'one'), put(2, 'two'))
  expect(get(store, 1)).toBe('one')
  change(other, 'changed')
  expect([get(store, 2), get(store, 1)]).toEqual(['changed', 'changed'])
  store.connection.exec("UPDATE kv SET payload = x'00'")
  expect([get(store, 2), get(store, 1)]).toEqual(['changed', 'changed'])
})

test('large answers of rows that were read before come in pieces', () => {
  const { store } = openStore(32 * 1024 * 1024)
  const text = 'x'.repeat(100_000)
  write(store, put(1, text), put(2, 'two'))
  const keys = Array.from({ length: 50 }, (_, n) => key(n % 3))
  const expected = Array.from({ length: 50 }, (_, n) => [undefined, text, 'two'][n % 3])
  for (let round = 0; round < 4; round++) {
    const found = store.getMany('c', keys)
    expect(found.payloads.map(textOf)).toEqual(expected)
    // Read twice, a large row is kept; then it is merged with others.
    if (round === 3) expect(found.parts.map(({ length }) => Math.ceil(length / 2 ** 20))).toEqual([2, 1])
  }
})

test('many rows, some of them read before, some not there, come in the order of their keys', () => {
  const { store } = openStore()
  const text = (n: number): string => 'x'.repeat(n * 3)
  write(store, ...Array.from({ length: 300 }, (_, n) => put(n, text(n))))
  const numbers = Array.from({ length: 400 }, (_, n) => (n * 7) % 350)
  for (let round = 0; round < 3; round++) {
    for (let n = round; n < 300; n += 5) expect(get(store, n)).toBe(text(n))
    const found = store
      .getMany(
        'c',
        numbers.map((n) => key(n))
      )
      .payloads.map(textOf)
    expect(found).toEqual(numbers.map((n) => (n < 300 ? text(n) : undefined)))
  }
})

// Few keys, so that most of what is read was read before.
const anyKey = fc.integer({ min: 0, max: 7 })
const anyOp: fc.Arbitrary<TxOp> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(anyKey, fc.string({ maxLength: 4 })).map(([n, text]) => put(n, text)) },
  {
    weight: 2,
    arbitrary: anyKey.map((n): TxOp => ({ kind: 'delete', category: 'c', key: key(n) }))
  },
  {
    weight: 1,
    arbitrary: fc.constant<TxOp>({ kind: 'deletePrefix', category: 'c', prefix: rawKey(new Uint8Array(0)) })
  },
  { weight: 1, arbitrary: anyKey.map((n): TxOp => ({ kind: 'check', category: 'c', key: key(n) })) }
)
const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ read: fc.array(anyKey, { minLength: 1, maxLength: 10 }) }) },
  { weight: 4, arbitrary: fc.record({ ops: fc.array(anyOp, { minLength: 1, maxLength: 4 }) }) },
  { weight: 2, arbitrary: fc.record({ row: fc.tuple(anyKey, fc.string({ maxLength: 4 })) }) },
  { weight: 1, arbitrary: fc.record({ end: fc.constantFrom('commit' as const, 'rollback' as const) }) },
  { weight: 1, arbitrary: fc.record({ others: fc.string({ maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ together: fc.array(anyKey, { minLength: 1, maxLength: 4 }) }) }
)

test(`after any steps, what is read is what the connection sees (seed ${seed})`, () => {
  const steps = fc.array(anyStep, { minLength: 20, maxLength: 200 })
  let read = 0
  const property = fc.property(steps, fc.constantFrom(200, 2000, 1 << 20), (sequence, bytes) => {
    const { store, other } = openStore(bytes)
    const plain = store.connection.prepare('SELECT payload FROM kv WHERE key = ?').pluck()
    const expected = (n: number): string | undefined => {
      const payload = plain.get(key(n).bytes) as Buffer | undefined
      return payload && hexOf(payload)
    }
    const hex = (payload: Uint8Array | undefined): string | undefined => payload && hexOf(payload)
    const compare = (numbers: readonly number[]): void => {
      read += numbers.length
      const many = store.getMany(
        'c',
        numbers.map((n) => key(n))
      )
      expect(many.payloads.map(hex)).toEqual(numbers.map(expected))
      for (const n of numbers) expect(hex(store.get('c', key(n)))).toBe(expected(n))
    }
    const begin = (): void => {
      if (!store.inTransaction) store.begin()
    }
    for (const step of sequence) {
      if ('read' in step) compare(step.read)
      else if ('ops' in step) {
        begin()
        try {
          store.write(step.ops)
        } catch {
          // A check that does not hold: the transaction goes on without these.
        }
      } else if ('row' in step) {
        begin()
        store.writeRows([put(...step.row) as TxOp & { kind: 'put' }])
      } else if ('end' in step) {
        if (store.inTransaction) store[step.end]()
      } else if ('others' in step) {
        if (!store.inTransaction) change(other, step.others)
      } else if (store.inTransaction) compare(step.together)
      else store.consistently(() => compare(step.together))
    }
    store.rollback()
    compare([0, 1, 2, 3, 4, 5, 6, 7])
    store.close()
    other.close()
  })
  fc.assert(property, { seed, numRuns: 60 })
  expect(read).toBeGreaterThan(1000)
})
