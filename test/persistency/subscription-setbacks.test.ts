import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { errAsync, okAsync, type ResultAsync } from 'neverthrow'
import {
  EventBroker,
  type Job,
  key,
  PersistCommitted,
  PersistencyError,
  type RecordedEvent,
  type TxOp
} from 'persistency'
import { Checkpoint } from '../../dist/persistency/eventsourcing/checkpoint.js'
import { Deliverer } from '../../dist/persistency/eventsourcing/delivery.js'
import { SubscriptionRun } from '../../dist/persistency/eventsourcing/subscription-run.js'
import { Followers } from '../../dist/persistency/journal/followers.js'
import { JournalRead } from '../../dist/persistency/journal/messages.js'
import { Position } from '../../dist/persistency/journal/position.js'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute, holdLock } from '../support/storage-sqlite.js'

const { open, owner, folder } = useStorage()
const append = (job: Job, ...types: string[]) => okOf(job.append(types.map((type) => ({ type }))))
const putOf = ({ type }: Pick<RecordedEvent, 'type'>): TxOp => ({
  kind: 'put',
  category: 'seen',
  key: key(type),
  payload: utf8('x')
})

describe('a lock that is held for longer than the storage waits', () => {
  test('neither ends a subscription nor parks an event', async () => {
    const { job, file } = await open({ journal: true, busyTimeoutMs: 20 })
    await append(job, 'a', 'b')
    const attempts: number[] = []
    let lock: ReturnType<typeof holdLock> | undefined
    const handler = (event: RecordedEvent, { attempt }: { attempt: number }): TxOp => {
      if (event.type === 'a') attempts.push(attempt)
      if (attempts.length === 1) lock ??= holdLock(file)
      if (attempts.length === 4) lock?.release()
      return putOf(event)
    }
    const options = { onPoison: 'park', retry: { attempts: 1 } } as const
    const subscription = await okOf(job.subscription('s', handler, options))
    expect(await okOf(subscription.caughtUp())).toBeGreaterThanOrEqual(2)
    expect(attempts).toEqual([1, 1, 1, 1])
    expect(await okOf(job.subscriptions.parked('s'))).toEqual([])
    expect(await okOf(job.count('seen', key()))).toBe(2)
  })

  test('is no failure of a parked event that is tried again', async () => {
    const { job, file } = await open({ journal: true, busyTimeoutMs: 20 })
    await append(job, 'a')
    let mended = false
    let lock: ReturnType<typeof holdLock> | undefined
    const attempts: number[] = []
    const handler = (event: RecordedEvent, { attempt }: { attempt: number }): TxOp => {
      if (!mended) throw new Error('broken')
      attempts.push(attempt)
      lock ??= holdLock(file)
      if (attempts.length === 3) lock.release()
      return putOf(event)
    }
    const options = { onPoison: 'park', retry: { attempts: 1 } } as const
    const subscription = await okOf(job.subscription('s', handler, options))
    await okOf(subscription.caughtUp())
    mended = true
    expect(await okOf(subscription.retryParked())).toEqual({ done: 1, failed: 0 })
    expect(attempts).toEqual([2, 2, 2])
    expect(await okOf(job.subscriptions.parked('s'))).toEqual([])
    expect(await okOf(job.count('seen', key()))).toBe(1)
  })

  test('is waited for where events are only passed over', async () => {
    const { job, file } = await open({ journal: true, busyTimeoutMs: 20 })
    await append(job, 'wanted', ...Array.from({ length: 150 }, () => 'other'))
    let lock: ReturnType<typeof holdLock> | undefined
    let handled = false
    new EventBroker().in(job.context).listen(PersistCommitted, () => {
      if (!handled || lock !== undefined) return
      lock = holdLock(file)
      setTimeout(() => lock?.release(), 250)
    })
    const handler = (event: RecordedEvent): TxOp => {
      handled = true
      return putOf(event)
    }
    const subscription = await okOf(job.subscription('s', handler, { types: ['wanted'] }))
    await okOf(subscription.caughtUp())
    while (lock === undefined || (await okOf(job.subscriptions.list()))[0]?.seq !== subscription.seq) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(subscription.running).toBe(true)
  })
})

/** What a storage may answer that is all right again a moment later. */
const PASSING = [
  new PersistencyError('ERR_STORAGE', 'not now'),
  new PersistencyError('ERR_OPEN', 'not now', { backendCode: 'SQLITE_BUSY' })
]

test.each(PASSING)(
  'a storage that fails now and then while it is read ends no subscription: %s',
  async (error) => {
    const pages = 11
    const asked: number[] = []
    const ask = ((request: { name: string }, { from }: { from: number }) => {
      if (request.name !== JournalRead.name) return okAsync(undefined)
      const again = asked.at(-1) === from
      asked.push(from)
      if (!again) return errAsync(error)
      return okAsync({ events: [], next: from + 1, firstSeq: 1, lastSeq: pages })
    }) as never
    const checkpoint = new Checkpoint(ask, 's', 'holder', 0)
    const begin = () => Promise.reject(new Error('there are no events'))
    const deliverer = new Deliverer(checkpoint, begin, () => undefined)
    const committed = new Position()
    const run = new SubscriptionRun({
      ...{
        ask,
        checkpoint,
        deliverer,
        committed,
        following: new Followers({ ask, committed }),
        batch: 1,
        stream: undefined,
        pollMs: undefined
      },
      wanted: () => [],
      retry: { attempts: 1, delayMs: 0, maxDelayMs: 0 },
      onPoison: 'stop',
      onParked: () => {}
    })
    const ended = run.run()
    expect(await checkpoint.reached.reached(pages, undefined)).toBeUndefined()
    run.stop()
    expect((await ended).isOk()).toBe(true)
    expect(asked).toHaveLength(pages * 2)
  }
)

testOnce('a file that cannot be opened again for a while is no failure of an event', async () => {
  const options = { threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close', busyTimeoutMs: 20 } as const
  const rootDir = folder()
  const persistency = owner({ rootDir, ...options })
  const job = await okOf(persistency.openJob('tenant', { journal: true }))
  const other = await okOf(persistency.openJob('other'))
  await append(job, 'a', 'b')
  const attempts: number[] = []
  const handler = async (event: RecordedEvent, { attempt }: { attempt: number }): Promise<TxOp> => {
    if (event.type === 'a') attempts.push(attempt)
    if (attempts.length === 1) {
      await okOf(other.putAcked('c', key(1), utf8('has the place of the other')))
      const lock = holdLock(join(rootDir, 'tenant.db'), 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
      setTimeout(() => lock.release(), 250)
    }
    return putOf(event)
  }
  const park = { onPoison: 'park', retry: { attempts: 1 } } as const
  const subscription = await okOf(job.subscription('s', handler, park))
  while (subscription.running && subscription.seq < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  expect(subscription.running).toBe(true)
  expect(new Set(attempts)).toEqual(new Set([1]))
  expect(attempts.length).toBeGreaterThan(1)
  expect(await okOf(job.subscriptions.parked('s'))).toEqual([])
})

test('a file that has gone for good ends a subscription at once', async () => {
  const gone = new PersistencyError('ERR_OPEN', 'was removed', { backendCode: 'ENOENT' })
  const checkpoint = new Checkpoint((() => errAsync(gone)) as never, 's', 'holder', 0)
  const begin = () => ({ add: () => Promise.resolve(), outcome: () => ({ ops: [], append: [] }) })
  const deliverer = new Deliverer(checkpoint, begin, () => undefined)
  await expect(deliverer.attempt([{ seq: 1, time: 0, bytes: new Uint8Array(5) }])).rejects.toMatchObject({
    error: { code: 'ERR_OPEN' }
  })
})

test('a journal that is damaged ends a subscription, and parks nothing', async () => {
  const root = folder()
  const { job, file, persistency } = await open({ journal: true }, root)
  for (let n = 0; n < 10; n++) await append(job, 'a')
  const before = await okOf(job.subscription('s', () => {}, { startAt: 5 }))
  await okOf(before.caughtUp())
  await before.stop()
  await okOf(persistency.close())
  execute(file, `UPDATE journal SET body = x'01ffff' WHERE seq = 1; UPDATE journal_subscriptions SET seq = 4`)
  // What falls off has to be read.
  const { job: limited } = await open({ journal: { maxEvents: 8 } }, root)
  const options = { onPoison: 'park', retry: { attempts: 2, delayMs: 0 } } as const
  const subscription = await okOf(limited.subscription('s', putOf, options))
  expect((await subscription.ended)._unsafeUnwrapErr().code).toBe('ERR_JOURNAL')
  expect(subscription.seq).toBe(4)
  expect(await okOf(limited.subscriptions.parked('s'))).toEqual([])
})

test('operations that are refused for what they are count as a failure of their event', async () => {
  const { job } = await open({ journal: true })
  await append(job, 'a', 'b')
  const handler = (event: RecordedEvent): TxOp =>
    event.type === 'a'
      ? { kind: 'check', category: 'seen', key: key(1), equals: utf8('never') }
      : putOf(event)
  const options = { onPoison: 'park', retry: { attempts: 2, delayMs: 0 }, batch: 5 } as const
  const subscription = await okOf(job.subscription('s', handler, options))
  await okOf(subscription.caughtUp())
  const parked = await okOf(job.subscriptions.parked('s'))
  expect(parked.map(({ event, attempts }) => [event.seq, attempts])).toEqual([[1, 2]])
  expect(textOf(await okOf(job.get('seen', key('b'))))).toBe('x')
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

test('an event behind the one that a batch failed on is called for the first time', async () => {
  const { job } = await open({ journal: true })
  await append(job, 'a', 'b', 'c')
  const calls: string[] = []
  const handler = ({ type }: RecordedEvent, { attempt }: { attempt: number }): TxOp[] => {
    const again = calls.some((call) => call.startsWith(type))
    calls.push(`${type}${attempt}`)
    if (again) return []
    if (type !== 'a') throw new Error('once')
    return [{ kind: 'check', category: 'x', key: key(1), equals: new Uint8Array(1) }]
  }
  const options = { batch: 3, retry: { attempts: 2, delayMs: 0 }, onPoison: 'park' } as const
  const subscription = await okOf(job.subscription('s', handler, options))
  await okOf(subscription.caughtUp())
  expect(calls).toEqual(['a1', 'b1', 'a2', 'b2', 'c1', 'c2'])
  expect(await okOf(job.subscriptions.parked('s'))).toEqual([])
})

test('an errand with each call does not keep a batch that cannot be stored from going one by one', async () => {
  const { job } = await open({ journal: true })
  const calls: string[] = []
  const handler = ({ type }: RecordedEvent, { attempt }: { attempt: number }): TxOp => {
    void subscription.dropParked(99)
    calls.push(`${type}${attempt}`)
    // Rather than for ever.
    if (calls.length === 20) void subscription.stop()
    return type === 'b' ? { kind: 'check', category: 'x', key: key(1), equals: utf8('x') } : putOf({ type })
  }
  const options = { batch: 3, retry: { attempts: 2, delayMs: 0 }, onPoison: 'park' } as const
  const subscription = await okOf(job.subscription('s', handler, options))
  await append(job, 'a', 'b', 'c')
  await okOf(subscription.caughtUp())
  expect(calls).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2'])
  expect((await okOf(job.subscriptions.parked('s'))).map(({ attempts }) => attempts)).toEqual([2])
  expect(await okOf(job.count('seen', key()))).toBe(2)
})

test('a batch that was dealt with one by one is called for the first time again after a reset', async () => {
  const { job } = await open({ journal: true })
  await append(job, 'a', 'b')
  const calls: string[] = []
  const handler = ({ type }: RecordedEvent, { attempt }: { attempt: number }): TxOp[] => {
    calls.push(`${type}${attempt}`)
    return calls.length > 2 ? [] : [{ kind: 'check', category: 'x', key: key(1), equals: new Uint8Array(1) }]
  }
  const subscription = await okOf(job.subscription('s', handler, { batch: 2 }))
  await okOf(subscription.caughtUp())
  // What a projection does to be rebuilt.
  const { reset } = subscription as never as { reset(clear: []): ResultAsync<void, PersistencyError> }
  await okOf(reset.call(subscription, []))
  await okOf(subscription.caughtUp())
  expect(calls).toEqual(['a1', 'b1', 'a2', 'b2', 'a1', 'b1'])
})
