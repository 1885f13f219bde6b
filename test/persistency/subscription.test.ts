import { describe, expect, test } from '@jest/globals'
import { err, ok } from 'neverthrow'
import {
  EventBroker,
  type Job,
  key,
  type RecordedEvent,
  SubscriptionFailed,
  type SubscriptionFailedPayload,
  type TxOp
} from 'persistency'
import { firstValueFrom } from 'rxjs'
import { countOfEvents } from '../support/journal.js'
import { testOfThreads, useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { errorOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const { open } = storage
const workers = useWorkers()

const append = (job: Job, ...types: string[]) => okOf(job.append(types.map((type) => ({ type }))))
const NO_WAIT = { attempts: 3, delayMs: 0 }

const countOf = async (job: Job): Promise<number> =>
  Number(textOf(await okOf(job.get('counts', key('n')))) ?? '0')

/** Answers a put that counts one up: once too often, or too rarely, and it shows. */
const counting =
  (job: Job) =>
  async (_: RecordedEvent): Promise<TxOp> => ({
    kind: 'put',
    category: 'counts',
    key: key('n'),
    payload: utf8(String((await countOf(job)) + 1))
  })

describe('delivery', () => {
  test('brings what is there, in order, and then what comes', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a', 'b')
    const seen: string[] = []
    const subscription = await okOf(job.subscription('s', ({ type }) => void seen.push(type)))
    await okOf(subscription.caughtUp())
    expect(seen).toEqual(['a', 'b'])
    await append(job, 'c')
    await okOf(subscription.caughtUp())
    expect(seen).toEqual(['a', 'b', 'c'])
    expect(subscription.seq).toBe(3)
  })

  test('leaves plain writes out unless they are asked for', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.persistPut('c', key(1), utf8('x')))
    await append(job, 'a')
    const own: string[] = []
    const all: string[] = []
    const first = await okOf(job.subscription('own', ({ kind }) => void own.push(kind)))
    const second = await okOf(job.subscription('all', ({ kind }) => void all.push(kind), { writes: true }))
    await okOf(first.caughtUp())
    await okOf(second.caughtUp())
    expect(own).toEqual(['event'])
    expect(all).toEqual(['write', 'event'])
  })

  test('brings only the events of its stream, and is caught up behind those of others', async () => {
    const { job } = await open({ journal: true })
    const seen: (number | undefined)[] = []
    for (const stream of ['x', 'y', 'x', 'y']) await okOf(job.append({ type: 'a' }, { stream }))
    const subscription = await okOf(job.subscription('s', ({ seq }) => void seen.push(seq), { stream: 'x' }))
    expect(await okOf(subscription.caughtUp())).toBe(4)
    expect(seen).toEqual([1, 3])
  })

  test.each([
    ['beginning', [1, 2, 3]],
    ['oldest', [1, 2, 3]],
    ['now', [3]],
    [2, [2, 3]]
  ] as const)('begins at %s', async (startAt, expected) => {
    const { job } = await open({ journal: true })
    await append(job, 'a', 'b')
    const seen: number[] = []
    const subscription = await okOf(job.subscription('s', ({ seq }) => void seen.push(seq), { startAt }))
    await append(job, 'c')
    await okOf(subscription.caughtUp())
    expect(seen).toEqual(expected)
  })

  test('begins at the first event that ever was, or not at all', async () => {
    const { job } = await open({ journal: { maxEvents: 2 } })
    for (const type of ['a', 'b', 'c', 'd']) await append(job, type)
    expect((await errorOf(job.subscription('s', () => {}))).code).toBe('ERR_EVENTS_GONE')
    const seen: string[] = []
    const subscription = await okOf(
      job.subscription('s', ({ type }) => void seen.push(type), { startAt: 'oldest' })
    )
    await okOf(subscription.caughtUp())
    expect(seen).toEqual(['c', 'd'])
  })

  test('calls the handler for one event at a time', async () => {
    const { job } = await open({ journal: true })
    await append(job, ...Array.from({ length: 20 }, () => 'a'))
    let running = 0
    let most = 0
    const subscription = await okOf(
      job.subscription('s', async () => {
        most = Math.max(most, ++running)
        await new Promise((resolve) => setImmediate(resolve))
        running--
      })
    )
    await okOf(subscription.caughtUp())
    expect(most).toBe(1)
  })
})

describe('checkpoint', () => {
  test('goes on where it was after the job was closed and opened again', async () => {
    const { job, persistency } = await open({ journal: true })
    const seen: number[] = []
    const first = await okOf(job.subscription('s', ({ seq }) => void seen.push(seq)))
    await append(job, 'a', 'b')
    await okOf(first.caughtUp())
    await okOf(job.close())
    expect(await first.ended).toEqual(ok(undefined))
    const again = await okOf(persistency.openJob('tenant'))
    await append(again, 'c')
    const second = await okOf(again.subscription('s', ({ seq }) => void seen.push(seq)))
    await okOf(second.caughtUp())
    expect(seen).toEqual([1, 2, 3])
  })

  test.each([1, 7])('counts each event once while others write, %i in a transaction', async (batch) => {
    const { job } = await open({ journal: true })
    let counted = 0
    const handler = batch === 1 ? counting(job) : (): TxOp => put(++counted)
    const subscription = await okOf(job.subscription('s', handler, { batch }))
    const noise: unknown[] = []
    for (let n = 0; n < 200; n++) {
      noise.push(job.persistPut('noise', key(n), utf8('x')))
      noise.push(job.append({ type: 'a' }))
    }
    await Promise.all(noise)
    await okOf(subscription.caughtUp())
    expect(await countOf(job)).toBe(200)
    expect(await okOf(job.compareWithJournal())).toMatchObject({ differing: 0 })
  })

  test('stores neither checkpoint nor operations when a check of theirs does not hold', async () => {
    const { job } = await open({ journal: true })
    const check: TxOp = { kind: 'check', category: 'c', key: key(1), equals: utf8('there') }
    const subscription = await okOf(job.subscription('s', () => [put(1), check], { retry: { attempts: 1 } }))
    const failed = failure(job)
    await append(job, 'a')
    expect((await failed).error.code).toBe('ERR_HANDLER_FAILED')
    expect((await subscription.ended).isErr()).toBe(true)
    expect(await countOf(job)).toBe(0)
    expect(await okOf(job.subscriptions.list())).toEqual([{ name: 's', seq: 0, version: 0, parked: 0 }])
  })

  test('is told of events that were passed over', async () => {
    const { job } = await open({ journal: true })
    for (let n = 0; n < 300; n++) await okOf(job.persistPut('c', key(n), utf8('x')))
    const subscription = await okOf(job.subscription('s', () => {}))
    await okOf(job.flush())
    await okOf(subscription.caughtUp())
    await subscription.stop()
    expect(await okOf(job.subscriptions.list())).toEqual([{ name: 's', seq: 300, version: 0, parked: 0 }])
    expect(await okOf(job.subscriptions.forget('s'))).toBe(true)
    expect(await okOf(job.subscriptions.list())).toEqual([])
  })
})

describe('holders', () => {
  test('there is one per name in a process', async () => {
    const { job } = await open({ journal: true })
    const subscription = await okOf(job.subscription('s', () => {}))
    expect((await errorOf(job.subscription('s', () => {}))).code).toBe('ERR_SUBSCRIPTION_HELD')
    expect((await errorOf(job.subscriptions.forget('s'))).code).toBe('ERR_SUBSCRIPTION_HELD')
    await subscription.stop()
    await okOf(job.subscription('s', () => {}))
  })

  test('a job that is closing or closed says so, also of a name that is held', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.subscription('s', () => {}))
    const codes = async () => [
      (await errorOf(job.subscription('s', () => {}))).code,
      (await errorOf(job.subscriptions.forget('s'))).code,
      (await errorOf(job.subscriptions.moveTo('s', 'now'))).code
    ]
    const closing = job.close()
    const meanwhile = codes()
    await okOf(closing)
    const right = Array(3).fill('ERR_JOB_CLOSED')
    expect(await meanwhile).toEqual(right)
    expect(await codes()).toEqual(right)
  })

  test('nothing is taken over with a signal that has fired', async () => {
    const { job, root } = await open({ journal: true })
    const holder = await okOf(job.subscription('s', () => {}))
    const model = await okOf(job.projection(countOfEvents))
    const other = (await open({}, root)).job
    const signal = AbortSignal.abort('enough')
    const answers = [
      other.subscription('s', () => {}, { signal }),
      other.projection(countOfEvents, { signal })
    ]
    for (const answer of answers) {
      expect(await errorOf(answer)).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' })
    }
    await append(job, 'a')
    await okOf(holder.caughtUp())
    await okOf(model.caughtUp())
    expect([holder.running, model.subscription.running]).toEqual([true, true])
  })

  test('the newest of several owners of a file is the one; the other ends and stores nothing more', async () => {
    const { job, root } = await open({ journal: true })
    const first = await okOf(job.subscription('s', counting(job)))
    await append(job, 'a')
    await okOf(first.caughtUp())
    const other = (await open({}, root)).job
    const second = await okOf(other.subscription('s', counting(other)))
    const failed = failure(job)
    await append(job, 'b')
    expect((await failed).error.code).toBe('ERR_SUBSCRIPTION_LOST')
    expect((await first.ended)._unsafeUnwrapErr().code).toBe('ERR_SUBSCRIPTION_LOST')
    await append(other, 'c')
    await okOf(second.caughtUp())
    expect(await countOf(job)).toBe(3)
  })
})

describe('failing handlers', () => {
  test('are called again, and told how often', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a')
    const attempts: number[] = []
    const subscription = await okOf(
      job.subscription(
        's',
        (_, { attempt }) => {
          attempts.push(attempt)
          return attempt < 3 ? err('not yet') : ok(undefined)
        },
        { retry: NO_WAIT }
      )
    )
    await okOf(subscription.caughtUp())
    expect(attempts).toEqual([1, 2, 3])
  })

  test('stop at the event, and go on there', async () => {
    const { job } = await open({ journal: true })
    const failed = failure(job)
    await append(job, 'good', 'bad', 'good')
    const subscription = await okOf(job.subscription('s', refuseBad, { retry: NO_WAIT, batch: 3 }))
    expect(await failed).toMatchObject({ subscription: 's', seq: 2, parked: false })
    expect((await subscription.ended)._unsafeUnwrapErr()).toMatchObject({
      code: 'ERR_HANDLER_FAILED',
      kind: 'handlerFailed'
    })
    expect(subscription.running).toBe(false)
    expect((await errorOf(subscription.retryParked())).code).toBe('ERR_SUBSCRIPTION_ENDED')
    const next: number[] = []
    await okOf((await okOf(job.subscription('s', ({ seq }) => void next.push(seq)))).caughtUp())
    expect(next).toEqual([2, 3])
  })

  test.each([1, 10])('park the event and go on, %i in a transaction', async (batch) => {
    const { job, persistency } = await open({ journal: true })
    const failed = failure(job)
    await append(job, 'good', 'bad', 'good')
    const subscription = await okOf(
      job.subscription('s', refuseBad, { retry: NO_WAIT, onPoison: 'park', batch })
    )
    await okOf(subscription.caughtUp())
    expect(await failed).toMatchObject({ seq: 2, parked: true })
    expect(await countOf(job)).toBe(3)
    await okOf(job.close())

    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.subscriptions.parked('s'))).toMatchObject([
      { event: { seq: 2, type: 'bad' }, attempts: 3, error: 'refused' }
    ])
    const repeated = await okOf(again.subscription('s', refuseBad))
    expect(await okOf(repeated.retryParked())).toEqual({ done: 0, failed: 1 })
    expect(await okOf(again.subscriptions.parked('s'))).toMatchObject([{ attempts: 4, error: 'refused' }])
    await repeated.stop()
    const mended = await okOf(again.subscription('s', ({ seq }) => put(seq)))
    expect(await okOf(mended.retryParked(7))).toEqual({ done: 0, failed: 0 })
    expect(await okOf(mended.retryParked())).toEqual({ done: 1, failed: 0 })
    expect(await countOf(again)).toBe(2)
    expect(await okOf(again.subscriptions.list())).toMatchObject([{ name: 's', parked: 0 }])
  })

  test('can have their event given up', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'bad')
    const subscription = await okOf(job.subscription('s', refuseBad, { retry: NO_WAIT, onPoison: 'park' }))
    await okOf(subscription.caughtUp())
    await okOf(subscription.dropParked(1))
    expect(await okOf(job.subscriptions.parked('s'))).toEqual([])
  })

  test('do not take the answers of others in their transaction along', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'good', 'good', 'huge', 'good')
    const subscription = await okOf(
      job.subscription(
        's',
        ({ type, seq }): TxOp[] =>
          type === 'huge' ? [{ kind: 'check', category: 'c', key: key(0), equals: utf8('') }] : [put(seq)],
        { batch: 4, retry: { attempts: 1 }, onPoison: 'park' }
      )
    )
    await okOf(subscription.caughtUp())
    expect(await countOf(job)).toBe(4)
    expect(await okOf(job.subscriptions.parked('s'))).toMatchObject([{ event: { seq: 3 } }])
  })
})

describe('ending', () => {
  test('waits for the call that is under way, and stores what it answers', async () => {
    const { job } = await open({ journal: true })
    const called = gate()
    const goOn = gate()
    const subscription = await okOf(
      job.subscription('s', async (_, { signal }) => {
        called.open()
        await goOn.passed
        return put(signal.aborted ? 2 : 1)
      })
    )
    await append(job, 'a', 'b')
    await called.passed
    const stopped = subscription.stop()
    goOn.open()
    await stopped
    expect(await countOf(job)).toBe(2)
    expect(subscription.seq).toBe(1)
    expect((await errorOf(subscription.caughtUp())).code).toBe('ERR_SUBSCRIPTION_ENDED')
  })

  test('comes with a signal, also while a failure is waited out', async () => {
    const { job } = await open({ journal: true })
    const abort = new AbortController()
    const subscription = await okOf(
      job.subscription(
        's',
        () => {
          setImmediate(() => abort.abort())
          throw new Error('refused')
        },
        { signal: abort.signal, retry: { delayMs: 60_000, maxDelayMs: 60_000 } }
      )
    )
    await append(job, 'a')
    expect(await subscription.ended).toEqual(ok(undefined))
    expect(subscription.seq).toBe(0)
  })

  test('comes with the job, even if the handler never answers', async () => {
    const { job } = await open({ journal: true })
    const called = gate()
    const subscription = await okOf(
      job.subscription('s', () => {
        called.open()
        return new Promise<void>(() => {})
      })
    )
    await append(job, 'a')
    await called.passed
    const waiting = subscription.caughtUp()
    await okOf(job.close())
    expect(await subscription.ended).toEqual(ok(undefined))
    expect((await errorOf(waiting)).code).toBe('ERR_SUBSCRIPTION_ENDED')
    expect((await errorOf(job.subscription('s', () => {}))).code).toBe('ERR_JOB_CLOSED')
  })

  test('comes with the job also where its handler fails because the job takes no calls', async () => {
    const { job } = await open({ journal: true })
    const failed: SubscriptionFailedPayload[] = []
    new EventBroker(undefined, job.context).listen(SubscriptionFailed, (failure) => void failed.push(failure))
    const called = gate()
    const goOn = gate()
    const subscription = await okOf(
      job.subscription(
        's',
        async () => {
          called.open()
          await goOn.passed
          return job.get('counts', key('n')).map(() => undefined)
        },
        { retry: { attempts: 1 } }
      )
    )
    await append(job, 'a')
    await called.passed
    const closing = job.close()
    goOn.open()
    await okOf(closing)
    expect(await subscription.ended).toEqual(ok(undefined))
    expect(failed).toEqual([])
  })

  test('comes when the next event has fallen off', async () => {
    const { job } = await open({ journal: { maxEvents: 2 } })
    const first = await okOf(job.subscription('s', () => {}))
    await append(job, 'a')
    await okOf(first.caughtUp())
    await first.stop()
    for (const type of ['b', 'c', 'd', 'e']) await append(job, type)
    expect((await errorOf(job.subscription('s', () => {}))).code).toBe('ERR_EVENTS_GONE')
  })

  test('tells what to do when limits overtake it while it runs', async () => {
    const { job } = await open({ journal: { maxEvents: 2 } })
    const [called, goOn] = [gate(), gate()]
    const running = await okOf(
      job.subscription('s', async () => {
        called.open()
        await goOn.passed
      })
    )
    await append(job, 'a')
    await called.passed
    for (const type of ['b', 'c', 'd', 'e']) await append(job, type)
    goOn.open()
    const error = (await running.ended)._unsafeUnwrapErr()
    expect(error.code).toBe('ERR_EVENTS_GONE')
    expect(error.message).toContain('subscription "s" was overtaken: event 2, its next one,')
    expect(error.message).toContain(`subscriptions.moveTo("s", 'oldest')`)
    expect((await errorOf(job.subscriptions.moveTo('s', 2))).message).toContain("or to 'oldest'")
    await okOf(job.subscriptions.moveTo('s', 'oldest'))
    await okOf((await okOf(job.subscription('s', () => {}))).caughtUp())
  })
})

describe('arguments', () => {
  test('are checked', async () => {
    const { job } = await open({ journal: true })
    expect(() => job.subscription('s', 'handler' as never)).toThrow(TypeError)
    const wrong: [string, object][] = [
      ['', {}],
      ['s', { batch: 0 }],
      ['s', { startAt: 0 }],
      ['s', { onPoison: 'skip' }],
      ['s', { retry: { attempts: 0 } }],
      ['s', { signal: {} }],
      ['s', { unknown: true }]
    ]
    for (const [name, options] of wrong) {
      expect((await errorOf(job.subscription(name, () => {}, options))).code).toBe('ERR_OPTION')
    }
  })

  test('need a journal', async () => {
    const { job } = await open()
    expect((await errorOf(job.subscription('s', () => {}))).code).toBe('ERR_NO_JOURNAL')
    expect((await errorOf(job.subscriptions.list())).code).toBe('ERR_NO_JOURNAL')
  })
})

function put(count: number): TxOp {
  return { kind: 'put', category: 'counts', key: key('n'), payload: utf8(String(count)) }
}

function refuseBad({ type, seq }: RecordedEvent): TxOp {
  if (type === 'bad') throw new Error('refused')
  return put(seq)
}

function failure(job: Job) {
  return new Promise<SubscriptionFailedPayload>((resolve) => {
    new EventBroker().in(job.context).listen(SubscriptionFailed, (payload) => resolve(payload))
  })
}

function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

describe('what was passed over', () => {
  test('is stored when the job is closed, so that it may fall off meanwhile', async () => {
    const root = storage.folder()
    const { job, persistency } = await storage.open({ journal: { maxEvents: 50 } }, root)
    await append(job, 'a')
    const subscription = await okOf(job.subscription('s', () => {}))
    for (let n = 0; n < 100; n++)
      await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(n), payload: utf8('') }))
    await okOf(subscription.caughtUp())
    await okOf(persistency.close())
    const again = await storage.open({ journal: { maxEvents: 50 } }, root)
    const resumed = await okOf(again.job.subscription('s', () => {}))
    expect(resumed.seq).toBe(101)
  })

  test('is stored when it stops, although a step has failed', async () => {
    const { job } = await open({ journal: true })
    await append(job, 'a')
    const check = { kind: 'check', category: 'c', key: key('nowhere'), equals: utf8('x') } as const
    const retry = { attempts: 100, delayMs: 1 }
    const triedAgain = gate()
    let tries = 0
    const answer = ({ type }: RecordedEvent): TxOp | undefined => {
      if (type !== 'bad') return undefined
      if (++tries === 2) triedAgain.open()
      return check
    }
    const subscription = await okOf(job.subscription('s', answer, { retry }))
    for (let n = 0; n < 60; n++) {
      await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(n), payload: utf8('') }))
    }
    await okOf(subscription.caughtUp())
    await append(job, 'bad')
    await triedAgain.passed
    await subscription.stop()
    expect((await okOf(job.subscriptions.list()))[0]?.seq).toBe(61)
  })

  test('is stored before the journal has gone past it', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 20 } })
    await append(job, 'a')
    const subscription = await okOf(job.subscription('s', () => {}))
    for (let n = 0; n < 100; n++) {
      await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(n), payload: utf8('') }))
      await okOf(subscription.caughtUp())
    }
    const [status] = await okOf(job.subscriptions.list())
    expect(status?.seq).toBeGreaterThan(81)
  })
})

test.each([
  ['rejects with nothing', () => Promise.reject()],
  [
    'throws nothing',
    () => {
      throw undefined
    }
  ],
  ['answers an error of nothing', () => err(undefined)]
])('a handler that %s has failed', async (_, handler) => {
  const { job } = await open({ journal: true })
  await append(job, 'a')
  let calls = 0
  const counted = () => {
    calls++
    return handler() as never
  }
  const subscription = await okOf(job.subscription('s', counted, { retry: NO_WAIT, onPoison: 'park' }))
  await okOf(subscription.caughtUp())
  expect(calls).toBe(3)
  expect(await okOf(job.subscriptions.parked('s'))).toHaveLength(1)
})

test('an event that fails first in its batch is tried as often as any other', async () => {
  const { job } = await open({ journal: true })
  await append(job, 'bad', 'good', 'good')
  const calls: string[] = []
  const handler = ({ type }: RecordedEvent) => {
    calls.push(type)
    if (type === 'bad') throw new Error('bad')
  }
  const options = { batch: 3, retry: { attempts: 1 }, onPoison: 'park' } as const
  const subscription = await okOf(job.subscription('s', handler, options))
  await okOf(subscription.caughtUp())
  expect(calls).toEqual(['bad', 'good', 'good'])
})

test('catching up sees what another owner of the file has written', async () => {
  const { root, job } = await storage.open({ journal: true })
  const seen: string[] = []
  const subscription = await okOf(job.subscription('s', ({ type }) => void seen.push(type)))
  await okOf(subscription.caughtUp())
  const other = await okOf(storage.owner(root).openJob('tenant', { journal: true }))
  await append(other, 'theirs')
  expect(await okOf(subscription.caughtUp())).toBe(1)
  expect(seen).toEqual(['theirs'])
})

testOfThreads('a subscription whose storage dies ends with that', async () => {
  const { job } = await open({ journal: true })
  await append(job, 'a')
  const subscription = await okOf(job.subscription('s', () => {}))
  await okOf(subscription.caughtUp())
  const failed = firstValueFrom(new EventBroker(undefined, job.context).on(SubscriptionFailed))
  await workers.killLast()
  expect((await subscription.ended)._unsafeUnwrapErr().code).toBe('ERR_STORAGE_DIED')
  expect(await failed).toMatchObject({ subscription: 's', error: { code: 'ERR_STORAGE_DIED' } })
})
