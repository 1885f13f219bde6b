import { describe, expect, test } from '@jest/globals'
import { err, errAsync, ok, okAsync } from 'neverthrow'
import {
  EventBroker,
  int64,
  type Job,
  key,
  PersistencyError,
  PersistFailed,
  type PersistFailedPayload,
  retryOnConflict,
  type TxOp
} from 'persistency'
import { put } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

const check = (name: string, equals?: string): TxOp => ({
  kind: 'check',
  category: 'c',
  key: key(name),
  ...(equals !== undefined && { equals: utf8(equals) })
})

describe.each([
  ['with a journal', { journal: true }],
  ['without a journal', {}]
])('a check %s', (_, options) => {
  test('that holds lets its batch through', async () => {
    const { job } = await storage.open(options)
    await okOf(job.persistAcked([check('a'), put('a', '1')]))
    await okOf(job.persistAcked([check('a', '1'), check('b'), put('a', '2'), put('b', '1')]))
    await okOf(job.persistAcked([{ kind: 'check', category: 'c', key: key('z'), equals: undefined }]))
    expect(textOf(await okOf(job.get('c', key('a'))))).toBe('2')
  })

  test.each([
    ['another payload', check('a', '2')],
    ['a prefix of the payload', check('a', '')],
    ['a row where there must be none', check('a')],
    ['no row where there must be one', check('none', '')]
  ])('that finds %s lets nothing of its batch through, and names its row', async (_, op) => {
    const { job } = await storage.open(options)
    await okOf(job.persistAcked(put('a', '1')))
    for (const ops of [[op], [put('a', '9'), put('b', '9'), op], [op, put('b', '9')]]) {
      const expected = op.kind === 'check' ? { kind: 'check', category: 'c', key: op.key } : undefined
      // Checks see what comes before them in their batch.
      const error = await errorOf(job.persistAcked(ops))
      expect(error).toMatchObject({ code: 'ERR_CONFLICT', kind: 'conflict' })
      expect(JSON.stringify(error.conflict)).toBe(JSON.stringify(expected))
      expect(error.message).toContain(String(op.kind === 'check' && op.key))
    }
    expect(textOf(await okOf(job.get('c', key('a'))))).toBe('1')
    expect(await okOf(job.count('c', keyOf()))).toBe(1)
  })

  test('sees what comes before it in the batch', async () => {
    const { job } = await storage.open(options)
    await okOf(job.persistAcked([put('a', '1'), check('a', '1'), put('b')]))
    expect((await errorOf(job.persistAcked([check('x'), put('x'), check('x')]))).code).toBe('ERR_CONFLICT')
  })

  test('that fails takes no other write along', async () => {
    const { job } = await storage.open(options)
    const answers = await Promise.all([
      job.persistAcked(put('a', '1')),
      job.persistAcked([check('a', '2'), put('b')]),
      job.persistAcked(put('d'))
    ])
    expect(answers.map((answer) => answer.isOk())).toEqual([true, false, true])
    expect(await okOf(job.count('c', keyOf()))).toBe(2)
  })

  test('of a write that nobody awaits ends as PersistFailed', async () => {
    const { job } = await storage.open(options)
    const failed: PersistFailedPayload[] = []
    new EventBroker(undefined, job.context).on(PersistFailed).subscribe((event) => failed.push(event))
    void job.persist([check('a', '1'), put('b')])
    expect((await errorOf(job.flush())).code).toBe('ERR_WRITES_LOST')
    expect(failed.map(({ error, ops }) => [error.code, ops.length])).toEqual([['ERR_CONFLICT', 2]])
    expect(failed[0]?.error.conflict).toMatchObject({ kind: 'check', category: 'c' })
    expect(job.queued).toEqual({ bytes: 0, ops: 0 })
  })
})

test.each([
  ['a category', { kind: 'check', category: 5, key: key(1) }, 'ERR_CATEGORY'],
  ['a key', { kind: 'check', category: 'c', key: 'k' }, 'ERR_KEY'],
  ['bytes', { kind: 'check', category: 'c', key: key(1), equals: 'text' }, 'ERR_PAYLOAD'],
  ['bytes, which null is not,', { kind: 'check', category: 'c', key: key(1), equals: null }, 'ERR_PAYLOAD']
])('a check needs %s', async (_, op, code) => {
  const { job } = await storage.open()
  expect((await errorOf(job.persist(op as never))).code).toBe(code)
})

test('a conflict survives the way through plain data', () => {
  const conflict = { kind: 'check', category: 'c', key: key('a', 1) } as const
  const error = new PersistencyError('ERR_CONFLICT', 'no', { conflict })
  const back = PersistencyError.from(JSON.parse(JSON.stringify(error)))
  expect(back.conflict).toMatchObject({ kind: 'check', category: 'c' })
  expect(back.conflict?.kind === 'check' && back.conflict.key.equals(conflict.key)).toBe(true)
  expect(back.toJSON()).toEqual(error.toJSON())
})

describe('retryOnConflict', () => {
  const counter = key('counter')

  /** Reads a number and writes the next one, unless somebody else was faster. */
  const increment = (job: Job) =>
    job.get('c', counter).andThen((before) => {
      const next = before === undefined ? 1n : int64.decode(before) + 1n
      return job.persistAcked([
        { kind: 'check', category: 'c', key: counter, equals: before },
        { kind: 'put', category: 'c', key: counter, payload: int64.encode(next) }
      ])
    })

  test('lets rivals all have their turn', async () => {
    const { job } = await storage.open()
    const rivals = Array.from({ length: 20 }, () =>
      retryOnConflict(() => increment(job), { attempts: 1000, maxDelayMs: 5 })
    )
    for (const answer of await Promise.all(rivals)) expect(answer.isOk()).toBe(true)
    expect(int64.decode((await okOf(job.get('c', counter))) as Uint8Array)).toBe(20n)
  })

  const conflict = new PersistencyError('ERR_CONFLICT', 'again')

  test('answers the last error after the last attempt', async () => {
    const numbers: number[] = []
    const answer = retryOnConflict(
      (number) => {
        numbers.push(number)
        return errAsync(conflict)
      },
      { attempts: 3, delayMs: 0 }
    )
    expect(await errorOf(answer)).toBe(conflict)
    expect(numbers).toEqual([1, 2, 3])
  })

  test('does not repeat what failed for another reason', async () => {
    let calls = 0
    const other = new PersistencyError('ERR_STORAGE', 'disk')
    const answer = retryOnConflict(() => {
      calls++
      return errAsync(other)
    })
    expect([await errorOf(answer), calls]).toEqual([other, 1])
  })

  test('does not repeat what fails with a conflict of the domain', async () => {
    const own = { kind: 'conflict', with: 'a holiday' } as const
    let calls = 0
    const answer = await retryOnConflict(async () => {
      calls++
      return err(own)
    })
    expect([answer._unsafeUnwrapErr(), calls]).toEqual([own, 1])
  })

  test('repeats a conflict of another copy of the package, or of a job on another thread', async () => {
    const { name, message, kind, code } = conflict
    const foreign = Object.defineProperty(Object.assign(new Error(message), { kind, code }), 'name', {
      value: name
    })
    const answer = retryOnConflict((number) => (number < 3 ? err(foreign) : ok(number)), { delayMs: 0 })
    expect(await okOf(answer)).toBe(3)
  })

  test('ends when its signal fires, also while it waits', async () => {
    const early = retryOnConflict(() => okAsync(1), { signal: AbortSignal.abort() })
    expect(await errorOf(early)).toMatchObject({ code: 'ERR_ABORTED' })
    const stop = new AbortController()
    const attempt = () => {
      queueMicrotask(() => queueMicrotask(() => stop.abort()))
      return errAsync(conflict)
    }
    const late = retryOnConflict(attempt, { signal: stop.signal, delayMs: 60_000, maxDelayMs: 60_000 })
    expect(await errorOf(late)).toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('refuses options that it does not know', async () => {
    const answer = retryOnConflict(() => okAsync(1), { attempts: 0 })
    expect(await errorOf(answer)).toMatchObject({ code: 'ERR_OPTION' })
  })
})
