import { inspect } from 'node:util'
import { describe, expect, test } from '@jest/globals'
import {
  defineTable,
  int64,
  integer,
  type Job,
  json,
  Key,
  key,
  orderedString,
  type PersistencyError,
  prefixRange,
  rangeAfter,
  rest,
  string,
  tuple
} from 'persistency'
import { all } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { type Answer, errorOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

interface Note {
  readonly text: string
}

const Notes = defineTable('notes', { key: tuple(string, integer), value: json<Note>() })
const Balances = defineTable('balances', { key: string, value: int64 })

const note = (text: string): Note => ({ text })

/** Ann has three notes and Bob one. */
async function written() {
  const opened = await storage.open()
  const notes = opened.job.table(Notes)
  for (const [owner, n] of [
    ['ann', 1],
    ['ann', 2],
    ['bob', 1],
    ['ann', 3]
  ] as const) {
    await okOf(notes.put([owner, n], note(`${owner} ${n}`)))
  }
  return { ...opened, notes }
}

const row = (owner: string, n: number) => ({ key: [owner, n], value: note(`${owner} ${n}`) })
const ROWS = [row('ann', 1), row('ann', 2), row('ann', 3), row('bob', 1)]

describe('a table', () => {
  test('keeps rows as its codecs encode them', async () => {
    const { job, notes } = await written()
    const stored = await okOf(job.get('notes', key('ann', 1)))
    expect(textOf(stored)).toBe('{"text":"ann 1"}')
    await okOf(job.persistPut('notes', key('eve', 1), utf8('{"text":"from outside"}')))
    expect(await okOf(notes.get(['eve', 1]))).toEqual(note('from outside'))
  })

  test('takes what codecs take and gives what they give', async () => {
    const { job } = await storage.open()
    const balances = job.table(Balances)
    await okOf(balances.put('ann', 5))
    expect(await okOf(balances.get('ann'))).toBe(5n)
  })

  test('removes all rows under a prefix', async () => {
    const { job, notes } = await written()
    await okOf(notes.deletePrefix(Notes.prefix('ann')))
    expect(await okOf(notes.scan())).toEqual([row('bob', 1)])
    await okOf(notes.put(['eve', 1], note('eve 1')))
    expect(await okOf(notes.deletePrefixAcked(key('eve', 1), { timeoutMs: 60_000 }))).toEqual({
      seq: 7,
      ops: 1
    })
    expect(await okOf(notes.scan())).toEqual([row('bob', 1)])
    await okOf(job.persistAcked([Notes.deletePrefix(key()), Notes.put(['eve', 2], note('eve 2'))]))
    expect(await okOf(notes.scan())).toEqual([row('eve', 2)])
    for (const bad of [undefined, ['eve'], 'eve'] as never[]) {
      const calls: Answer<unknown>[] = [notes.deletePrefix(bad), notes.deletePrefixAcked(bad)]
      for (const call of calls) expect((await errorOf(call)).code).toBe('ERR_KEY')
    }
    expect(await okOf(notes.count())).toBe(1)
  })

  test('is shown by its name', async () => {
    const { job, notes } = await written()
    expect(inspect({ notes })).toBe('{ notes: Table notes of job tenant }')
    expect(inspect([job.at(0).table(Notes), Notes])).toBe('[ TableReads notes, TableDefinition notes ]')
    expect(inspect(Notes.codecs)).toBe('{ key: Codec tuple(string, integer), value: Codec json }')
    expect(inspect(orderedString)).toBe('Codec orderedString')
  })

  test('is not taken for a value that cannot be encoded when its methods are called without it', async () => {
    const { job } = await storage.open()
    const table = job.table(Balances)
    const { put, putAcked, delete: remove, deleteAcked, deletePrefix, get, getMany, exists, update } = table
    const calls = [
      () => deletePrefix(key()),
      () => update('ann', () => 1),
      () => put('ann', 1),
      () => putAcked('ann', 1),
      ...[remove, deleteAcked, get, exists].map((call) => () => call('ann')),
      () => getMany(['ann'])
    ]
    for (const call of calls) expect(call).toThrow(TypeError)
  })

  test('waits for the commit where it says so', async () => {
    const { job } = await storage.open()
    const balances = job.table(Balances)
    expect(await okOf(balances.putAcked('ann', 1))).toEqual({ seq: 1, ops: 1 })
    expect(await okOf(balances.putAcked('bob', 1, { timeoutMs: 60_000 }))).toEqual({ seq: 2, ops: 1 })
    expect(await okOf(balances.deleteAcked('bob'))).toBe(true)
    expect(await okOf(balances.deleteAcked('bob'))).toBe(false)
    expect(job.queued.ops).toBe(0)
  })

  test('reads single rows, and none where there is none', async () => {
    const { notes } = await written()
    expect(await okOf(notes.get(['ann', 2]))).toEqual(note('ann 2'))
    expect(await okOf(notes.get(['ann', 9]))).toBe(undefined)
    const found = await okOf(
      notes.getMany([
        ['bob', 1],
        ['ann', 9],
        ['ann', 1]
      ])
    )
    expect(found).toEqual([note('bob 1'), undefined, note('ann 1')])
    expect([await okOf(notes.exists(['bob', 1])), await okOf(notes.exists(['bob', 2]))]).toEqual([
      true,
      false
    ])
  })

  test('removes rows', async () => {
    const { notes } = await written()
    await okOf(notes.delete(['ann', 2]))
    await okOf(notes.delete(['nobody', 0]))
    expect(await okOf(notes.scan(key('ann')))).toEqual([row('ann', 1), row('ann', 3)])
  })

  test('reads all rows, those of a prefix, and those of a range', async () => {
    const { notes } = await written()
    expect(await okOf(notes.scan())).toEqual(ROWS)
    expect(await okOf(notes.scan(key('bob')))).toEqual([row('bob', 1)])
    expect(await okOf(notes.scan({ start: Notes.key(['ann', 3]) }))).toEqual(ROWS.slice(2))
    const { start, stop } = prefixRange(key('ann'))
    expect(await okOf(notes.scan({ start, stop }, { reverse: true, limit: 2 }))).toEqual([
      row('ann', 3),
      row('ann', 2)
    ])
    expect(await all(notes.stream())).toEqual(ROWS)
    expect(await all(notes.stream(key('ann'), { pageSize: 1, reverse: true }))).toEqual(
      ROWS.slice(0, 3).reverse()
    )
    expect([await okOf(notes.count()), await okOf(notes.count(key('ann')))]).toEqual([4, 3])
    expect(await okOf(notes.scan(key(), { copy: true, limit: 1 }))).toEqual(ROWS.slice(0, 1))
  })

  test('has no values in the rows of keysOnly', async () => {
    const { notes } = await written()
    const keys = ROWS.map((at) => ({ key: at.key }))
    expect(await okOf(notes.scan(key(), { keysOnly: true }))).toEqual(keys)
    expect(await all(notes.stream(key(), { keysOnly: true, pageSize: 2 }))).toEqual(keys)
    expect(await okOf(notes.scan(key(), { keysOnly: false }))).toEqual(ROWS)
    for (const at of await okOf(notes.scan(key(), { keysOnly: true }))) expect(at).not.toHaveProperty('value')
  })

  test('is read page by page with the keys of its rows', async () => {
    const { notes } = await written()
    const first = await okOf(notes.scan(key('ann'), { limit: 2 }))
    const after = rangeAfter(key('ann'), Notes.key(first[1]!.key))
    expect(await okOf(notes.scan(after!, { limit: 2 }))).toEqual([row('ann', 3)])
  })

  test('does not take what is left behind the last row for all rows', async () => {
    const { notes } = await written()
    const nothing = rangeAfter(key('ann'), key('bob')) as never
    const calls: Answer<unknown>[] = [notes.scan(nothing), notes.scan(nothing, {}), notes.count(nothing)]
    for (const call of calls) expect((await errorOf(call)).code).toBe('ERR_RANGE')
    await expect(all(notes.stream(nothing))).rejects.toMatchObject({ code: 'ERR_RANGE' })
  })

  test('streams again from the start, and ends when its reader leaves', async () => {
    const { notes } = await written()
    const rows = notes.stream(key(), { pageSize: 1 })
    for await (const { value } of rows) {
      expect(value).toEqual(note('ann 1'))
      break
    }
    expect(await all(rows)).toEqual(ROWS)
    const iterator = rows[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.return?.()
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })

  test.each([
    ['without', { journal: false }],
    ['with', { journal: true }]
  ])('is watched with keys and values, %s a journal', async (_, options) => {
    const { job } = await storage.open(options)
    const notes = job.table(Notes)
    await okOf(notes.putAcked(['ann', 1], note('old')))
    const items = notes.watch(key('ann'), { initial: true })[Symbol.asyncIterator]()
    expect((await items.next()).value).toMatchObject({
      kind: 'initial',
      rows: [{ key: ['ann', 1], value: note('old') }]
    })
    await okOf(
      job.persistAcked([
        Notes.put(['ann', 2], note('new')),
        Notes.put(['bob', 1], note('not watched')),
        Notes.delete(['ann', 1]),
        { kind: 'deletePrefix', category: 'notes', prefix: key('ann') }
      ])
    )
    const { value } = await items.next()
    const at = options.journal ? { journalSeq: 2 } : { seq: 2 }
    expect(value).toEqual({
      kind: 'changes',
      ...at,
      changes: [
        { kind: 'put', key: ['ann', 2], value: note('new') },
        { kind: 'delete', key: ['ann', 1] },
        { kind: 'deletePrefix', prefix: key('ann') }
      ]
    })
    await items.return?.()
  })

  test('is watched whole without a range, each time anew, and as an Observable', async () => {
    const { notes } = await written()
    const seen: unknown[] = []
    const items = notes.watch(key(), { initial: true })
    const watching = items.toObservable().subscribe((item) => seen.push(item))
    const whole = notes.watch()[Symbol.asyncIterator]()
    const first = whole.next()
    for await (const item of items) {
      expect(item).toEqual({ kind: 'initial', rows: ROWS })
      break
    }
    await okOf(notes.putAcked(['bob', 2], note('more')))
    const more = { kind: 'changes', changes: [{ kind: 'put', key: ['bob', 2], value: note('more') }] }
    expect((await first).value).toMatchObject(more)
    while (seen.length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([{ kind: 'initial', rows: ROWS }, expect.objectContaining(more)])
    watching.unsubscribe()
    const next = whole.next()
    await whole.return?.()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  test('refuses to watch a range that is none, and ends with the signal and the job', async () => {
    const { job, notes } = await written()
    await expect(all(notes.watch(undefined as never))).rejects.toMatchObject({ code: 'ERR_RANGE' })
    const { signal } = new AbortController()
    await expect(all(notes.watch(key(), { from: 0 }))).rejects.toMatchObject({ code: 'ERR_OPTION' })
    await expect(all(notes.watch(key(), { signal: AbortSignal.abort() }))).rejects.toMatchObject({
      code: 'ERR_ABORTED'
    })
    const watched = all(notes.watch(key(), { signal }))
    await okOf(job.close())
    expect(await watched).toEqual([])
  })

  test('is one for each job', async () => {
    const { persistency, notes } = await written()
    const other = (await okOf(persistency.openJob('other'))).table(Notes)
    expect(await okOf(other.count())).toBe(0)
    expect(await okOf(notes.count())).toBe(4)
  })

  test('is found by the id of an open job', async () => {
    const { persistency } = await written()
    const notes = await okOf(persistency.table('tenant', Notes))
    expect(await okOf(notes.get(['bob', 1]))).toEqual(note('bob 1'))
    expect((await errorOf(persistency.table('nobody', Notes))).code).toBe('ERR_JOB_NOT_FOUND')
  })

  test('answers as its job does to options and once that is closed', async () => {
    const { job, notes } = await written()
    const signal = AbortSignal.abort()
    const at = ['ann', 1] as const
    const codes = async (calls: Answer<unknown>[]) =>
      new Set(await Promise.all(calls.map(async (call) => (await errorOf(call)).code)))
    const calls = (options: never) => [
      ...[notes.putAcked(at, note(''), options), notes.deleteAcked(at, options), notes.get(at, options)],
      ...[notes.getMany([at], options), notes.exists(at, options), notes.count(key(), options)],
      notes.scan(key(), options)
    ]
    expect(await codes(calls({ signal } as never))).toEqual(new Set(['ERR_ABORTED']))
    expect(await codes(calls({ patience: 1 } as never))).toEqual(new Set(['ERR_OPTION']))
    const hostile = Object.defineProperty({}, 'keysOnly', {
      enumerable: true,
      get: () => {
        throw new Error('unreadable')
      }
    }) as never
    expect(await codes([notes.scan(key(), hostile)])).toEqual(new Set(['ERR_OPTION']))
    await expect(all(notes.stream(key(), hostile))).rejects.toMatchObject({ code: 'ERR_OPTION' })
    await okOf(job.close())
    const closed = [notes.put(at, note('')), notes.delete(at), ...calls(undefined as never)]
    expect(await codes(closed)).toEqual(new Set(['ERR_JOB_CLOSED']))
    await expect(all(notes.stream())).rejects.toMatchObject({ code: 'ERR_JOB_CLOSED' })
  })
})

describe('what cannot be encoded', () => {
  test('as a key is ERR_VALUE of every call, and names the category', async () => {
    const { job, notes } = await written()
    const bad = ['ann', 1.5] as const
    const calls: Answer<unknown>[] = [
      notes.put(bad, note('')),
      notes.putAcked(bad, note('')),
      notes.delete(bad),
      notes.deleteAcked(bad),
      notes.get(bad),
      notes.getMany([['ann', 1], bad]),
      notes.exists(bad)
    ]
    for (const call of calls) {
      const error = (await errorOf(call)) as PersistencyError
      expect(error).toMatchObject({ name: 'PersistencyError', code: 'ERR_VALUE' })
      expect(error.message).toMatch(/^category "notes": the key cannot be encoded: item 1: 1.5 is not a safe/)
      expect((error.cause as Error).message).toMatch(/^item 1: /)
    }
    expect(await okOf(job.count('notes', key()))).toBe(4)
  })

  test('as a value is ERR_VALUE, names category and key, and stores nothing', async () => {
    const { notes } = await written()
    const bad = { text: 5n } as never
    for (const call of [notes.put(['ann', 1], bad), notes.putAcked(['ann', 1], bad)] as Answer<unknown>[]) {
      const error = (await errorOf(call)) as PersistencyError
      expect(error.code).toBe('ERR_VALUE')
      const place = `category "notes", key ${key('ann', 1)}`
      expect(error.message).toMatch(new RegExp(`^${place}: the value cannot be encoded: .*BigInt`))
      expect(error.cause).toBeInstanceOf(TypeError)
    }
    expect(await okOf(notes.get(['ann', 1]))).toEqual(note('ann 1'))
  })
})

describe('what cannot be decoded', () => {
  /** Rows of which one has a key and another one a value that is none. */
  async function damaged(): Promise<{ job: Job; badKey: Key; badValue: Key }> {
    const { job } = await written()
    const [badKey, badValue] = [key('ann', 2, 9), key('ann', 2)]
    await okOf(job.persistPut('notes', badKey, utf8('{}')))
    await okOf(job.persistPut('notes', badValue, utf8('{')))
    return { job, badKey, badValue }
  }

  test('of a value is ERR_VALUE, and names category and key', async () => {
    const { job, badValue } = await damaged()
    const notes = job.table(Notes)
    for (const call of [
      notes.get(['ann', 2]),
      notes.getMany([
        ['ann', 1],
        ['ann', 2]
      ]),
      notes.scan()
    ]) {
      const error = (await errorOf(call as Answer<unknown>)) as PersistencyError
      expect(error).toMatchObject({ name: 'PersistencyError', code: 'ERR_VALUE' })
      const place = `category "notes", key ${badValue}`
      expect(error.message).toBe(`${place}: the value cannot be decoded: cannot decode json: not JSON`)
      expect(error.cause).toBeInstanceOf(RangeError)
    }
    expect(await okOf(notes.scan(key(), { limit: 1 }))).toEqual([row('ann', 1)])
    expect([await okOf(notes.exists(['ann', 2])), await okOf(notes.count())]).toEqual([true, 5])
  })

  test('of a key is ERR_VALUE, also where rows have no values', async () => {
    const { job, badKey } = await damaged()
    const notes = job.table(Notes)
    const message = `category "notes", key ${badKey}: the key cannot be decoded: `
    expect((await errorOf(notes.scan(prefixRange(badKey)))).message).toContain(message)
    expect((await errorOf(notes.scan(key('ann'), { keysOnly: true }))).message).toContain(message)
  })

  test('ends a stream, which throws it and reads no further', async () => {
    const { job } = await damaged()
    const rows = job.table(Notes).stream(key(), { pageSize: 1 })[Symbol.asyncIterator]()
    expect(await rows.next()).toEqual({ done: false, value: row('ann', 1) })
    await expect(rows.next()).rejects.toMatchObject({ name: 'PersistencyError', code: 'ERR_VALUE' })
    expect(await rows.next()).toEqual({ done: true, value: undefined })
  })
})

describe('what a watcher of a table cannot decode', () => {
  test('ends the watching behind what it could', async () => {
    const { job, notes } = await written()
    const items = notes.watch(key(), { initial: true })[Symbol.asyncIterator]()
    await items.next()
    await okOf(notes.put(['eve', 1], note('good')))
    await okOf(job.persistPut('notes', key('eve', 2), utf8('{')))
    await okOf(notes.putAcked(['eve', 3], note('behind')))
    expect((await items.next()).value).toMatchObject({ changes: [{ key: ['eve', 1] }] })
    await expect(items.next()).rejects.toMatchObject({ name: 'PersistencyError', code: 'ERR_VALUE' })
    expect(await items.next()).toEqual({ done: true, value: undefined })
    const again = notes.watch(key('eve'), { initial: true })
    await expect(all(again)).rejects.toMatchObject({ code: 'ERR_VALUE' })
  })
})

describe('a definition', () => {
  test('makes operations for batches', async () => {
    const { job, notes } = await written()
    const put = Notes.put(['eve', 1], note('new'))
    expect(put).toEqual({
      kind: 'put',
      category: 'notes',
      key: key('eve', 1),
      payload: utf8('{"text":"new"}')
    })
    expect(Notes.delete(['ann', 1])).toEqual({ kind: 'delete', category: 'notes', key: key('ann', 1) })
    await okOf(job.persistAcked([put, Notes.delete(['ann', 1]), Balances.put('eve', 3n)]))
    expect(await okOf(notes.count())).toBe(4)
    expect(await okOf(job.table(Balances).get('eve'))).toBe(3n)
  })

  test('makes checks for batches', async () => {
    const { job } = await storage.open()
    const at = { kind: 'check', category: 'balances', key: key('ann') } as const
    expect(Balances.check('ann')).toEqual(at)
    expect(Balances.check('ann', undefined)).toStrictEqual(at)
    expect(Balances.check('ann', 5)).toEqual({ ...at, equals: int64.encode(5) })
    expect(() => Balances.check('ann', 2n ** 64n)).toThrow('key 0003616e6e: the value cannot be encoded')
    await okOf(job.persistAcked([Balances.check('ann'), Balances.put('ann', 5)]))
    const again = await errorOf(job.persistAcked([Balances.check('ann'), Balances.put('ann', 6)]))
    expect(again).toMatchObject({ code: 'ERR_CONFLICT', conflict: { kind: 'check', key: key('ann') } })
    await okOf(job.persistAcked([Balances.check('ann', 5n), Balances.put('ann', 7)]))
    expect(await okOf(job.table(Balances).get('ann'))).toBe(7n)
  })

  test('makes prefixes of the first parts of its keys', () => {
    expect(Notes.prefix()).toEqual(key())
    expect(Notes.prefix('ann')).toEqual(key('ann'))
    expect(Notes.prefix('ann', 1)).toEqual(Notes.key(['ann', 1]))
    expect(Notes.key(['anna', 1]).startsWith(Notes.prefix('ann'))).toBe(false)
    expect(() => Notes.prefix('ann', 1.5)).toThrow(RangeError)
    expect(() => (Notes.prefix as (...parts: unknown[]) => Key)('ann', 1, 2)).toThrow(
      'category "notes": the key cannot be encoded: a prefix has at most 2 items, got 3'
    )
    const NoParts = defineTable('c', { key: string, value: rest })
    const prefix = NoParts.prefix as (...parts: unknown[]) => Key
    expect(() => prefix('ann')).toThrow('its codec makes no prefixes, as tuple(...) does')
  })

  test('makes operations for appends and handlers', async () => {
    const { job } = await storage.open({ journal: true })
    const balances = job.table(Balances)
    const paid = await okOf(
      job.subscription('paid', async (event) => {
        const before = (await okOf(balances.get('ann'))) ?? 0n
        return event.kind === 'event' ? Balances.put('ann', before + 1n) : undefined
      })
    )
    for (const type of ['paid', 'paid'])
      await okOf(job.append({ type }, { ops: Notes.put([type, 1], note('')) }))
    await okOf(paid.caughtUp())
    expect(await okOf(balances.get('ann'))).toBe(2n)
    expect(await okOf(job.table(Notes).count())).toBe(1)
  })

  test('reads rows from elsewhere', async () => {
    const { job } = await storage.open({ journal: true })
    await okOf(job.persist(Balances.put('ann', 1)))
    await okOf(job.persistAcked(Balances.put('ann', 2)))
    const before = await okOf(job.at(1).scan('balances', key()))
    expect(before.map(Balances.row)).toEqual([{ key: 'ann', value: 1n }])
    for await (const item of job.watch('balances', key(), { from: 2 })) {
      const puts = item.kind === 'changes' ? item.changes.filter((op) => op.kind === 'put') : []
      expect(puts.map(Balances.row)).toEqual([{ key: 'ann', value: 2n }])
      break
    }
    const broken = { key: key('ann'), payload: utf8('x') }
    expect(() => Balances.row(broken)).toThrow(
      expect.objectContaining({ name: 'PersistencyError', code: 'ERR_VALUE' })
    )
  })

  test('throws a TypeError or RangeError for what cannot be encoded', () => {
    expect(() => Notes.key(['ann', 1.5])).toThrow(RangeError)
    expect(() => Notes.key(['ann'] as never)).toThrow(TypeError)
    expect(() => Notes.delete(['ann', 'x'] as never)).toThrow(
      'category "notes": the key cannot be encoded: item 1: expected a number, got the string "x"'
    )
    expect(() => Balances.put('ann', 2n ** 64n)).toThrow(RangeError)
    const place = `category "notes", key ${key('ann', 1)}`
    expect(() => Notes.put(['ann', 1], undefined as never)).toThrow(
      `${place}: the value cannot be encoded: JSON cannot express undefined`
    )
    const cause = new Error('not today')
    const refuse = (): never => {
      throw cause
    }
    const Refusing = defineTable('c', { key: string, value: { encode: refuse, decode: refuse } })
    const thrown = (() => {
      try {
        return Refusing.put('a', 1 as never)
      } catch (error) {
        return error
      }
    })()
    expect(thrown).toBeInstanceOf(TypeError)
    expect(thrown).toMatchObject({ message: expect.stringContaining('not today'), cause })
  })

  test('takes anything that encodes and decodes, and owns its keys', async () => {
    const { job } = await storage.open()
    const shared = new Uint8Array(1)
    const Flags = defineTable('flags', {
      key: {
        encode: (n: number) => {
          shared[0] = n
          return shared
        },
        decode: (bytes) => bytes[0] as number
      },
      value: { encode: (on: boolean) => Uint8Array.of(on ? 1 : 0), decode: ([on]) => on === 1 }
    })
    await okOf(job.persistAcked([Flags.put(1, true), Flags.put(2, false)]))
    expect(await okOf(job.table(Flags).scan())).toEqual([
      { key: 1, value: true },
      { key: 2, value: false }
    ])
  })

  test('of a key codec that gives no bytes throws', () => {
    const Wrong = defineTable('c', { key: { encode: () => 'a' as never, decode: String }, value: rest })
    expect(() => Wrong.key('a')).toThrow('category "c": the key cannot be encoded: expected a Uint8Array')
  })

  test('shortens in messages what is long', () => {
    const Long = defineTable('c'.repeat(1000), { key: rest, value: integer })
    const put = () => Long.put(new Uint8Array(1000), 'x' as never)
    expect(put).toThrow(`category "${'c'.repeat(40)}…", key ${'0'.repeat(128)}…: the value cannot`)
  })

  test('does not change', () => {
    expect(Object.isFrozen(Notes)).toBe(true)
    expect(Object.isFrozen(Notes.codecs)).toBe(true)
    expect(Notes.key(['ann', 1])).toBeInstanceOf(Key)
  })

  test.each([
    ['no category', undefined, { key: string, value: rest }, 'the category of a table must be'],
    ['a lone surrogate', '\ud800', { key: string, value: rest }, 'the category of a table must be'],
    ['no key codec', 'c', { value: rest }, 'the key codec of table "c" must be a codec'],
    ['a value codec that only encodes', 'c', { key: string, value: { encode: utf8 } }, 'the value codec of']
  ])('with %s is refused with a TypeError', (_, category, codecs, message) => {
    expect(() => defineTable(category as never, codecs as never)).toThrow(TypeError)
    expect(() => defineTable(category as never, codecs as never)).toThrow(message)
  })
})
