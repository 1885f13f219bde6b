import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  defineTable,
  EventBroker,
  type Job,
  type Key,
  key,
  PersistEvent,
  type Persistency,
  prefixRange,
  rest,
  string
} from 'persistency'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { type Answer, errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const workers = useWorkers()

// What is refused leaves no trace: one job does for all of it.
const lasting = useStorage(afterAll)
let persistency: Persistency
let job: Job
beforeAll(async () => {
  const opened = await lasting.open({}, ':memory:')
  persistency = opened.persistency
  job = opened.job
})

/** Passes whatever the types forbid. */
const any = (value: unknown): never => value as never
const k = key(1)
const bytes = utf8('x')

/** A value of every wrong type, and how a message names it. */
const NOT_TEXT: [unknown, string][] = [
  [undefined, 'undefined'],
  [null, 'null'],
  [7, 'the number 7'],
  [7n, 'the bigint 7n'],
  [true, 'the boolean true'],
  [Symbol('s'), 'a symbol'],
  [() => 1, 'a function'],
  [new Date(0), 'Date'],
  [utf8('c'), 'Uint8Array'],
  [Object.create(null), 'an object'],
  [['c'], 'Array']
]

/** Asserts that a call of the job is refused with a code and a message, and that nothing of it went anywhere. */
async function refused(call: () => Answer<unknown>, code: string, names: string): Promise<void> {
  const emitted: unknown[] = []
  const listening = new EventBroker(undefined, job.context).listen(PersistEvent, (event) =>
    emitted.push(event)
  )
  const error = await errorOf(call())
  await listening.drop()
  expect(error).toMatchObject({ kind: 'invalidArgument', code })
  expect(error.message).toContain(names)
  expect([emitted, job.queued]).toEqual([[], { bytes: 0, ops: 0 }])
}

describe('a job id', () => {
  const BAD = [
    ...[
      '',
      '.',
      '..',
      '.x',
      '../x',
      'a/b',
      'a\\b',
      '/x',
      'x\0',
      'x y',
      'x\n',
      'x:y',
      '%2e',
      'ä',
      '日本',
      '😀'
    ],
    ...['x'.repeat(129), 'x'.repeat(200), 'tenant.db/../x', 'C:x', '*', '~', '$HOME', "'", '"']
  ]

  test.each(BAD)('%j is refused before any file is touched', async (id) => {
    const root = storage.folder()
    const persistency = storage.owner(root)
    for (const call of [persistency.openJob(id), persistency.dropJob(id)] as Answer<unknown>[]) {
      const error = await errorOf(call)
      expect(error).toMatchObject({ kind: 'invalidArgument', code: 'ERR_JOB_ID' })
      expect(error.message).toContain(JSON.stringify(id.length > 40 ? `${id.slice(0, 40)}…` : id))
    }
    expect([filesIn(root), workers.started.length]).toEqual([[], 0])
  })

  test.each(NOT_TEXT)('%p is refused', async (id, names) => {
    const persistency = storage.owner()
    for (const call of [persistency.openJob(any(id)), persistency.dropJob(any(id))] as Answer<unknown>[]) {
      const error = await errorOf(call)
      expect(error.code).toBe('ERR_JOB_ID')
      expect(error.message).toContain(names)
    }
  })

  test.each([
    ...NOT_TEXT.map(([id]) => id),
    (() => {
      const circle: Record<string, unknown> = {}
      circle['self'] = circle
      return circle
    })()
  ])('%p is the id of no open job', async (id) => {
    expect(persistency.job(any(id))._unsafeUnwrapErr().code).toBe('ERR_JOB_NOT_FOUND')
    expect((await errorOf(persistency.get(any(id), 'c', k))).code).toBe('ERR_JOB_NOT_FOUND')
    expect(persistency.hasJob(any(id))).toBe(false)
    await okOf(persistency.closeJob(any(id)))
  })

  test.each([
    'a',
    'A',
    '0',
    '-',
    '_',
    'a.b',
    'a..b',
    'a.',
    '-x',
    'CON',
    'x'.repeat(128),
    '__proto__',
    'constructor'
  ])('%j is a name', async (id) => {
    const root = storage.folder()
    const persistency = storage.owner(root)
    const job = await okOf(persistency.openJob(id))
    await okOf(job.persistPut('c', k, utf8(id)))
    await okOf(job.close())
    expect(filesIn(root)).toEqual([`${id}.db`])
    const again = await okOf(persistency.openJob(id))
    expect(textOf(await okOf(again.get('c', k)))).toBe(id)
  })
})

describe('the arguments of a job', () => {
  test.each(NOT_TEXT)('%p is no category', async (category, names) => {
    const c = any(category)
    const calls: (() => Answer<unknown>)[] = [
      () => job.persist({ kind: 'put', category: c, key: k, payload: bytes }),
      () => job.persistPut(c, k, bytes),
      () => job.persistDelete(c, k),
      () => job.persistDeletePrefix(c, k),
      () => job.persistEncoded(c, k, 'x'),
      () => job.persistAcked({ kind: 'delete', category: c, key: k }),
      () => job.putAcked(c, k, bytes),
      () => job.get(c, k),
      () => job.getMany(c, [k]),
      () => job.exists(c, k),
      () => job.deleteAcked(c, k),
      () => job.count(c, k),
      () => job.scan(c, k),
      () => job.scanPrefix(c, k)
    ]
    for (const call of calls) await refused(call, 'ERR_CATEGORY', names)
  })

  test('getMany of no keys is refused like any other', async () => {
    await refused(() => job.getMany(any(7), []), 'ERR_CATEGORY', 'the number 7')
    await refused(() => job.getMany('c', [], any({ offset: 1 })), 'ERR_OPTION', 'offset')
    await refused(() => job.getMany('c', any(k)), 'ERR_KEY', 'Key')
  })

  test('text with a lone surrogate is no category', async () => {
    await refused(() => job.persistPut('a\ud800', k, bytes), 'ERR_CATEGORY', 'surrogate')
    await refused(() => job.get('\udc00', k), 'ERR_CATEGORY', 'surrogate')
  })

  test.each([...NOT_TEXT, ['text', 'the string "text"'], [{ bytes: utf8('k') }, 'an object']] as [
    unknown,
    string
  ][])('%p is no key and no prefix', async (value, names) => {
    const bad = any(value)
    const calls: (() => Answer<unknown>)[] = [
      () => job.persist({ kind: 'put', category: 'c', key: bad, payload: bytes }),
      () => job.persist({ kind: 'deletePrefix', category: 'c', prefix: bad }),
      () => job.persistPut('c', bad, bytes),
      () => job.persistDelete('c', bad),
      () => job.persistDeletePrefix('c', bad),
      () => job.persistEncoded('c', bad, 'x'),
      () => job.persistAcked({ kind: 'delete', category: 'c', key: bad }),
      () => job.putAcked('c', bad, bytes),
      () => job.get('c', bad),
      () => job.getMany('c', [k, bad]),
      () => job.exists('c', bad),
      () => job.deleteAcked('c', bad),
      () => job.scanPrefix('c', bad)
    ]
    for (const call of calls) await refused(call, 'ERR_KEY', names)
  })

  test.each([
    ...NOT_TEXT.filter(([value]) => !(value instanceof Uint8Array)),
    ['text', 'the string "text"'],
    [new ArrayBuffer(1), 'ArrayBuffer'],
    [new DataView(new ArrayBuffer(1)), 'DataView'],
    [new Uint16Array(1), 'Uint16Array'],
    [new Uint8ClampedArray(1), 'Uint8ClampedArray'],
    [[1, 2], 'Array']
  ] as [unknown, string][])('%p is no payload', async (value, names) => {
    const bad = any(value)
    await refused(() => job.persistPut('c', k, bad), 'ERR_PAYLOAD', names)
    await refused(() => job.putAcked('c', k, bad), 'ERR_PAYLOAD', names)
    const op = { kind: 'put', category: 'c', key: k, payload: bad } as const
    await refused(() => job.persist(op), 'ERR_PAYLOAD', names)
    const delivered = { encode: () => bad }
    await refused(() => job.persistEncoded('c', k, 1, delivered), 'ERR_VALUE', names)
  })

  test.each([
    ...NOT_TEXT.map(([value, names]) => [value, names]),
    ['text', '"text"'],
    [{}, 'an object'],
    [{ stop: k }, 'an object'],
    [{ start: 'a' }, '"a"'],
    [{ start: undefined }, 'undefined'],
    [{ start: k, stop: 'z' }, '"z"'],
    [{ start: k, stop: null }, 'null'],
    [{ start: k, stop: '' }, '""'],
    [{ start: k, stop: 0 }, 'the number 0'],
    [{ start: k, stop: false }, 'the boolean false'],
    [{ start: k, stop: utf8('z') }, 'Uint8Array']
  ] as [unknown, string][])('%p is no range', async (value, names) => {
    const bad = any(value)
    for (const call of [() => job.scan('c', bad), () => job.count('c', bad)] as (() => Answer<unknown>)[]) {
      await refused(call, 'ERR_RANGE', names)
    }
    const rows = job.stream('c', bad)[Symbol.asyncIterator]()
    await expect(rows.next()).rejects.toMatchObject({ code: 'ERR_RANGE' })
  })

  test.each([
    [{ start: k, end: k }, 'a range has no field "end"; known are start, stop'],
    [{ start: k, stop: k, end: undefined }, 'no field "end"'],
    [{ from: k, to: k }, 'no field "from"'],
    [Object.assign(Object.create(null), { start: k, limit: 3 }), 'no field "limit"; known are start, stop'],
    [{ limit: 3, reverse: true }, 'options come behind the range, and key() is the range of all rows'],
    [{ initial: true }, 'options come behind the range'],
    [['ann'], 'made with key(...parts) or the key(...) of a table; got an Array']
  ] as [unknown, string][])('%p is no range, whatever reads it', async (value, names) => {
    const { job } = await storage.open({ journal: true }, ':memory:')
    const bad = any(value)
    const Rows = defineTable('c', { key: string, value: rest })
    const past = job.at(0)
    const table = job.table(Rows)
    const calls: (() => Answer<unknown>)[] = [
      ...[job, past].flatMap((rows) => [() => rows.scan('c', bad), () => rows.count('c', bad)]),
      ...[table, past.table(Rows)].flatMap((rows) => [() => rows.scan(bad), () => rows.count(bad)])
    ]
    for (const call of calls) await refused(call, 'ERR_RANGE', names)
    for (const items of [
      job.stream('c', bad),
      past.stream('c', bad),
      job.watch('c', bad),
      table.watch(bad)
    ]) {
      const read = items[Symbol.asyncIterator]().next()
      await expect(read).rejects.toMatchObject({ code: 'ERR_RANGE', message: expect.stringContaining(names) })
    }
  })

  test('a range may be of a class, or inherit what it has', async () => {
    class Pages {
      readonly pageSize = 5
      constructor(
        readonly start: Key,
        readonly stop: Key
      ) {}
    }
    const { job } = await storage.open({}, ':memory:')
    await okOf(job.persistPut('c', keyOf(5), bytes))
    const pages = new Pages(keyOf(1), keyOf(9))
    expect(await okOf(job.count('c', pages))).toBe(1)
    expect(await okOf(job.count('c', Object.create(pages)))).toBe(1)
    expect(await okOf(job.count('c', Object.defineProperty({ ...prefixRange(keyOf(5)) }, 'end', {})))).toBe(1)
  })

  test('a range that ends before it starts holds no rows', async () => {
    const { job } = await storage.open({}, ':memory:')
    await okOf(job.persistPut('c', keyOf(5), bytes))
    const range = { start: keyOf(9), stop: keyOf(1) }
    expect(await okOf(job.scan('c', range))).toEqual([])
    expect(await okOf(job.count('c', range))).toBe(0)
  })

  test.each(NOT_TEXT)('%p cannot be encoded as a value, nor by a codec that throws', async (value) => {
    const encode = (): never => {
      throw value
    }
    await refused(() => job.persistEncoded('c', k, 1, { encode }), 'ERR_VALUE', 'cannot be encoded')
    if (value === undefined || value === null || typeof value === 'symbol') {
      await refused(() => job.persistEncoded('c', k, any(value)), 'ERR_VALUE', 'cannot be encoded')
    }
  })
})
