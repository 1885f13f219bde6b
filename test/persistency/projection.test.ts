import { describe, expect, test } from '@jest/globals'
import { defineProjection, int64, type Job, jsonEvents, type Key, key, projected, rawKey } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

type AccountEvent =
  | { type: 'opened'; data: { owner: string } }
  | { type: 'deposited'; data: { amount: number } }
  | { type: 'closed' }

const { open } = useStorage()

const accountEvents = jsonEvents<AccountEvent>('opened', 'deposited', 'closed')
const deposited = (amount: number): AccountEvent => ({ type: 'deposited', data: { amount } })

const balances = defineProjection({
  name: 'balances',
  version: 1,
  events: accountEvents,
  key: (_, { stream }) => (stream === undefined ? undefined : key(stream)),
  initial: () => ({ balance: 0 }),
  apply: (state, event) => {
    if (event.type === 'closed') return undefined
    return event.type === 'deposited' ? { balance: state.balance + event.data.amount } : state
  }
})

const total = defineProjection({
  name: 'total',
  version: 1,
  events: accountEvents,
  initial: () => 0n,
  apply: (sum, event) => (event.type === 'deposited' ? sum + BigInt(event.data.amount) : sum),
  codec: int64
})

const append = (job: Job, stream: string, ...events: AccountEvent[]) =>
  okOf(job.append(events.map(accountEvents.encode), { stream }))

describe('a projection', () => {
  test('is caught up with what is there, and kept live', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', { type: 'opened', data: { owner: 'ann' } }, deposited(10))
    const model = await okOf(job.projection(balances))
    await okOf(model.caughtUp())
    expect(await okOf(model.get(key('a')))).toEqual({ balance: 10 })
    await append(job, 'b', deposited(5))
    await append(job, 'a', { type: 'closed' })
    await okOf(model.caughtUp())
    expect(await okOf(model.get(key('a')))).toBeUndefined()
    expect(await okOf(model.scan())).toEqual([{ key: key('b'), state: { balance: 5 } }])
    expect(model.category).toBe('projection/balances')
  })

  test('without keys has one state, the initial one at first', async () => {
    const { job } = await open({ journal: true })
    const model = await okOf(job.projection(total))
    expect(await okOf(model.state())).toBe(0n)
    await append(job, 'a', deposited(3), deposited(4))
    await okOf(model.caughtUp())
    expect(await okOf(model.state())).toBe(7n)
  })

  test('leaves events alone that are none of its own', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.append({ type: 'foreign', data: utf8('no JSON') }, { stream: 'a' }))
    await okOf(job.append(accountEvents.encode(deposited(1))))
    const model = await okOf(job.projection(balances))
    await okOf(model.caughtUp())
    expect(await okOf(model.scan())).toEqual([])
  })

  test('has each event exactly once, under load and over restarts', async () => {
    const { job, persistency } = await open({ journal: true })
    let at = job
    const load = (job: Job) => {
      const writes: unknown[] = []
      for (let n = 0; n < 400; n++) {
        writes.push(job.append(accountEvents.encode(deposited(1)), { stream: `s${n % 7}` }))
        writes.push(job.persistPut('noise', key(n), utf8('x')))
      }
      return Promise.all(writes)
    }
    for (let round = 1; round <= 3; round++) {
      await okOf(at.projection(total))
      await okOf(at.projection(balances))
      await load(at)
      await okOf(persistency.closeJob('tenant'))
      at = await okOf(persistency.openJob('tenant'))
    }
    const sum = await okOf(at.projection(total))
    const model = await okOf(at.projection(balances))
    await okOf(sum.caughtUp())
    await okOf(model.caughtUp())
    expect(await okOf(sum.state())).toBe(1200n)
    const rows = await okOf(model.scan())
    expect(rows.reduce((all, { state }) => all + state.balance, 0)).toBe(1200)
    expect((await errorOf(model.scan(undefined as never))).code).toBe('ERR_RANGE')
    expect(await okOf(at.compareWithJournal())).toMatchObject({ differing: 0 })
  })

  test('stops at an event that cannot be applied, or parks it', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', deposited(1))
    await okOf(job.append({ type: 'deposited', data: utf8('no JSON') }, { stream: 'a' }))
    await append(job, 'a', deposited(2))
    const retry = { attempts: 1 }
    const stopped = await okOf(job.projection(balances, { retry }))
    expect((await stopped.ended)._unsafeUnwrapErr()).toMatchObject({
      code: 'ERR_HANDLER_FAILED',
      message: expect.stringContaining('projection "balances" failed once on event 2: ')
    })
    expect(await okOf(stopped.get(key('a')))).toEqual({ balance: 1 })
    const model = await okOf(job.projection(balances, { retry, onPoison: 'park' }))
    await okOf(model.caughtUp())
    expect(await okOf(model.get(key('a')))).toEqual({ balance: 3 })
    expect(await okOf(job.subscriptions.parked('projection/balances'))).toMatchObject([{ event: { seq: 2 } }])
  })

  test('is kept by one at a time', async () => {
    const { job } = await open({ journal: true })
    const model = await okOf(job.projection(balances))
    expect((await errorOf(job.projection(balances))).code).toBe('ERR_SUBSCRIPTION_HELD')
    await model.stop()
    await okOf(job.projection(balances))
  })

  test('shares its checkpoint with no subscription', async () => {
    const { job } = await open({ journal: true })
    const error = await errorOf(job.subscription('projection/balances', () => {}))
    expect(error).toMatchObject({ code: 'ERR_OPTION' })
  })

  test('that comes too late for some events is told nothing that it cannot do', async () => {
    const { job } = await open({ journal: { maxEvents: 3 } })
    await append(job, 'a', deposited(1))
    const overtaken = await okOf(job.projection(total))
    await okOf(overtaken.caughtUp())
    await overtaken.stop()
    for (let n = 0; n < 5; n++) await append(job, 'a', deposited(1))
    for (const late of [job.projection(balances), job.projection(total)]) {
      const error = await errorOf(late)
      expect(error).toMatchObject({ code: 'ERR_EVENTS_GONE' })
      expect(error.message).toContain('needs every event')
      expect(error.message).not.toMatch(/startAt|moveTo/)
    }
  })

  test('tells of a row that cannot be read', async () => {
    const { job } = await open({ journal: true })
    const model = await okOf(job.projection(balances))
    await okOf(job.persistPut(model.category, key('a'), utf8('no JSON')))
    expect((await errorOf(model.get(key('a')))).code).toBe('ERR_VALUE')
    expect((await errorOf(model.get('a' as never))).code).toBe('ERR_KEY')
  })
})

describe('making a projection anew', () => {
  const doubled: typeof balances = { ...balances, version: 2, apply: twice(balances) }

  test('happens when the version is another one', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', deposited(10))
    const first = await okOf(job.projection(balances))
    await okOf(first.caughtUp())
    await okOf(job.persistPut(first.category, key('left over'), utf8('{}')))
    expect(first.reset).toBe(false)
    await first.stop()
    const second = await okOf(job.projection(doubled))
    expect(second.reset).toBe(true)
    await okOf(second.caughtUp())
    expect(await okOf(second.scan())).toEqual([{ key: key('a'), state: { balance: 20 } }])
    await second.stop()
    expect((await okOf(job.projection(doubled))).reset).toBe(false)
  })

  test('happens when it is asked for, tells how far it is, and goes on live', async () => {
    const { job } = await open({ journal: true })
    for (let n = 0; n < 600; n++) void job.append(accountEvents.encode(deposited(1)), { stream: 'a' })
    const model = await okOf(job.projection(balances))
    await okOf(model.caughtUp())
    await okOf(job.persistPut(model.category, key('strange'), utf8('{}')))
    const progress: { done: number; total: number }[] = []
    const rebuilding = model.rebuild({ onProgress: (step) => progress.push(step) })
    const writes = Array.from({ length: 50 }, () =>
      job.append(accountEvents.encode(deposited(1)), { stream: 'a' })
    )
    await okOf(rebuilding)
    await Promise.all(writes)
    await okOf(model.caughtUp())
    expect(await okOf(model.scan())).toEqual([{ key: key('a'), state: { balance: 650 } }])
    expect(progress[0]?.done).toBe(0)
    expect(progress.at(-1)).toMatchObject({ done: progress[0]?.total })
    expect(progress.map(({ done }) => done)).toEqual(progress.map(({ done }) => done).sort((a, b) => a - b))
  })

  test('removes nothing when the first events have fallen off', async () => {
    const { job } = await open({ journal: { maxEvents: 3 } })
    await append(job, 'a', deposited(1))
    const model = await okOf(job.projection(balances))
    await okOf(model.caughtUp())
    for (let n = 0; n < 5; n++) {
      await append(job, 'a', deposited(1))
      await okOf(model.caughtUp())
    }
    expect((await errorOf(model.rebuild())).code).toBe('ERR_EVENTS_GONE')
    expect(await okOf(model.get(key('a')))).toEqual({ balance: 6 })
    await model.stop()
    expect((await errorOf(job.projection(doubled))).code).toBe('ERR_EVENTS_GONE')
    expect(await okOf(model.get(key('a')))).toEqual({ balance: 6 })
    expect((await errorOf(model.rebuild())).code).toBe('ERR_SUBSCRIPTION_ENDED')
  })

  test('is told by its own name that limits have overtaken it', async () => {
    const { job } = await open({ journal: { maxEvents: 3 } })
    await append(job, 'a', deposited(1))
    const model = await okOf(job.projection(balances))
    await okOf(model.caughtUp())
    await append(job, 'a', ...Array.from({ length: 9 }, () => deposited(1)))
    const error = (await model.ended)._unsafeUnwrapErr()
    expect(error.code).toBe('ERR_EVENTS_GONE')
    expect(error.message).toMatch(/^projection "balances" was overtaken: .* needs every event from the first/)
    const message = 'projection "balances" has ended; open the projection again to go on from its checkpoint'
    expect(await errorOf(model.rebuild())).toMatchObject({ code: 'ERR_SUBSCRIPTION_ENDED', message })
  })

  test('removes nothing with a signal that has fired, or fires before that', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', deposited(1))
    const model = await okOf(job.projection(balances))
    await okOf(model.caughtUp())
    expect((await errorOf(model.rebuild({ signal: AbortSignal.abort() }))).code).toBe('ERR_ABORTED')
    const abort = new AbortController()
    const rebuilding = model.rebuild({ signal: abort.signal })
    abort.abort()
    expect((await errorOf(rebuilding)).code).toBe('ERR_ABORTED')
    // Only what is removed is an event of the journal.
    expect((await okOf(job.journalStatus())).lastSeq).toBe(2)
    expect(await okOf(model.get(key('a')))).toEqual({ balance: 1 })
  })

  test('ends with an error of the one who watches it', async () => {
    const { job } = await open({ journal: true })
    const model = await okOf(job.projection(balances))
    const onProgress = () => {
      throw new Error('refused')
    }
    expect((await errorOf(model.rebuild({ onProgress }))).code).toBe('ERR_OPTION')
    expect((await errorOf(model.rebuild({ onProgress: 1 } as never))).code).toBe('ERR_OPTION')
  })
})

describe('declaring and specifying', () => {
  test('a declaration that cannot work throws', () => {
    const parts = { name: 'n', version: 1, events: accountEvents, initial: () => 0, apply: () => 0 }
    for (const wrong of [
      { name: '' },
      { version: 0.5 },
      { initial: 0 },
      { apply: undefined },
      { key: 'k' },
      { events: undefined },
      { events: { encode: () => ({ type: 'e' }) } },
      { codec: {} },
      { codec: null },
      { stream: '' },
      { stream: 5 },
      { category: 5 },
      { category: '\ud800' }
    ]) {
      expect(() => defineProjection({ ...parts, ...(wrong as object) })).toThrow(TypeError)
    }
    for (const right of [{ category: '' }, { codec: int64 }, { stream: 's' }]) {
      expect(defineProjection({ ...parts, ...(right as object) })).toMatchObject(right)
    }
  })

  test('a specification holds, or throws', () => {
    const spec = projected(
      balances,
      { stream: 'a', event: deposited(10) },
      { stream: 'b', event: deposited(1) },
      { stream: 'b', event: { type: 'closed' } },
      deposited(99)
    )
    spec.expectRow(key('a'), { balance: 10 })
    spec.expectRow(key('b'), undefined)
    spec.expectRows([[key('a'), { balance: 10 }]])
    expect(() => spec.expectRow(key('a'), { balance: 11 })).toThrow('Expected values to be strictly')
    expect(() => spec.expectRows([])).toThrow('Expected values to be strictly')
    projected(total).expectState(0n)
    projected(total, deposited(4), deposited(5)).expectState(9n)
    expect(() => projected(total).expectState(1n)).toThrow('Expected values to be strictly')
    const list = [deposited(4)] as never
    expect(() => projected(total, list)).toThrow(
      new TypeError(
        'events are passed one by one; got a list of them: write projected(projection, ...events)'
      )
    )
  })

  test('a specification finds what stops the projection of a job', async () => {
    const keyless = { ...balances, key: () => 'text' as unknown as Key }
    expect(() => projected(keyless, deposited(1))).toThrow('the key of a projection must be a Key')
    const { job } = await open({ journal: true })
    await okOf(job.append(accountEvents.encode(deposited(1))))
    const model = await okOf(job.projection(keyless, { retry: { attempts: 1 } }))
    const ended = await model.ended
    expect(ended._unsafeUnwrapErr().cause).toMatchObject({ code: 'ERR_KEY' })
  })

  test('what a specification says is what a job has', async () => {
    const { job } = await open({ journal: true })
    const events = [deposited(1), deposited(2)]
    await okOf(job.append(events.map(accountEvents.encode)))
    const model = await okOf(job.projection(total))
    await okOf(model.caughtUp())
    projected(total, ...events).expectState(await okOf(model.state()))
    expect(await okOf(job.get(model.category, rawKey(new Uint8Array(0))))).toEqual(int64.encode(3n))
  })
})

describe('the state of a projection', () => {
  const whole = {
    encode: (n: number) => int64.encode(BigInt(n)),
    decode: (bytes: Uint8Array) => Number(int64.decode(bytes))
  }

  test('is the same however many events share a transaction', async () => {
    const { job } = await open({ journal: true })
    const halves = defineProjection({
      name: 'halves',
      version: 1,
      events: accountEvents,
      initial: () => 0,
      apply: (sum) => sum + 1.5,
      codec: { ...whole, encode: (n) => whole.encode(Math.floor(n)) }
    })
    const model = await okOf(job.projection(halves))
    for (let n = 0; n < 4; n++) {
      await append(job, 'a', deposited(1))
      await okOf(model.caughtUp())
    }
    expect(await okOf(model.state())).toBe(4)
    await okOf(model.rebuild())
    expect(await okOf(model.state())).toBe(4)
    projected(halves, ...Array.from({ length: 4 }, () => deposited(1))).expectState(4)
  })

  test('is untouched by an event that apply throws on', async () => {
    const { job } = await open({ journal: true })
    const careless = defineProjection({
      name: 'careless',
      version: 1,
      events: accountEvents,
      initial: () => ({ seen: 0 }),
      apply: (state, event) => {
        state.seen++
        if (event.type === 'closed') throw new Error('closed')
        return state
      }
    })
    await append(job, 'a', deposited(1), { type: 'closed' }, deposited(1))
    const model = await okOf(job.projection(careless, { retry: { attempts: 1 }, onPoison: 'park' }))
    await okOf(model.caughtUp())
    expect(await okOf(model.state())).toEqual({ seen: 2 })
  })

  test('is the initial one before the first event, as it is specified', async () => {
    const parts = { name: 'at', version: 1, events: accountEvents }
    const dated = defineProjection({
      ...parts,
      initial: () => ({ at: new Date(0) }),
      apply: (state) => state
    })
    const { job } = await open({ journal: true })
    const model = await okOf(job.projection(dated))
    projected(dated).expectState(await okOf(model.state()))
    await append(job, 'a', deposited(1))
    await okOf(model.caughtUp())
    projected(dated, deposited(1)).expectState(await okOf(model.state()))
  })

  test('stays what it is when its codec writes the next one into the same bytes', async () => {
    const scratch = new Uint8Array(1)
    const codec = {
      encode: (sum: number) => {
        scratch[0] = sum
        return scratch
      },
      decode: ([sum]: Uint8Array) => sum as number
    }
    const sums = defineProjection({
      name: 'sums',
      version: 1,
      events: accountEvents,
      key: (_, { stream }) => key(stream ?? ''),
      initial: () => 0,
      apply: (sum, event) => sum + (event.type === 'deposited' ? event.data.amount : 0),
      codec
    })
    const { job } = await open({ journal: true })
    const events = [1, 2, 3].map((amount) =>
      job.append(accountEvents.encode(deposited(amount)), { stream: `${amount}` })
    )
    await Promise.all(events)
    const model = await okOf(job.projection(sums))
    await okOf(model.caughtUp())
    expect((await okOf(model.scan())).map(({ state }) => state)).toEqual([1, 2, 3])
    const given = [1, 2, 3].map((amount) => ({ stream: `${amount}`, event: deposited(amount) }))
    projected(sums, ...given).expectRows([1, 2, 3].map((amount) => [key(`${amount}`), amount]))
  })

  test('that is encoded as no bytes is the failure of that event', async () => {
    const { job } = await open({ journal: true })
    const codec = { encode: () => 'text' as never, decode: () => 0 }
    const parts = { name: 'wrong', version: 1, events: accountEvents, initial: () => 0, apply: () => 1 }
    const wrong = defineProjection({ ...parts, codec })
    await append(job, 'a', deposited(1))
    const model = await okOf(job.projection(wrong, { retry: { attempts: 1 } }))
    expect((await errorOf(model.caughtUp())).message).toMatch(
      'must answer a Uint8Array, got the string "text"'
    )
  })

  test('that its codec cannot write is the failure of that event alone', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', deposited(1), { type: 'deposited', data: { amount: 0.5 } }, deposited(2))
    const strict = defineProjection({
      name: 'strict',
      version: 1,
      events: accountEvents,
      initial: () => 0,
      apply: (sum, event) => (event.type === 'deposited' ? sum + event.data.amount : sum),
      codec: whole
    })
    const model = await okOf(job.projection(strict, { retry: { attempts: 1 }, onPoison: 'park' }))
    await okOf(model.caughtUp())
    expect(await okOf(model.state())).toBe(3)
  })
})

function twice(definition: typeof balances): typeof balances.apply {
  return (state, event, recorded) => {
    const next = definition.apply({ balance: state.balance / 2 }, event, recorded)
    return next === undefined ? undefined : { balance: next.balance * 2 }
  }
}

test('a rebuild that the end of the job breaks off at any moment goes on when it is opened again', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const { persistency, job } = await open({ journal: true })
    for (let n = 0; n < 20; n++) await append(job, 'a', deposited(1))
    const model = await okOf(job.projection(total))
    await okOf(model.caughtUp())
    const rebuilding = model.rebuild()
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    await okOf(job.close())
    await rebuilding
    const again = await okOf(persistency.openJob('tenant'))
    const resumed = await okOf(again.projection(total))
    await okOf(resumed.caughtUp())
    expect(await okOf(resumed.state())).toBe(20n)
  }
})
