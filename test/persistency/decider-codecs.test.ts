import { describe, expect, test } from '@jest/globals'
import {
  type DomainEvent,
  defineDecider,
  type EncodedEvent,
  type EventCodec,
  given,
  handleCommand,
  jsonEvents,
  loadState,
  type NewEvent
} from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const { open } = useStorage()

type Marked = { type: 'marked'; data: { at: unknown } }

const marks = (events: EventCodec<Marked>) =>
  defineDecider({
    initial: (): unknown[] => [],
    evolve: (state, { data }: Marked, step = 1) => [...state, data.at, step],
    decide: (at: unknown): Marked[] => [
      { type: 'marked', data: { at } },
      { type: 'marked', data: { at } }
    ],
    events
  })

describe('what a command comes to is what will be read', () => {
  test('also where the codec makes something else of an event', async () => {
    const { job } = await open({ journal: true })
    const decider = marks(jsonEvents('marked'))
    const at = new Date(0)
    const handled = await okOf(
      handleCommand(job, decider, 'a', at, {
        ops: (events, state) => {
          expect([events.length, state.length]).toEqual([2, 4])
          return []
        }
      })
    )
    expect(handled.state).toEqual([at.toISOString(), 1, at.toISOString(), 1])
    expect(handled.events[0]).toEqual({ type: 'marked', data: { at: at.toISOString() } })
    expect((await okOf(loadState(job, decider, 'a'))).state).toEqual(handled.state)
    given(decider)
      .when(at)
      .expectState([...handled.state])
  })

  test('also where the codec is an instance of a class', async () => {
    class Codec implements EventCodec<Marked> {
      readonly #json = jsonEvents<Marked>()
      encode(event: Marked): NewEvent {
        return this.#json.encode(event)
      }
      decode(encoded: EncodedEvent): Marked | undefined {
        return this.#json.decode(encoded)
      }
    }
    const { job } = await open({ journal: true })
    expect(await okOf(handleCommand(job, marks(new Codec()), 'a', 1))).toMatchObject({ streamSeq: 2 })
  })

  test('and an event that its codec does not read is told, not stored', async () => {
    const { job } = await open({ journal: true })
    const events = jsonEvents<DomainEvent>('marked')
    const decider = defineDecider({
      initial: () => 0,
      evolve: (count) => count + 1,
      decide: () => [{ type: 'unknown' }],
      events
    })
    await expect(handleCommand(job, decider, 'a', undefined)).rejects.toThrow('"unknown"')
    expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 0 })
  })
})

test.each([
  ['a function', () => {}],
  ['a symbol', Symbol('s')],
  ['what turns into nothing', { toJSON: () => undefined }],
  ['a bigint', 1n]
])('jsonEvents refuses data that is %s', (_, data) => {
  expect(() => jsonEvents().encode({ type: 'marked', data })).toThrow(TypeError)
})

describe('an idempotency key', () => {
  test('names one append of one stream', async () => {
    const { job } = await open({ journal: true })
    const key = { idempotencyKey: 'k' }
    await okOf(job.append({ type: 'noted' }, { ...key, stream: 'a' }))
    for (const options of [{ ...key, stream: 'b' }, key]) {
      const error = await errorOf(job.append({ type: 'noted' }, options))
      expect(error.code).toBe('ERR_KEY_REUSED')
    }
    expect(await okOf(job.append({ type: 'noted' }, { ...key, stream: 'a' }))).toMatchObject({
      repeated: true
    })
    await okOf(job.append({ type: 'noted' }, { idempotencyKey: 'alone' }))
    const error = await errorOf(job.append({ type: 'noted' }, { idempotencyKey: 'alone', stream: 'a' }))
    expect(error.code).toBe('ERR_KEY_REUSED')
    expect(await okOf(job.append({ type: 'noted' }, { idempotencyKey: 'alone' }))).toMatchObject({
      repeated: true
    })
    expect(await okOf(job.findAppend('k', { stream: 'a' }))).toMatchObject({ lastSeq: 1 })
    expect((await errorOf(job.findAppend('k', { stream: 'b' }))).code).toBe('ERR_KEY_REUSED')
    expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 2 })
  })

  test('of a command for another stream does not pass for that command', async () => {
    const { job } = await open({ journal: true })
    const decider = marks(jsonEvents())
    const options = { idempotencyKey: 'k' }
    await okOf(handleCommand(job, decider, 'a', 1, options))
    const error = await errorOf(handleCommand(job, decider, 'b', 1, options))
    expect(error).toMatchObject({ code: 'ERR_KEY_REUSED' })
    expect(await okOf(job.streamSeq('b'))).toBe(0)
  })

  test('that is used twice in one turn is told, too', async () => {
    const { job } = await open({ journal: true })
    const [first, second] = await Promise.all([
      job.append({ type: 'noted' }, { stream: 'a', idempotencyKey: 'k' }),
      job.append({ type: 'noted' }, { stream: 'b', idempotencyKey: 'k' })
    ])
    expect(await okOf(first)).toMatchObject({ lastSeq: 1 })
    expect((await errorOf(second)).code).toBe('ERR_KEY_REUSED')
  })
})

describe('commands of one process on one stream', () => {
  const tally = defineDecider({
    initial: () => 0,
    evolve: (count) => count + 1,
    decide: (command: number, count): DomainEvent[] => {
      if (command === 50) throw new Error('a bug')
      return [{ type: 'counted', data: [command, count] }]
    }
  })

  test('are carried out one after another, in order, and none is told of a conflict', async () => {
    const { job } = await open({ journal: true })
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, (_, n) =>
        okOf(handleCommand(job, tally, n % 2 === 0 ? 'a' : 'b', n, { retry: { attempts: 1 } }))
      )
    )
    expect(answers.flatMap(({ status }, n) => (status === 'rejected' ? [n] : []))).toEqual([50])
    const decided: unknown[] = []
    for await (const event of job.events({ stream: 'a' })) {
      if (event.kind === 'event') decided.push(jsonEvents().decode(event)?.data)
    }
    const given = Array.from({ length: 50 }, (_, n) => 2 * n).filter((n) => n !== 50)
    expect(decided).toEqual(given.map((n, count) => [n, count]))
  })
})
