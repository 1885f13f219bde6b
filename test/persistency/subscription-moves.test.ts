import { describe, expect, test } from '@jest/globals'
import {
  defineProjection,
  type Job,
  jsonEvents,
  key,
  type RecordedEvent,
  SubscriptionParked,
  type TxOp
} from 'persistency'
import type { RequestTrace } from 'persistency/brokers'
import { useChannels } from '../support/channels.js'
import { countOfEvents } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute } from '../support/storage-sqlite.js'

const { open } = useStorage()
const channels = useChannels()
const append = (job: Job, ...types: string[]) => okOf(job.append(types.map((type) => ({ type }))))
const NO_WAIT = { attempts: 1 }

describe('types', () => {
  test('are the only ones that are delivered, with or without writes and streams', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.append([{ type: 'a' }, { type: 'b' }], { stream: 's' }))
    await okOf(job.persistPut('c', key(1), utf8('x')))
    await append(job, 'a', 'c')
    const seen: string[] = []
    const also: string[] = []
    const first = await okOf(
      job.subscription('own', ({ seq, type }) => void seen.push(`${seq}${type}`), { types: ['a', 'c'] })
    )
    const second = await okOf(
      job.subscription('all', ({ seq }) => void also.push(`${seq}`), { types: ['b'], writes: true })
    )
    await okOf(first.caughtUp())
    await okOf(second.caughtUp())
    expect(seen).toEqual(['1a', '4a', '5c'])
    expect(also).toEqual(['2', '3'])
    expect((await errorOf(job.subscription('x', () => {}, { types: [''] }))).code).toBe('ERR_OPTION')
    expect((await errorOf(job.subscription('x', () => {}, { types: 'a' as never }))).code).toBe('ERR_OPTION')
  })
})

describe('moveTo', () => {
  test('lets a subscription go on that limits have overtaken, with what it has parked', async () => {
    const { job } = await open({ journal: { maxEvents: 3 } })
    await append(job, 'a', 'b')
    let broken = true
    const seen: string[] = []
    const handler = ({ type }: RecordedEvent): void => {
      if (broken) throw new Error('broken')
      seen.push(type)
    }
    const options = { onPoison: 'park', retry: NO_WAIT } as const
    const before = await okOf(job.subscription('s', handler, options))
    await okOf(before.caughtUp())
    await before.stop()
    await append(job, 'c', 'd', 'e', 'f', 'g')
    broken = false
    const gone = await errorOf(job.subscription('s', handler, options))
    expect(gone).toMatchObject({ code: 'ERR_EVENTS_GONE' })
    expect(gone.message).toContain('moveTo')
    expect(await okOf(job.subscriptions.moveTo('s', 'oldest'))).toBe(4)
    const after = await okOf(job.subscription('s', handler, options))
    await okOf(after.caughtUp())
    expect(seen).toEqual(['e', 'f', 'g'])
    expect(await okOf(after.retryParked())).toEqual({ done: 2, failed: 0 })
    expect(seen.slice(3)).toEqual(['a', 'b'])
  })

  test('leaves events out, or delivers them again', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', 'b', 'c')
    const seen: string[] = []
    const subscribe = () => okOf(job.subscription('s', ({ type }) => void seen.push(type)))
    for (const to of ['now', 2, 'beginning'] as const) {
      const subscription = await subscribe()
      await okOf(subscription.caughtUp())
      await subscription.stop()
      seen.push('|')
      await okOf(job.subscriptions.moveTo('s', to))
    }
    await okOf((await subscribe()).caughtUp())
    expect(seen.join('')).toBe('abc||bc|abc')
  })

  test('is refused for what is held here, is gone, or is none', async () => {
    const { job } = await open({ journal: { maxEvents: 2 } })
    await append(job, 'a', 'b', 'c', 'd')
    expect(await okOf(job.subscriptions.moveTo('none', 'now'))).toBeUndefined()
    const subscription = await okOf(job.subscription('s', () => {}, { startAt: 'now' }))
    expect((await errorOf(job.subscriptions.moveTo('s', 'now'))).code).toBe('ERR_SUBSCRIPTION_HELD')
    await subscription.stop()
    expect((await errorOf(job.subscriptions.moveTo('s', 'beginning'))).code).toBe('ERR_EVENTS_GONE')
    expect((await errorOf(job.subscriptions.moveTo('s', 0))).code).toBe('ERR_OPTION')
    expect((await errorOf(job.subscriptions.moveTo('', 'now'))).code).toBe('ERR_OPTION')
  })

  test('is refused for a projection, whose rows it would make wrong', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', 'b')
    const projection = await okOf(job.projection(countOfEvents))
    await okOf(projection.caughtUp())
    await projection.stop()
    const refused = await errorOf(job.subscriptions.moveTo('projection/count', 'beginning'))
    expect(refused).toMatchObject({ code: 'ERR_OPTION' })
    expect(refused.message).toContain('rebuilt, not moved')
    const again = await okOf(job.projection(countOfEvents))
    await okOf(again.caughtUp())
    expect(await okOf(again.state())).toBe(2)
  })

  test('takes it from another holder', async () => {
    const { job, root } = await open({ journal: true })
    const other = (await open({}, root)).job
    const held = await okOf(job.subscription('s', () => {}))
    await okOf(other.subscriptions.moveTo('s', 'now'))
    await append(job, 'a')
    const end = await held.ended
    expect(end.isErr() && end.error).toMatchObject({ code: 'ERR_SUBSCRIPTION_LOST' })
    expect(end.isErr() && end.error.message).toContain('was moved')
  })
})

test.each([
  ['its type', '010000ffff62000000000000000000000000'],
  ['its kind', '050000000162000000000000000000000000']
])('an event of which %s cannot be read ends a subscription that names types', async (_, event) => {
  const { job, file } = await open({ journal: true })
  for (const type of ['a', 'b', 'c']) await append(job, type)
  execute(file, `UPDATE journal SET body = x'00000012${event}' WHERE seq = 2`)
  const seen: string[] = []
  const types = ['a', 'b', 'c']
  const subscription = await okOf(job.subscription('s', ({ type }) => void seen.push(type), { types }))
  expect((await subscription.ended)._unsafeUnwrapErr().code).toBe('ERR_JOURNAL')
  expect(seen).toEqual(['a'])
})

describe('parked events', () => {
  const park = { onPoison: 'park', retry: NO_WAIT } as const

  test('that cannot be read are an error of who asks for them', async () => {
    const { job, file } = await open({ journal: true })
    await append(job, 'a')
    const refuse = () => {
      throw new Error('broken')
    }
    const subscription = await okOf(job.subscription('s', refuse, park))
    await okOf(subscription.caughtUp())
    execute(file, `UPDATE journal_parked SET body = x'01'`)
    expect((await errorOf(job.subscriptions.parked('s'))).code).toBe('ERR_JOURNAL')
    expect((await errorOf(subscription.retryParked())).code).toBe('ERR_JOURNAL')
    expect(subscription.running).toBe(true)
  })

  test('that are tried again leave the rest when it is stopped', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', 'b', 'c')
    let calls = 0
    let stop = (): void => {}
    const subscription = await okOf(
      job.subscription(
        's',
        () => {
          if (++calls === 4) stop()
          throw new Error('broken')
        },
        park
      )
    )
    await okOf(subscription.caughtUp())
    stop = () => void subscription.stop()
    expect((await errorOf(subscription.retryParked())).code).toBe('ERR_SUBSCRIPTION_ENDED')
    await subscription.ended
    expect(calls).toBe(4)
    expect((await okOf(job.subscriptions.parked('s'))).map(({ attempts }) => attempts)).toEqual([2, 1, 1])
  })

  test('are read a few large ones at a time, and one alone when it is one', async () => {
    const { job } = await open({ journal: true })
    const data = new Uint8Array(700 * 1024)
    for (const type of ['a', 'b', 'c']) await okOf(job.append({ type, data }))
    let broken = true
    const seen: string[] = []
    const handler = ({ type }: RecordedEvent): void => {
      if (broken) throw new Error('broken')
      seen.push(type)
    }
    const subscription = await okOf(job.subscription('s', handler, park))
    await okOf(subscription.caughtUp())
    broken = false
    const queries: unknown[] = []
    channels.on<RequestTrace>('tracing:persistency:request:start', ({ request, payload }) => {
      if (request === SubscriptionParked.name) queries.push(payload)
    })
    const parked = await okOf(job.subscriptions.parked('s'))
    expect(parked.map(({ event }) => event.seq)).toEqual([1, 2, 3])
    expect(queries).toMatchObject([{ after: 0 }, { after: 2 }, { after: 3 }])
    queries.length = 0
    expect(await okOf(subscription.retryParked(2))).toEqual({ done: 1, failed: 0 })
    expect(await okOf(subscription.retryParked(2))).toEqual({ done: 0, failed: 0 })
    expect(queries).toMatchObject(Array(2).fill({ after: 1, limit: 1 }))
    expect(seen).toEqual(['b'])
  })

  test('that are tried again by one who lost the subscription say so, and end it', async () => {
    const { job, root } = await open({ journal: true })
    await append(job, 'a')
    const subscription = await okOf(
      job.subscription(
        's',
        () => {
          throw new Error('broken')
        },
        park
      )
    )
    await okOf(subscription.caughtUp())
    const other = (await open({}, root)).job
    await okOf(other.subscription('s', () => {}))
    expect((await errorOf(subscription.retryParked())).code).toBe('ERR_SUBSCRIPTION_LOST')
    const end = await subscription.ended
    expect(end.isErr() && end.error.code).toBe('ERR_SUBSCRIPTION_LOST')
    expect(subscription.running).toBe(false)
  })
})

test('a batch stores what each call answered, although they answered with the same bytes', async () => {
  const { job } = await open({ journal: true })
  await append(job, 'a', 'b', 'c')
  const scratch = new Uint8Array(1)
  const handler = ({ seq }: RecordedEvent): TxOp => {
    scratch[0] = 48 + seq
    return { kind: 'put', category: 'c', key: key(seq), payload: scratch }
  }
  await okOf((await okOf(job.subscription('s', handler, { batch: 10 }))).caughtUp())
  const payloads = await okOf(job.getMany('c', [key(1), key(2), key(3)]))
  expect(payloads.map((bytes) => textOf(bytes))).toEqual(['1', '2', '3'])
})

describe('a projection', () => {
  const sum = defineProjection({
    name: 'sum',
    version: 1,
    events: jsonEvents<{ type: 'added'; data: number }>('added'),
    initial: () => 0,
    apply: (total, { data }) => total + data
  })
  const add = (job: Job, ...numbers: number[]) =>
    okOf(job.append(numbers.map((data) => jsonEvents().encode({ type: 'added', data }))))

  test('that was forgotten is made anew, with each event in it once', async () => {
    const { job } = await open({ journal: true })
    await add(job, 10, 20)
    const first = await okOf(job.projection(sum))
    await okOf(first.caughtUp())
    await first.stop()
    await okOf(job.subscriptions.forget('projection/sum'))
    const again = await okOf(job.projection(sum))
    expect(again.reset).toBe(true)
    await okOf(again.caughtUp())
    expect(await okOf(again.state())).toBe(30)
  })

  test('that is new changes nothing before its first event', async () => {
    const { job } = await open({ journal: true })
    expect((await okOf(job.projection(sum))).reset).toBe(false)
    expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 0 })
  })

  test('may have null for a state', async () => {
    const { job } = await open({ journal: true })
    const last = defineProjection({
      name: 'last',
      version: 1,
      events: jsonEvents<{ type: 'added'; data: number | null }>('added'),
      initial: (): { was: number | null } | null => ({ was: 5 }),
      apply: (state, { data }) => (data === null ? null : { was: state === null ? -1 : state.was })
    })
    const projection = await okOf(job.projection(last))
    const states: unknown[] = [await okOf(projection.state())]
    for (const data of [null, 1]) {
      await okOf(job.append(jsonEvents().encode({ type: 'added', data })))
      await okOf(projection.caughtUp())
      states.push(await okOf(projection.state()))
    }
    expect(states).toEqual([{ was: 5 }, null, { was: -1 }])
  })
})
