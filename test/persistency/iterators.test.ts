import { once } from 'node:events'
import { Readable } from 'node:stream'
import { describe, expect, test } from '@jest/globals'
import { EventStream, type Job, key, type PersistencyError, type TxOp } from 'persistency'
import { lastValueFrom, type Observable } from 'rxjs'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

const { open } = useStorage()

/** An iterator that has nothing to give for now. */
async function waiting(stream: AsyncIterable<unknown>): Promise<AsyncIterator<unknown>> {
  const items = stream[Symbol.asyncIterator]()
  if (stream instanceof EventStream) await items.next()
  return items
}

describe.each([
  ['watch', (job: Job, options = {}) => job.watch('c', key(), options)],
  ['events', (job: Job, options = {}) => job.events({ live: true, from: 5, ...options })]
] as const)('what %s gives', (_, read) => {
  test('ends for a caller that waits when it is left', async () => {
    const { job } = await open({ journal: true })
    const items = await waiting(read(job))
    const first = items.next()
    const second = items.next()
    await okOf(job.flush())
    expect(await items.return?.()).toEqual({ done: true, value: undefined })
    expect([await first, await second, await items.next()]).toEqual(
      Array(3).fill({ done: true, value: undefined })
    )
  })

  test('ends with a stream of Node.js that is made of it', async () => {
    const { job } = await open({ journal: true })
    const readable = Readable.from(read(job))
    readable.resume()
    await okOf(job.flush())
    const closed = once(readable, 'close')
    readable.destroy()
    await closed
  })

  test('passes an error on that is thrown into it', async () => {
    const { job } = await open({ journal: true })
    const items = (read(job) as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    const mine = new Error('mine')
    await expect(items.throw?.(mine)).rejects.toBe(mine)
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  test('ends for all when the signal of their caller fires, and says so', async () => {
    const { job } = await open({ journal: true })
    const controller = new AbortController()
    const stream = read(job, { signal: controller.signal })
    const one = (await waiting(stream)).next()
    const other = lastValueFrom(stream.toObservable() as never)
    await okOf(job.flush())
    controller.abort()
    await expect(one).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    await expect(other).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  test.each([[{}], [5], ['x']])('refuses %p for a signal, however it is read', async (signal) => {
    const { job } = await open({ journal: true })
    const stream = read(job, { signal })
    const iterated = (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]().next()
    await expect(iterated).rejects.toMatchObject({ code: 'ERR_OPTION' })
    await expect(lastValueFrom(stream.toObservable() as never)).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })
})

test.each([[[]], [new Map([['limit', 1]])], [AbortSignal.abort()]])(
  'options are refused that are no options: %p',
  async (options) => {
    const { job } = await open()
    for (const answer of [job.get('c', key(1), options as never), job.scan('c', key(), options as never)]) {
      const error = await errorOf(answer as ReturnType<Job['get']>)
      expect(error.code).toBe('ERR_OPTION')
    }
  }
)

test('errors show the beginning of what is long', async () => {
  expect(() => key(2n ** 10_000n)).toThrow(/^.{0,200}$/)
  const { job } = await open()
  const long = key('x'.repeat(60_000))
  const failed = job.persistAcked({ kind: 'check', category: 'c'.repeat(500), key: long, equals: utf8('y') })
  const error: PersistencyError = await errorOf(failed)
  expect(error.message.length).toBeLessThan(300)
  expect(error.conflict).toMatchObject({ kind: 'check', category: 'c'.repeat(500) })
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

  test.each([
    ['a stream of rows', (job: Job, signal: AbortSignal) => job.stream('c', key(), { signal, pageSize: 1 })],
    ['events', (job: Job, signal: AbortSignal) => job.events({ signal, pageSize: 1 })]
  ])('hands out nothing of a page that was fetched ahead: %s', async (_, read) => {
    const { job } = await open({ journal: true })
    await rows(job)
    const controller = new AbortController()
    const items = (read(job, controller.signal) as AsyncIterable<unknown>)[Symbol.asyncIterator]()
    for (let taken = 0; taken < 2; taken++) await items.next()
    // Answered behind the page.
    await okOf(job.flush())
    controller.abort()
    await expect(items.next()).rejects.toMatchObject({ code: 'ERR_ABORTED' })
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  test('has ended without an error when its last row had been taken', async () => {
    const { job } = await open()
    await okOf(job.persistAcked(put(1)))
    const controller = new AbortController()
    const items = job.stream('c', key(), { signal: controller.signal, pageSize: 1 })[Symbol.asyncIterator]()
    await items.next()
    await okOf(job.flush())
    controller.abort()
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })
})
