import { describe, expect, test } from '@jest/globals'
import { key, type NewEvent } from 'persistency'
import { all, journalOf, ownEvents, put, requireGapless, shown, shownOps } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { refusePayload } from '../support/storage-sqlite.js'

const storage = useStorage()

const noted = (text: string): NewEvent => ({ type: 'noted', data: utf8(text) })

describe('append', () => {
  test('stores events and operations together, and answers where they are', async () => {
    const { job } = await storage.open({ journal: true })
    void job.persistPut('c', key('before'), utf8('x'))
    const answer = await okOf(
      job.append([noted('one'), { type: 'closed' }], {
        stream: 'note-1',
        ops: [put('a'), put('b')],
        metadata: { correlationId: 'request 7' }
      })
    )
    expect(answer).toEqual({ firstSeq: 2, lastSeq: 3, streamSeq: 2, repeated: false })
    const [, one, closed] = await journalOf(job)
    expect(one).toMatchObject({ kind: 'event', seq: 2, type: 'noted', stream: 'note-1', streamSeq: 1 })
    expect(closed).toMatchObject({ kind: 'event', seq: 3, type: 'closed', stream: 'note-1', streamSeq: 2 })
    const own = ownEvents([one, closed].filter((event) => event !== undefined))
    expect(own.map(({ data, metadata }) => [textOf(data), metadata])).toEqual([
      ['one', { correlationId: 'request 7' }],
      ['', { correlationId: 'request 7' }]
    ])
    expect(own.map(({ ops }) => shownOps(ops).length)).toEqual([0, 2])
    expect(await okOf(job.count('c', keyOf()))).toBe(3)
  })

  test('takes one event without a stream, with metadata of its own', async () => {
    const { job } = await storage.open({ journal: true })
    const metadata = { causationId: 'e1', tenant: 'ä' }
    const answer = await okOf(
      job.append({ type: 'noted', metadata }, { metadata: { causationId: 'e0', correlationId: 'c' } })
    )
    expect(answer).toEqual({ firstSeq: 1, lastSeq: 1, streamSeq: 0, repeated: false })
    const [event] = ownEvents(await journalOf(job))
    expect(event?.metadata).toEqual({ causationId: 'e1', tenant: 'ä', correlationId: 'c' })
    expect(event).not.toHaveProperty('stream')
  })

  test('keeps its place between the writes before and after it', async () => {
    const { job } = await storage.open({ journal: true })
    void job.persistPut('c', key(1), utf8('x'))
    const first = job.append(noted('a'))
    void job.persistPut('c', key(2), utf8('x'))
    const second = job.append(noted('b'))
    await okOf(first)
    await okOf(second)
    expect(shown(await journalOf(job))).toEqual(['1 write', '2 noted a', '3 write', '4 noted b'])
  })

  test('of operations that fail leaves no event', async () => {
    const { job, file } = await storage.open({ journal: true })
    refusePayload(file, utf8('bad'), 'ABORT')
    const ops = [put('a'), put('b', 'bad')]
    expect((await errorOf(job.append(noted('x'), { stream: 's', ops }))).code).toBe('ERR_STORAGE')
    const checked = job.append(noted('x'), {
      stream: 's',
      ops: [put('a'), { kind: 'check', category: 'c', key: key('b'), equals: utf8('y') }]
    })
    expect((await errorOf(checked)).code).toBe('ERR_CONFLICT')
    expect(await okOf(job.append(noted('y'), { stream: 's' }))).toMatchObject({ firstSeq: 1, streamSeq: 1 })
    expect(await okOf(job.count('c', keyOf()))).toBe(0)
    expect((await okOf(job.compareWithJournal())).differing).toBe(0)
  })
})

describe('expectedSeq', () => {
  test('none, a number and any are told apart', async () => {
    const { job } = await storage.open({ journal: true })
    const at = (expectedSeq: number | 'any' | 'none') => job.append(noted('x'), { stream: 's', expectedSeq })
    expect(await okOf(at('none'))).toMatchObject({ streamSeq: 1 })
    expect(await okOf(at(1))).toMatchObject({ streamSeq: 2 })
    expect(await okOf(at('any'))).toMatchObject({ streamSeq: 3 })
    for (const expectedSeq of ['none', 0, 2, 4] as const) {
      const error = await errorOf(at(expectedSeq))
      expect(error).toMatchObject({ code: 'ERR_CONFLICT', kind: 'conflict' })
      expect(error.conflict).toEqual({ kind: 'stream', stream: 's', expectedSeq, actualSeq: 3 })
    }
    const other = job.append(noted('x'), { stream: 'other', expectedSeq: 0 })
    expect(await okOf(other)).toMatchObject({ streamSeq: 1 })
    expect(shown(await journalOf(job))).toHaveLength(4)
  })

  test('lets one of many rivals win, in one transaction and in many', async () => {
    const { job } = await storage.open({ journal: true })
    for (let round = 0; round < 5; round++) {
      const rivals = Array.from({ length: 8 }, (_, n) =>
        job.append(noted(`${round} ${n}`), { stream: 's', expectedSeq: round })
      )
      const answers = await Promise.all(rivals)
      expect(answers.filter((answer) => answer.isOk())).toHaveLength(1)
    }
    requireGapless(await journalOf(job), 1)
  })

  test('holds for a stream whose events have all fallen off', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 2 } })
    await okOf(job.append([noted('1'), noted('2')], { stream: 's' }))
    for (let n = 0; n < 10; n++) await okOf(job.persistAcked(put(n)))
    expect(
      (await errorOf(job.append(noted('3'), { stream: 's', expectedSeq: 'none' }))).conflict
    ).toMatchObject({
      actualSeq: 2
    })
    expect(await okOf(job.append(noted('3'), { stream: 's', expectedSeq: 2 }))).toMatchObject({
      streamSeq: 3
    })
  })
})

describe('idempotencyKey', () => {
  test('a second append answers what the first did, and writes nothing', async () => {
    const { job, persistency } = await storage.open({ journal: true })
    const options = {
      stream: 's',
      expectedSeq: 'none',
      idempotencyKey: 'order 7',
      ops: put('a', '1')
    } as const
    const [first, again] = await Promise.all([
      job.append([noted('x'), noted('y')], options),
      job.append(noted('other'), { ...options, ops: put('a', '2') })
    ])
    expect(await okOf(first)).toEqual({ firstSeq: 1, lastSeq: 2, streamSeq: 2, repeated: false })
    expect(await okOf(again)).toEqual({ firstSeq: 1, lastSeq: 2, streamSeq: 2, repeated: true })
    await okOf(job.close())
    const reopened = await okOf(persistency.openJob('tenant', { journal: true }))
    expect(await okOf(reopened.append(noted('x'), options))).toMatchObject({ lastSeq: 2, repeated: true })
    expect(textOf(await okOf(reopened.get('c', key('a'))))).toBe('1')
    expect(shown(await journalOf(reopened))).toEqual(['1 noted x', '2 noted y'])
  })

  test('of an append that failed is free', async () => {
    const { job } = await storage.open({ journal: true })
    const options = { stream: 's', expectedSeq: 5, idempotencyKey: 'k' }
    expect((await errorOf(job.append(noted('x'), options))).code).toBe('ERR_CONFLICT')
    expect(await okOf(job.append(noted('x'), { ...options, expectedSeq: 0 }))).toMatchObject({
      repeated: false
    })
  })

  test('is forgotten with the events of its append', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 2 } })
    await okOf(job.append(noted('x'), { idempotencyKey: 'k' }))
    for (let n = 0; n < 3; n++) await okOf(job.persistAcked(put(n)))
    expect(await okOf(job.append(noted('x'), { idempotencyKey: 'k' }))).toMatchObject({ repeated: false })
  })
})

describe('what was appended', () => {
  test('is asked for in line with the writes, and outlives the events', async () => {
    const { job, persistency } = await storage.open({ journal: { maxEvents: 2 } })
    const before = job.streamSeq('s')
    void job.append([noted('x'), noted('y')], { stream: 's', idempotencyKey: 'k' })
    const answers = [before, job.streamSeq('s'), job.streamSeq('other')]
    expect(await Promise.all(answers.map(okOf))).toEqual([0, 2, 0])
    for (let n = 0; n < 3; n++) await okOf(job.persistAcked(put(n)))
    expect(await all(job.events({ stream: 's' }))).toEqual([])
    expect(await okOf(job.streamSeq('s'))).toBe(2)
    await okOf(job.close())
    await okOf(persistency.openJob('tenant'))
    expect(await okOf(persistency.streamSeq('tenant', 's'))).toBe(2)
  })

  test('is found by its key as long as it is remembered', async () => {
    const { job, persistency } = await storage.open({ journal: { maxEvents: 2 } })
    expect(await okOf(job.findAppend('k'))).toBeUndefined()
    void job.append(noted('x'), { stream: 's', idempotencyKey: 'k' })
    const then = { firstSeq: 1, lastSeq: 1, streamSeq: 1, repeated: true }
    expect(await okOf(job.findAppend('k'))).toEqual(then)
    expect(await okOf(persistency.findAppend('tenant', 'k'))).toEqual(then)
    for (let n = 0; n < 3; n++) await okOf(job.persistAcked(put(n)))
    expect(await okOf(job.findAppend('k'))).toBeUndefined()
  })

  test.each([[''], ['\ud800'], [7], [undefined]])('is not asked for by %p', async (name) => {
    const { job } = await storage.open({ journal: true })
    expect((await errorOf(job.streamSeq(name as string))).code).toBe('ERR_OPTION')
    expect((await errorOf(job.findAppend(name as string))).code).toBe('ERR_OPTION')
    expect((await errorOf(job.streamSeq('s', { timeoutMs: -1 }))).code).toBe('ERR_OPTION')
  })
})

test('the events of one stream are read without the others', async () => {
  const { job } = await storage.open({ journal: true })
  for (let n = 0; n < 300; n++) {
    void job.append(noted(`${n}`), { stream: `s${n % 3}` })
    void job.persistPut('c', key(n), utf8('x'))
  }
  const events = ownEvents(await all(job.events({ stream: 's1', pageSize: 7 })))
  expect(events.map(({ data }) => Number(textOf(data)))).toEqual(
    Array.from({ length: 100 }, (_, n) => n * 3 + 1)
  )
  expect(events.map(({ streamSeq }) => streamSeq)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
  const [from, to] = [events[10]?.seq as number, events[19]?.seq as number]
  expect(ownEvents(await all(job.events({ stream: 's1', from: from - 1, to })))).toEqual(events.slice(10, 20))
  expect(await all(job.events({ stream: 'none' }))).toEqual([])
})

describe('what is no event is refused', () => {
  test.each([
    ['no event at all', [], 'ERR_EVENT', 'no event'],
    ['a text', 'noted', 'ERR_EVENT', '"noted"'],
    ['an empty type', { type: '' }, 'ERR_EVENT', 'the type'],
    ['data that is no bytes', { type: 'x', data: 'text' }, 'ERR_EVENT', 'the data of event "x"'],
    ['metadata of numbers', { type: 'x', metadata: { correlationId: 5 } }, 'ERR_EVENT', '"correlationId"'],
    ['a lone surrogate', { type: '\ud800' }, 'ERR_EVENT', 'well-formed'],
    ['a misspelled field', { type: 'x', payload: utf8('x') }, 'ERR_EVENT', 'an event has no field "payload"'],
    [
      'a misplaced option',
      [{ type: 'x' }, { type: 'x', stream: 's' }],
      'ERR_EVENT',
      'known are type, data, meta'
    ]
  ])('%s', async (_, events, code, message) => {
    const { job } = await storage.open({ journal: true })
    const error = await errorOf(job.append(events as never))
    expect(error.code).toBe(code)
    expect(error.message).toContain(message)
    expect(await journalOf(job)).toEqual([])
  })

  test('but an event of a class may hold more', async () => {
    class Noted {
      readonly type = 'noted'
      readonly at = new Date()
    }
    const { job } = await storage.open({ journal: true })
    await okOf(job.append(new Noted()))
    expect(await journalOf(job)).toHaveLength(1)
  })

  test.each([
    [{ expectedSeq: 1 }, 'ERR_OPTION'],
    [{ stream: 's', expectedSeq: -1 }, 'ERR_OPTION'],
    [{ stream: '' }, 'ERR_OPTION'],
    [{ idempotencyKey: 7 }, 'ERR_OPTION'],
    [{ unknown: 1 }, 'ERR_OPTION'],
    [{ ops: [{ kind: 'put' }] }, 'ERR_CATEGORY'],
    [{ metadata: 'text' }, 'ERR_EVENT']
  ])('options %j', async (options, code) => {
    const { job } = await storage.open({ journal: true })
    expect((await errorOf(job.append(noted('x'), options as never))).code).toBe(code)
    expect(await journalOf(job)).toEqual([])
  })
})
