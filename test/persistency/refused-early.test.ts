import { describe, expect, test } from '@jest/globals'
import {
  defineDecider,
  defineTable,
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
