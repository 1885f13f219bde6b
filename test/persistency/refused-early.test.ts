import { describe, expect, test } from '@jest/globals'
import { ok } from 'neverthrow'
import {
  defineCodec,
  defineDecider,
  defineProjection,
  defineTable,
  given,
  handleCommand,
  integer,
  json,
  jsonEvents,
  key,
  loadState,
  type string,
  struct,
  type TxOp,
  tuple
} from 'persistency'
import { useChannels } from '../support/channels.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const { open } = useStorage()
const channels = useChannels()

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

  test('an event of another type than those of its codec', () => {
    const codec = jsonEvents<Added | { type: 'removed' }>('added')
    expect(() => codec.encode({ type: 'removed' })).toThrow(
      new TypeError('events of this codec are of type "added"; got the string "removed"')
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

  test('a value that its codec makes no bytes of', async () => {
    const { job } = await open()
    const value = { ...json<string>(), encode: JSON.stringify as unknown as (value: string) => Uint8Array }
    const notes = defineTable('notes', { key: tuple(integer), value })
    expect(() => notes.put([1], 'x')).toThrow(TypeError)
    const error = await errorOf(job.table(notes).put([1], 'x'))
    expect([error.code, error.message]).toEqual(['ERR_VALUE', expect.stringContaining('category "notes"')])
    expect(await errorOf(job.persistEncoded('c', key(1), 'x', value))).toMatchObject({
      code: 'ERR_VALUE',
      message: expect.stringContaining('a codec has to make a Uint8Array')
    })
  })

  test('no codec, also where there is no row', async () => {
    const { job } = await open()
    const none = undefined as unknown as typeof string
    let asked = 0
    channels.on('tracing:persistency:request:start', () => asked++)
    expect((await errorOf(job.getDecoded('c', key(1), none))).code).toBe('ERR_VALUE')
    expect(asked).toBe(0)
  })

  test('types of events in a list, and what is no type', () => {
    const types = ['added', 'removed'] as unknown as string
    expect(() => jsonEvents(types)).toThrow(
      new TypeError('jsonEvents takes types, no list of them: write jsonEvents(...types)')
    )
    for (const wrong of ['', 5, undefined, '\ud800']) {
      expect(() => jsonEvents('added', wrong as string)).toThrow(/^a type of jsonEvents must be a non-empty/)
    }
  })

  test('a decider without its parts', () => {
    for (const [part, wrong] of [
      ...['initial', 'evolve', 'decide'].map((part) => [part, undefined] as const),
      ['events', 5] as const,
      ['events', null] as const
    ]) {
      const declare = () => defineDecider({ ...counter, [part]: wrong } as unknown as typeof counter)
      expect(declare).toThrow(new RegExp(`^${part} of a decider must be a (function|codec)`))
      expect(declare).toThrow(TypeError)
    }
  })

  test.each([
    ['a Promise', async () => []],
    ['undefined', () => undefined],
    ['an object', () => ({ type: 'added', data: 1 })],
    ['ok(...) of undefined', () => ok(undefined)],
    ['ok(...) of an object', () => ok({ type: 'added', data: 1 })]
  ])('%s as a decision', async (got, decide) => {
    const { job } = await open({ journal: true })
    const wrong = defineDecider({ ...counter, decide: decide as unknown as typeof counter.decide })
    const message = `decide must answer events in an array, ok(...) of such an array or err(...), at once; got ${got}`
    await expect(handleCommand(job, wrong, 'a', 3)).rejects.toThrow(new TypeError(message))
    expect(() => given(wrong).when(3)).toThrow(message)
    expect((await okOf(job.journalStatus())).lastSeq).toBe(0)
  })

  test('what is no job, no decider, no projection or no table', async () => {
    const { job } = await open({ journal: true })
    const parts = { name: 'n', version: 1, events: counter.events, initial: () => 0, apply: () => 0 }
    for (const wrong of [undefined, null, {}, 'a', parts] as never[]) {
      expect(() => handleCommand(wrong, counter, 'a', 3)).toThrow(
        /^what a stream is read from must be a Job; got/
      )
      expect(() => loadState(wrong, counter, 'a')).toThrow(TypeError)
      expect(() => handleCommand(job, wrong, 'a', 3)).toThrow(
        /^the decider must be one that defineDecider makes; got/
      )
      expect(() => loadState(job, wrong, 'a')).toThrow(TypeError)
      expect(() => job.projection(wrong)).toThrow(
        /^the projection must be one that defineProjection makes; got/
      )
      expect(() => job.table(wrong)).toThrow(/^the table must be one that defineTable makes; got/)
    }
    await okOf(job.projection({ ...defineProjection(parts), name: 'other' }))
  })

  test('keys of a table that are no list', async () => {
    const { job } = await open()
    const notes = job.table(defineTable('notes', { key: integer, value: json<string>() }))
    for (const wrong of [undefined, null, 5, 'x', new Set([1])] as never[]) {
      const error = await errorOf(notes.getMany(wrong))
      expect(error.code).toBe('ERR_KEY')
      expect(error.message).toMatch(/^keys must be an array of keys of the table; got/)
    }
  })

  test('a codec without its parts', () => {
    const { label, write, read } = integer
    expect(() => defineCodec({ label, write, read }).encode(1)).not.toThrow()
    for (const part of ['label', 'write', 'read']) {
      const declare = () => defineCodec({ label, write, read, [part]: undefined } as never)
      expect(declare).toThrow(TypeError)
      expect(declare).toThrow(part)
    }
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
