import { describe, expect, test } from '@jest/globals'
import {
  defineDecider,
  defineTable,
  handleCommand,
  integer,
  type Job,
  json,
  jsonEvents,
  key,
  loadState,
  prefixRange,
  type string,
  struct,
  type TxOp,
  tuple
} from 'persistency'
import type { Observable } from 'rxjs'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const { open } = useStorage()

type Added = { type: 'added'; data: number }

const counter = defineDecider({
  initial: () => 0,
  evolve: (state, { data }: Added) => state + data,
  decide: (data: number) => [{ type: 'added', data } as const]
})

describe('what would be lost, or be taken for something else, is refused:', () => {
  test('a field of an event beside its type and its data', () => {
    const flat = { type: 'added', amount: 3 } as unknown as Added
    expect(() => jsonEvents<Added>().encode(flat)).toThrow(
      new TypeError('event "added" has a field "amount"; what belongs to an event is in its data')
    )
    expect(jsonEvents<Added>().encode({ type: 'added', data: 3, more: undefined } as Added).type).toBe(
      'added'
    )
  })

  test('data of an event that is not UTF-8', () => {
    const bytes = new Uint8Array([0x22, 0xff, 0x22])
    expect(() => jsonEvents().decode({ type: 'added', data: bytes, metadata: {} })).toThrow(RangeError)
  })

  test('a check whose "equals" is misspelled', async () => {
    const { job } = await open()
    const check = { kind: 'check', category: 'c', key: key(1), equal: new Uint8Array(1) } as unknown as TxOp
    const error = await errorOf(job.persistAcked(check))
    expect([error.code, error.message]).toEqual([
      'ERR_OP',
      'a check without "equals" has no field "equal": it demands that there is no row'
    ])
    await okOf(job.persistAcked({ kind: 'check', category: 'c', key: key(1) }))
  })

  test('a stream without a name', async () => {
    const { job } = await open({ journal: true })
    await okOf(handleCommand(job, counter, 'a', 3))
    const none = undefined as unknown as string
    expect((await errorOf(loadState(job, counter, none))).code).toBe('ERR_OPTION')
    expect((await errorOf(handleCommand(job, counter, none, 3))).code).toBe('ERR_OPTION')
  })

  test('a value of a table that its codec makes no bytes of', async () => {
    const { job } = await open()
    const value = { ...json<string>(), encode: JSON.stringify as unknown as (value: string) => Uint8Array }
    const notes = defineTable('notes', { key: tuple(integer), value })
    expect(() => notes.put([1], 'x')).toThrow(TypeError)
    const error = await errorOf(job.table(notes).put([1], 'x'))
    expect([error.code, error.message]).toEqual(['ERR_VALUE', expect.stringContaining('category "notes"')])
  })

  test('no codec, also where there is no row', async () => {
    const { job } = await open()
    const none = undefined as unknown as typeof string
    expect((await errorOf(job.getDecoded('c', key(1), none))).code).toBe('ERR_VALUE')
  })

  test('what is no codec in a tuple or a struct', () => {
    const wrong = String as unknown as typeof string
    expect(() => tuple(integer, wrong)).toThrow(/^item 1 must be a codec/)
    expect(() => struct({ a: undefined as unknown as typeof string })).toThrow(/"?a"? must be a codec/)
  })
})

test('an initial state that cannot be made is an error', async () => {
  const { job } = await open({ journal: true })
  const initial = (): number => {
    throw new Error('boom')
  }
  expect((await errorOf(loadState(job, { ...counter, initial }, 'a'))).code).toBe('ERR_VALUE')
})

describe('a reading whose signal fires within a page', () => {
  const fifty = Array.from({ length: 50 }, (_, n) => n)
  const rows = async (job: Job): Promise<void> => {
    await okOf(
      job.append(
        Array.from({ length: 50 }, () => ({ type: 'x' })),
        { ops: fifty.map(put) }
      )
    )
  }
  const put = (n: number): TxOp => ({ kind: 'put', category: 'c', key: key(n), payload: new Uint8Array(1) })

  test.each([
    ['a stream of rows', (job: Job, signal: AbortSignal) => job.stream('c', key(), { signal })],
    ['events', (job: Job, signal: AbortSignal) => job.events({ signal })],
    ['live events', (job: Job, signal: AbortSignal) => job.events({ signal, live: true })]
  ])('hands out nothing more of it: %s', async (_, read) => {
    const { job } = await open({ journal: true })
    await rows(job)
    for (const way of ['iterated', 'observed']) {
      const controller = new AbortController()
      let taken = 0
      const take = (): void => {
        if (++taken === 7) controller.abort(new Error('enough'))
      }
      const stream = read(job, controller.signal)
      const reading =
        way === 'iterated'
          ? (async () => {
              for await (const _item of stream) take()
            })()
          : new Promise<void>((resolve, reject) => {
              const seen: Observable<unknown> = stream.toObservable()
              seen.subscribe({ next: take, error: reject, complete: resolve })
            })
      await expect(reading).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: { message: 'enough' } })
      expect([way, taken]).toEqual([way, 7])
    }
  })
})

test('an event that was delivered in a batch before is told that it is called again', async () => {
  const { job } = await open({ journal: true })
  await okOf(job.append([{ type: 'a' }, { type: 'b' }, { type: 'c' }]))
  const calls: string[] = []
  const subscription = await okOf(
    job.subscription(
      's',
      ({ type }, { attempt }): TxOp[] => {
        calls.push(`${type}${attempt}`)
        if (type !== 'c') return []
        return [{ kind: 'check', category: 'x', key: key(1), equals: new Uint8Array(1) }]
      },
      { batch: 3, retry: { attempts: 2, delayMs: 1 }, onPoison: 'park' }
    )
  )
  await okOf(subscription.caughtUp())
  expect(calls).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
  expect((await okOf(job.subscriptions.parked('s'))).map(({ attempts }) => attempts)).toEqual([2])
})

test.each([{ journal: true }, { journal: false }])(
  'a watch that was about to read its first rows ends without an error when its job is closed (%j)',
  async (options) => {
    const { job } = await open(options)
    const first = job.watch('c', prefixRange(key()), { initial: true })[Symbol.asyncIterator]().next()
    await job.close()
    expect(await first).toEqual({ done: true, value: undefined })
  }
)
