import { describe, expect, test } from '@jest/globals'
import { err, errAsync, ok, okAsync } from 'neverthrow'
import {
  defineDecider,
  type EventStreams,
  given,
  handleCommand,
  type Job,
  jsonEvents,
  key,
  loadState,
  PersistencyError
} from 'persistency'
import { all } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, textOf, utf8 } from '../support/storage-results.js'

type AccountEvent =
  | { type: 'opened' }
  | { type: 'deposited'; data: { amount: number } }
  | { type: 'withdrawn'; data: { amount: number } }

type Command = { kind: 'open' } | { kind: 'deposit'; amount: number } | { kind: 'withdraw'; amount: number }

const { open } = useStorage()

const account = defineDecider({
  initial: () => ({ open: false, balance: 0 }),
  evolve: (state, event: AccountEvent) => {
    switch (event.type) {
      case 'opened':
        return { ...state, open: true }
      case 'deposited':
        return { ...state, balance: state.balance + event.data.amount }
      case 'withdrawn':
        return { ...state, balance: state.balance - event.data.amount }
    }
  },
  decide: (command: Command, state) => {
    if (command.kind === 'open') return state.open ? ok([]) : ok([{ type: 'opened' }])
    if (!state.open) return err('not open' as const)
    if (command.kind === 'deposit') return ok([{ type: 'deposited', data: { amount: command.amount } }])
    if (command.amount > state.balance) return err('too little' as const)
    return ok([{ type: 'withdrawn', data: { amount: command.amount } }])
  }
})

const opened: AccountEvent = { type: 'opened' }
const deposited = (amount: number): AccountEvent => ({ type: 'deposited', data: { amount } })
const withdrawn = (amount: number): AccountEvent => ({ type: 'withdrawn', data: { amount } })

/** The streams of a job, some of whose calls are answered in another way. */
const streamsOf = (job: Job, own: Partial<EventStreams>): EventStreams => ({
  events: (options) => job.events(options),
  streamSeq: (stream) => job.streamSeq(stream),
  findAppend: (idempotencyKey) => job.findAppend(idempotencyKey),
  append: (events, options) => job.append(events, options),
  ...own
})

describe('specifications', () => {
  test('hold', () => {
    given(account).when({ kind: 'open' }).expectEvents(opened)
    given(account, opened).when({ kind: 'open' }).expectNothing()
    given(account).when({ kind: 'deposit', amount: 1 }).expectRefusal('not open')
    const withdrawal = given(account, opened, deposited(10)).when({ kind: 'withdraw', amount: 3 })
    withdrawal.expectEvents(withdrawn(3))
    withdrawal.expectState({ open: true, balance: 7 })
  })

  test('take events one by one, and no list of them', () => {
    const list = [opened, deposited(10)] as never
    const instead = (call: string): TypeError =>
      new TypeError(`events are passed one by one; got a list of them: write ${call}`)
    expect(() => given(account, list)).toThrow(instead('given(decider, ...events)'))
    const decided = given(account).when({ kind: 'open' })
    expect(() => decided.expectEvents(list)).toThrow(instead('expectEvents(...events)'))
  })

  test('or throw', () => {
    const strictly = 'Expected values to be strictly'
    const refused = given(account).when({ kind: 'deposit', amount: 1 })
    const wasRefused = "the command was refused: 'not open'"
    expect(() => refused.expectEvents(deposited(1))).toThrow(wasRefused)
    expect(() => refused.expectNothing()).toThrow(wasRefused)
    expect(() => refused.expectRefusal('too little')).toThrow(strictly)
    const done = given(account, opened).when({ kind: 'deposit', amount: 1 })
    expect(() => done.expectEvents(deposited(2))).toThrow(strictly)
    expect(() => done.expectEvents()).toThrow(strictly)
    expect(() => done.expectRefusal('not open')).toThrow(strictly)
    expect(() => done.expectState({ open: true, balance: 2 })).toThrow(strictly)
  })
})

describe('commands', () => {
  test('append what is decided, at the position where the stream was folded', async () => {
    const { job } = await open({ journal: true })
    expect(await okOf(handleCommand(job, account, 'a', { kind: 'open' }))).toMatchObject({
      events: [opened],
      state: { open: true, balance: 0 },
      streamSeq: 1
    })
    await okOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 10 }))
    expect(await okOf(loadState(job, account, 'a'))).toEqual({
      state: { open: true, balance: 10 },
      streamSeq: 2
    })
    expect(await okOf(loadState(job, account, 'b'))).toEqual({ state: account.initial(), streamSeq: 0 })
  })

  test('are seen in the state as of each event, also of one before the stream began', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.append({ type: 'foreign' }))
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    await okOf(handleCommand(job, account, 'b', { kind: 'open' }))
    await okOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 10 }))
    const asOf = (to: number) => okOf(loadState(job, account, 'a', { to }))
    for (const to of [0, 1]) expect(await asOf(to)).toEqual({ state: account.initial(), streamSeq: 0 })
    for (const to of [2, 3])
      expect(await asOf(to)).toEqual({ state: { open: true, balance: 0 }, streamSeq: 1 })
    for (const to of [4, 99])
      expect(await asOf(to)).toEqual({ state: { open: true, balance: 10 }, streamSeq: 2 })
    expect(await okOf(loadState(job, account, 'a', { to: undefined }))).toEqual(await asOf(4))
    expect((await errorOf(loadState(job, account, 'a', { to: -1 }))).code).toBe('ERR_OPTION')
    expect((await errorOf(loadState(job, account, 'a', { from: 1 } as never))).code).toBe('ERR_OPTION')
  })

  test('that change nothing append nothing', async () => {
    const { job } = await open({ journal: true })
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    const again = await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    expect(again).toEqual({
      events: [],
      state: { open: true, balance: 0 },
      streamSeq: 1,
      appended: undefined
    })
    expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 1 })
  })

  test('that are refused answer with the refusal', async () => {
    const { job } = await open({ journal: true })
    expect(await errorOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 1 }))).toBe('not open')
  })

  test('that are decided by throwing reject with what was thrown, and append nothing', async () => {
    const { job } = await open({ journal: true })
    const broken = defineDecider({
      ...account,
      decide: (): never => {
        throw new TypeError('a bug')
      }
    })
    await expect(handleCommand(job, broken, 'a', { kind: 'open' })).rejects.toThrow('a bug')
    expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 0 })
  })

  test('of rivals are decided again, so that none is lost and none goes too far', async () => {
    const { job, root } = await open({ journal: true })
    const rival = (await open({}, root)).job
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    await okOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 10 }))
    const retry = { attempts: 1000 }
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        handleCommand(n % 2 === 0 ? job : rival, account, 'a', { kind: 'withdraw', amount: 1 }, { retry })
      )
    )
    expect(answers.filter((answer) => answer.isOk())).toHaveLength(10)
    expect(answers.filter((answer) => answer.isErr() && answer.error === 'too little')).toHaveLength(10)
    expect(await okOf(loadState(job, account, 'a'))).toMatchObject({ state: { balance: 0 }, streamSeq: 12 })
  })

  test('end in a conflict when somebody is faster each time', async () => {
    const { job } = await open({ journal: true })
    let decisions = 0
    const slow: EventStreams = {
      events: (options) => job.events(options),
      streamSeq: (stream) => job.streamSeq(stream),
      findAppend: (key) => job.findAppend(key),
      append: (events, options) => {
        decisions++
        return job.append({ type: 'opened' }, { stream: 'a' }).andThen(() => job.append(events, options))
      }
    }
    const retry = { attempts: 3, delayMs: 0 }
    const error = await errorOf(
      handleCommand(slow, account, 'a', { kind: 'open' }, { retry: { attempts: 1 } })
    )
    expect(error).toMatchObject({ code: 'ERR_CONFLICT', conflict: { kind: 'stream', actualSeq: 1 } })
    const more = await errorOf(handleCommand(slow, account, 'a', { kind: 'deposit', amount: 1 }, { retry }))
    expect(more).toMatchObject({ code: 'ERR_CONFLICT' })
    expect(decisions).toBe(4)
  })

  test('carry metadata and operations along, and are carried out once per key', async () => {
    const { job } = await open({ journal: true })
    const options = {
      metadata: { correlationId: 'c1' },
      idempotencyKey: 'once',
      ops: (_: unknown, state: { balance: number }) => ({
        kind: 'put' as const,
        category: 'balances',
        key: key('a'),
        payload: utf8(String(state.balance))
      })
    }
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    await okOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 10 }, options))
    const again = await okOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 10 }, options))
    expect(again).toMatchObject({ events: [], state: { balance: 10 }, appended: { repeated: true } })
    expect(textOf(await okOf(job.get('balances', key('a'))))).toBe('10')
    const [deposit, ...further] = await all(job.events({ from: 2 }))
    expect(deposit).toMatchObject({ type: 'deposited', metadata: { correlationId: 'c1' } })
    expect(further).toEqual([])
  })

  test('that were carried out are not decided again, although they would be refused by now', async () => {
    const { job } = await open({ journal: true })
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    await okOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 10 }))
    const withdraw = { kind: 'withdraw', amount: 10 } as const
    const first = await okOf(handleCommand(job, account, 'a', withdraw, { idempotencyKey: 'w' }))
    await okOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 3 }))
    const again = await okOf(handleCommand(job, account, 'a', withdraw, { idempotencyKey: 'w' }))
    expect(again).toMatchObject({ events: [], state: { balance: 3 }, streamSeq: 4 })
    expect(again.appended).toEqual({ ...first.appended, repeated: true })
    expect((await okOf(job.journalStatus())).lastSeq).toBe(4)
  })

  test('need the whole stream', async () => {
    const { job } = await open({ journal: { maxEvents: 2 } })
    for (let n = 0; n < 3; n++) await okOf(job.append({ type: 'opened' }, { stream: 'a' }))
    expect((await errorOf(loadState(job, account, 'a'))).code).toBe('ERR_EVENTS_GONE')
    for (let n = 0; n < 3; n++) await okOf(job.append({ type: 'opened' }, { stream: 'b' }))
    const error = await errorOf(handleCommand(job, account, 'a', { kind: 'open' }))
    expect(error).toMatchObject({ code: 'ERR_EVENTS_GONE' })
  })

  test('that find nothing to do, and states, are only read for', async () => {
    const { job } = await open({ journal: { maxEvents: 3 } })
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }, { idempotencyKey: 'k' }))
    await okOf(job.append({ type: 'other' }))
    const reading: EventStreams = {
      events: (options) => job.events(options),
      streamSeq: (stream) => job.streamSeq(stream),
      findAppend: (idempotencyKey) => job.findAppend(idempotencyKey),
      append: () => {
        throw new Error('it is to be read only')
      }
    }
    const command = { kind: 'open' } as const
    expect(await okOf(loadState(reading, account, 'none'))).toMatchObject({ streamSeq: 0 })
    expect(await okOf(handleCommand(reading, account, 'a', command))).toMatchObject({ events: [] })
    const again = await okOf(handleCommand(reading, account, 'a', command, { idempotencyKey: 'k' }))
    expect(again.appended).toMatchObject({ firstSeq: 1, repeated: true })
    for (let n = 0; n < 3; n++) await okOf(job.append({ type: 'other' }))
    expect((await errorOf(loadState(reading, account, 'a'))).code).toBe('ERR_EVENTS_GONE')
  })

  test('fail on events that cannot be read', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.append({ type: 'deposited', data: utf8('no JSON') }, { stream: 'a' }))
    expect((await errorOf(loadState(job, account, 'a'))).code).toBe('ERR_VALUE')
    const events = jsonEvents<AccountEvent>('opened')
    expect(await okOf(loadState(job, { ...account, events }, 'a'))).toEqual({
      state: account.initial(),
      streamSeq: 1
    })
  })
})

describe('commands at the edge', () => {
  test('that are carried out twice at once under one key answer the state of now', async () => {
    const { job } = await open({ journal: true })
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    const deposit = (): ReturnType<
      typeof handleCommand<Command, AccountEvent, { balance: number }, string>
    > => handleCommand(job, account, 'a', { kind: 'deposit', amount: 5 }, { idempotencyKey: 'd' }) as never
    const both = await Promise.all([okOf(deposit()), okOf(deposit())])
    expect(both.map(({ events }) => events.length).sort()).toEqual([0, 1])
    for (const { state, streamSeq } of both) expect([state.balance, streamSeq]).toEqual([5, 2])
  })

  test('are told when all events of their stream have fallen off', async () => {
    const { job } = await open({ journal: { maxEvents: 5 } })
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    for (let n = 0; n < 10; n++) await okOf(job.append({ type: 'other' }))
    expect((await errorOf(loadState(job, account, 'a'))).code).toBe('ERR_EVENTS_GONE')
    expect((await errorOf(loadState(job, account, 'a', { to: 3 }))).code).toBe('ERR_EVENTS_GONE')
    const refused = await errorOf(handleCommand(job, account, 'a', { kind: 'deposit', amount: 1 }))
    expect(refused).toMatchObject({ code: 'ERR_EVENTS_GONE' })
    expect(await okOf(loadState(job, account, 'new'))).toMatchObject({ streamSeq: 0 })
    expect(await okOf(handleCommand(job, account, 'new', { kind: 'open' }))).toMatchObject({ streamSeq: 1 })
  })

  test('end in a conflict when a check among their operations does not hold', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.persistPut('emails', key('a@example.org'), utf8('taken')))
    const ops = () => [{ kind: 'check', category: 'emails', key: key('a@example.org') } as const]
    const command = { kind: 'open' } as const
    const error = await errorOf(
      handleCommand(job, account, 'a', command, { ops, retry: { attempts: 3, delayMs: 0 } })
    )
    expect(error).toMatchObject({ code: 'ERR_CONFLICT', conflict: { kind: 'check' } })
  })
})

describe('between two looks at a stream', () => {
  test('its first event may come, and is folded', async () => {
    const { job } = await open({ journal: true })
    const streams = streamsOf(job, {
      streamSeq: (stream) => job.append(opened, { stream }).andThen(() => job.streamSeq(stream))
    })
    expect(await okOf(loadState(streams, account, 'a'))).toEqual({
      state: { open: true, balance: 0 },
      streamSeq: 1
    })
  })

  test.each(['streamSeq', 'findAppend'] as const)(
    '%s may fail, which is answered, and nothing is appended',
    async (call) => {
      const { job } = await open({ journal: true })
      const late = new PersistencyError('ERR_TIMEOUT', 'too late')
      const streams = streamsOf(job, { [call]: () => errAsync(late) })
      const command = { kind: 'open' } as const
      expect(await errorOf(handleCommand(streams, account, 'a', command, { idempotencyKey: 'k' }))).toBe(late)
      if (call === 'streamSeq') expect(await errorOf(loadState(streams, account, 'a'))).toBe(late)
      expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 0 })
    }
  )

  test.each([
    ['refuses', () => err('open already' as const)],
    ['has nothing come of', () => []],
    [
      'throws at',
      () => {
        throw new TypeError('open already')
      }
    ]
  ])(
    'somebody else may carry a command out under its key, and what %s it is not the answer',
    async (_, again) => {
      const { job } = await open({ journal: true })
      const once = defineDecider({
        ...account,
        decide: (_: Command, state) => (state.open ? again() : ok([{ type: 'opened' }]))
      })
      const command = { kind: 'open' } as const
      const options = { idempotencyKey: 'k' }
      let asked = 0
      const streams = streamsOf(job, {
        findAppend: (idempotencyKey) =>
          job.findAppend(idempotencyKey).andThen((found) => {
            if (asked++ > 0) return okAsync(found)
            return job.append(opened, { stream: 'a', idempotencyKey }).map(() => found)
          })
      })
      expect(await okOf(handleCommand(streams, once, 'a', command, options))).toEqual({
        events: [],
        state: { open: true, balance: 0 },
        streamSeq: 1,
        appended: { firstSeq: 1, lastSeq: 1, streamSeq: 1, repeated: true }
      })
    }
  )

  test('a key is looked for once where something is appended, and once more before a refusal', async () => {
    const { job } = await open({ journal: true })
    let asked = 0
    const streams = streamsOf(job, {
      findAppend: (idempotencyKey) => {
        asked++
        return job.findAppend(idempotencyKey)
      }
    })
    await okOf(handleCommand(streams, account, 'a', { kind: 'open' }, { idempotencyKey: 'k' }))
    expect(asked).toBe(1)
    const withdraw = { kind: 'withdraw', amount: 1 } as const
    const refused = handleCommand(streams, account, 'a', withdraw, { idempotencyKey: 'w' })
    expect(await errorOf(refused)).toBe('too little')
    expect(asked).toBe(3)
  })

  test('the second look for a key may fail, which is answered', async () => {
    const { job } = await open({ journal: true })
    const late = new PersistencyError('ERR_TIMEOUT', 'too late')
    let asked = 0
    const streams = streamsOf(job, {
      findAppend: () => (asked++ === 0 ? okAsync(undefined) : errAsync(late))
    })
    const deposit = { kind: 'deposit', amount: 1 } as const
    expect(await errorOf(handleCommand(streams, account, 'a', deposit, { idempotencyKey: 'k' }))).toBe(late)
  })

  test('somebody else may carry a command out under its key, after which the state of now is answered', async () => {
    const { job } = await open({ journal: true })
    await okOf(handleCommand(job, account, 'a', { kind: 'open' }))
    const streams = streamsOf(job, {
      append: (events, options) =>
        job
          .append(events, { stream: 'a', idempotencyKey: 'd' })
          .andThen(() => job.append(events, { stream: 'a' }))
          .andThen(() => job.append(events, options))
    })
    const command = { kind: 'deposit', amount: 5 } as const
    // A conflict would not be decided again.
    const options = { idempotencyKey: 'd', retry: { attempts: 1 } }
    expect(await okOf(handleCommand(streams, account, 'a', command, options))).toEqual({
      events: [],
      state: { open: true, balance: 10 },
      streamSeq: 3,
      appended: expect.objectContaining({ firstSeq: 2, repeated: true })
    })
  })
})
