import { describe, expect, test } from '@jest/globals'
import { err, ok, type Result, ResultAsync } from 'neverthrow'
import {
  type CaughtUp,
  type Job,
  type JournalEvent,
  JournalRead,
  key,
  onlyKey,
  PersistencyError,
  type RecordedEvent,
  type RequestTrace,
  rawKey,
  type WatchItem
} from 'persistency'
// Which read somebody joins is a matter of moments: here these are made.
import { Followers } from '../../dist/persistency/journal/followers.js'
import { Position } from '../../dist/persistency/journal/position.js'
import { Tellings } from '../../dist/persistency/journal/tellings.js'
import { isPending } from '../support/brokers-async.js'
import { useChannels } from '../support/channels.js'
import { all, ownEvents, put, shown, shownOps } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const channels = useChannels()

const append = (job: Job, text: string, stream?: string) =>
  okOf(job.append({ type: 'noted', data: utf8(text) }, { stream }))

/** Follows a journal from its end on. */
async function follower(items: AsyncIterable<JournalEvent | CaughtUp>) {
  const reading = items[Symbol.asyncIterator]()
  while ((await reading.next()).value?.kind !== 'caughtUp');
  const next = async () => (await reading.next()).value as RecordedEvent
  return { reading, next }
}

/** Watches from now on. */
async function watcher(items: AsyncIterable<WatchItem>) {
  const watching = items[Symbol.asyncIterator]()
  await watching.next()
  return { watching, next: async () => (await watching.next()).value as WatchItem }
}

/** Counts the reads of the journal that are asked for from now on. */
function reads(): { count: number } {
  const counted = { count: 0 }
  channels.on<RequestTrace>('tracing:persistency:request:start', ({ request }) => {
    if (request === JournalRead.name) counted.count++
  })
  return counted
}

/** More than are told in one turn of the event loop. */
const MANY = 150
const many = <T>(make: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: MANY }, (_, n) => make(n)))

describe('a commit is read once for all who follow', () => {
  test('as live readers', async () => {
    const { job } = await storage.open({ journal: true })
    const followers = await many(() => follower(job.events({ live: true })))
    const counted = reads()
    const waiting = Promise.all(followers.map(({ next }) => next()))
    await append(job, 'a')
    expect(new Set(shown(await waiting))).toEqual(new Set(['1 noted a']))
    expect(counted.count).toBe(1)
    await Promise.all(followers.map(({ reading }) => reading.return?.()))
  })

  test('as watchers, of whom it concerns one', async () => {
    const { job } = await storage.open({ journal: true })
    const watchers = await many((n) => watcher(job.watch('c', onlyKey(key(n)), { initial: true })))
    const waiting = watchers.map(({ next }) => next())
    const begun = reads()
    // The first read is that of each by itself, up to the end.
    await okOf(job.putAcked('c', key(MANY - 1), utf8('x')))
    expect(await waiting[MANY - 1]).toMatchObject({ kind: 'changes', journalSeq: 1 })
    expect(begun.count).toBeLessThanOrEqual(MANY + 1)
    const counted = reads()
    const again = watchers[MANY - 1]?.next()
    await okOf(job.putAcked('c', key(MANY - 1), utf8('y')))
    expect(await again).toMatchObject({ kind: 'changes', journalSeq: 2 })
    await okOf(job.flush())
    expect(counted.count).toBe(1)
    await Promise.all(watchers.map(({ watching }) => watching.return?.()))
  })

  test('as subscriptions that want something else', async () => {
    const { job } = await storage.open({ journal: true })
    const handler = (): void => {}
    const subscriptions = await many(async (n) => {
      const subscription = await okOf(job.subscription(`s${n}`, handler, { types: ['other'] }))
      await okOf(subscription.caughtUp())
      return subscription
    })
    // Each has passed the first event, and waits.
    await append(job, 'a')
    await Promise.all(subscriptions.map((subscription) => okOf(subscription.caughtUp())))
    const counted = reads()
    await append(job, 'b')
    await Promise.all(subscriptions.map((subscription) => okOf(subscription.caughtUp())))
    expect(counted.count).toBe(1)
    expect(subscriptions.map(({ seq }) => seq)).toEqual(Array(MANY).fill(2))
  })

  test('but not for those who read other pages, or have a time limit', async () => {
    const { job } = await storage.open({ journal: true })
    const options = [{}, {}, { stream: 's' }, { pageSize: 1 }, { timeoutMs: 60_000 }, { timeoutMs: 60_000 }]
    const followers = await Promise.all(options.map((one) => follower(job.events({ live: true, ...one }))))
    const counted = reads()
    const waiting = Promise.all(followers.map(({ next }) => next()))
    await append(job, 'a', 's')
    expect(shown(await waiting)).toEqual(options.map(() => '1 noted a'))
    expect(counted.count).toBe(5)
    await Promise.all(followers.map(({ reading }) => reading.return?.()))
  })
})

describe('who follows at the same place as others', () => {
  test('gets what it asked for', async () => {
    const { job } = await storage.open({ journal: true })
    const rows = [rawKey(new Uint8Array(0)), key(1), key(2)]
    const watchers = await Promise.all(rows.map((range) => watcher(job.watch('c', range, { initial: true }))))
    const streams = await Promise.all(
      ['r', 's', undefined].map((stream) => follower(job.events({ live: true, stream })))
    )
    const changes = watchers.map(({ next }) => next())
    const events = streams.map(({ next }) => next())
    await okOf(
      job.append([{ type: 'noted', data: utf8('a') }], { stream: 's', ops: [put(1, 'y'), put(2, 'z')] })
    )
    await append(job, 'b', 'r')
    const told = (await Promise.all(changes)).map((item) =>
      item.kind === 'changes' ? shownOps(item.changes) : item.kind
    )
    const [first, second] = [`put c ${key(1)}=79`, `put c ${key(2)}=7a`]
    expect(told).toEqual([[first, second], [first], [second]])
    expect(shown(await Promise.all(events))).toEqual(['2 noted b', '1 noted a', '1 noted a'])
    await Promise.all(watchers.map(({ watching }) => watching.return?.()))
    await Promise.all(streams.map(({ reading }) => reading.return?.()))
  })

  test('may do with an event what it wants: nobody else sees it', async () => {
    const { job } = await storage.open({ journal: true })
    const seen: string[] = []
    const spoil = ({ data, ops, metadata }: RecordedEvent): void => {
      seen.push(textOf(data) as string, ...shownOps(ops), metadata['who'] as string)
      data.fill(0)
      for (const op of ops as RecordedEvent['ops'][number][]) {
        if (op.kind !== 'put') continue
        op.payload.fill(0)
        op.key.bytes.fill(0)
      }
      ;(ops as unknown[]).length = 0
      ;(metadata as Record<string, string>)['who'] = 'nobody'
    }
    const codec = {
      encode: () => ({ type: 'noted' }),
      decode: ({ type, data }: { type: string; data: Uint8Array }) => {
        const text = textOf(data)
        data.fill(0)
        return { type, data: text }
      }
    }
    const decoded: unknown[] = []
    const subscriptions = await Promise.all([
      ...[1, 2].map((n) => okOf(job.subscription(`s${n}`, (event: RecordedEvent) => spoil(event)))),
      ...[3, 4].map((n) =>
        okOf(
          job.subscription(`s${n}`, ({ data }: { data?: unknown }) => void decoded.push(data), {
            events: codec
          })
        )
      )
    ])
    await Promise.all(subscriptions.map((subscription) => okOf(subscription.caughtUp())))
    const followers = await Promise.all([1, 2].map(() => follower(job.events({ live: true }))))
    const watchers = await Promise.all(
      [1, 2].map(() => watcher(job.watch('c', onlyKey(key(1)), { initial: true })))
    )
    const events = followers.map(async ({ next }) => spoil(await next()))
    const changes = watchers.map(async ({ next }) => {
      const item = await next()
      if (item.kind !== 'changes') throw new Error(item.kind)
      seen.push(...shownOps(item.changes))
      for (const op of item.changes) if (op.kind === 'put') op.payload.fill(op.key.bytes.fill(1)[0] as number)
    })
    const event = { type: 'noted', data: utf8('a'), metadata: { who: 'ann' } }
    await okOf(job.append(event, { ops: put(1, 'y') }))
    await Promise.all([...events, ...changes])
    await Promise.all(subscriptions.map((subscription) => okOf(subscription.caughtUp())))
    const op = `put c ${key(1)}=79`
    expect(seen.sort()).toEqual([...Array(4).fill('a'), ...Array(4).fill('ann'), ...Array(6).fill(op)])
    expect(decoded).toHaveLength(2)
    expect(ownEvents(await all(job.events())).map(({ data }) => textOf(data))).toEqual(['a'])
    await Promise.all(followers.map(({ reading }) => reading.return?.()))
    await Promise.all(watchers.map(({ watching }) => watching.return?.()))
  })

  test('is stopped by its own signal alone', async () => {
    const { job } = await storage.open({ journal: true })
    const stop = new AbortController()
    const stopped = await follower(job.events({ live: true, signal: stop.signal }))
    const others = await Promise.all([1, 2].map(() => follower(job.events({ live: true }))))
    const waiting = others.map(({ next }) => next())
    const ended = stopped.next()
    stop.abort('enough')
    await expect(ended).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' })
    await append(job, 'a')
    expect(shown(await Promise.all(waiting))).toEqual(['1 noted a', '1 noted a'])
    await Promise.all(others.map(({ reading }) => reading.return?.()))
  })

  test('fails by itself', async () => {
    const { job } = await storage.open({ journal: true })
    const failing = (async () => {
      for await (const item of job.events({ live: true }))
        if (item.kind !== 'caughtUp') throw new Error('mine')
    })()
    const other = await follower(job.events({ live: true }))
    const waiting = other.next()
    await append(job, 'a')
    await expect(failing).rejects.toThrow('mine')
    expect(shown([await waiting])).toEqual(['1 noted a'])
    const again = other.next()
    await append(job, 'b')
    expect(shown([await again])).toEqual(['2 noted b'])
    await other.reading.return?.()
  })

  test('learns that what it has not read has fallen off', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 3 } })
    const followers = await Promise.all([1, 2].map(() => follower(job.events({ live: true }))))
    const watchers = await Promise.all(
      [1, 2].map(() => watcher(job.watch('c', onlyKey(key(1)), { initial: true })))
    )
    for (let n = 0; n < 10; n++) await okOf(job.putAcked('c', key(1), utf8(`${n}`)))
    const gone = await Promise.all(followers.map(({ next }) => next().catch(({ code }) => code)))
    expect(gone).toEqual(['ERR_EVENTS_GONE', 'ERR_EVENTS_GONE'])
    const items = await Promise.all(watchers.map(({ next }) => next()))
    expect(items).toMatchObject([
      { kind: 'resync', journalSeq: 10 },
      { kind: 'resync', journalSeq: 10 }
    ])
    await Promise.all(watchers.map(({ watching }) => watching.return?.()))
  })

  test('does not keep a reading that begins from every write that was made before', async () => {
    const { job } = await storage.open({ journal: true })
    const { reading, next } = await follower(job.events({ live: true }))
    for (let n = 1; n <= 50; n++) {
      const waiting = next()
      await okOf(job.putAcked('c', key(n), utf8('x')))
      // The follower is being answered, or reads.
      void job.persistPut('c', key(n), utf8('y'))
      expect(shown(await all(job.events({ from: 2 * n })))).toEqual([`${2 * n} write`])
      await waiting
      await next()
    }
    await reading.return?.()
  })
})

/** Reads that are answered when the test says so. */
function heldReads() {
  type Page = { events: []; next: number; firstSeq: number; lastSeq: number }
  const asked: {
    from: number
    signal: AbortSignal
    answer: (result: Result<Page, PersistencyError>) => void
  }[] = []
  const ask = ((_: unknown, { from }: { from: number }, { signal }: { signal: AbortSignal }) =>
    new ResultAsync(
      new Promise<Result<Page, PersistencyError>>((answer) => asked.push({ from, signal, answer }))
    )) as never
  const committed = new Position()
  const followers = new Followers({ ask, committed })
  const next = (from: number, isThere = false, signal?: AbortSignal) =>
    followers.next({ from, limit: 10, maxBytes: 10 }, isThere, signal)
  const upTo = (lastSeq: number) => ok({ events: [] as [], next: lastSeq + 1, firstSeq: 1, lastSeq })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return { asked, committed, next, upTo, turn }
}

describe('a read of several followers', () => {
  test('begins with the event that they wait for, or at once for one who knows that it is there', async () => {
    const { asked, committed, next, upTo, turn } = heldReads()
    const waiting = [next(1), next(1)]
    await turn()
    expect(asked).toHaveLength(0)
    committed.advance(1)
    await turn()
    expect(asked.map(({ from }) => from)).toEqual([1])
    asked[0]?.answer(upTo(1))
    expect(await Promise.all(waiting)).toMatchObject([{ page: { value: { lastSeq: 1 } } }, {}])
    const behind = [next(2), next(2, true)]
    expect(asked.map(({ from }) => from)).toEqual([1, 2])
    asked[1]?.answer(upTo(2))
    await Promise.all(behind)
    committed.advance(2)
    await turn()
    expect(asked).toHaveLength(2)
  })

  test('is joined while it is under way, and followed by one that sees what was written since', async () => {
    const { asked, committed, next, upTo, turn } = heldReads()
    const first = next(1)
    committed.advance(1)
    await turn()
    committed.advance(2)
    const joined = next(1)
    await turn()
    expect(asked).toHaveLength(1)
    // It was read before the second commit.
    asked[0]?.answer(upTo(1))
    expect(await joined).toEqual(await first)
    const again = next(2)
    await turn()
    expect(asked.map(({ from }) => from)).toEqual([1, 2])
    asked[1]?.answer(upTo(2))
    expect(await again).toMatchObject({ page: { value: { next: 3, lastSeq: 2 } } })
  })

  test('is not joined any more once it has been answered', async () => {
    const { asked, next, upTo, turn } = heldReads()
    const first = next(1, true)
    asked[0]?.answer(upTo(1))
    await turn()
    const second = next(1, true)
    expect(asked).toHaveLength(2)
    asked[1]?.answer(upTo(2))
    expect([await first, await second]).toMatchObject([
      { page: { value: { lastSeq: 1 } } },
      { page: { value: { lastSeq: 2 } } }
    ])
  })

  test('goes on while one is left, and is given up with the last', async () => {
    const { asked, next, upTo, turn } = heldReads()
    const stops = [new AbortController(), new AbortController()]
    const [first, second] = stops.map(({ signal }) => next(1, true, signal))
    stops[0]?.abort()
    expect(await first).toEqual({ end: 'aborted' })
    expect([await isPending(second as Promise<unknown>), asked[0]?.signal.aborted]).toEqual([true, false])
    stops[1]?.abort()
    expect(await second).toEqual({ end: 'aborted' })
    expect(asked[0]?.signal.aborted).toBe(true)
    // The next one does not wait for what was given up, nor is it touched by its end.
    const third = next(1, true)
    asked[0]?.answer(err(new PersistencyError('ERR_ABORTED', 'given up')))
    await turn()
    const fourth = next(1)
    expect(asked).toHaveLength(2)
    asked[1]?.answer(upTo(1))
    expect(await third).toEqual(await fourth)
    const fired = new AbortController()
    fired.abort()
    expect(await next(2, false, fired.signal)).toEqual({ end: 'aborted' })
  })

  test('tells all of them that it failed, and of the end of the job', async () => {
    const { asked, committed, next, turn } = heldReads()
    const failed = new PersistencyError('ERR_STORAGE', 'not now')
    const waiting = [next(1, true), next(1)]
    asked[0]?.answer(err(failed))
    for (const followed of await Promise.all(waiting)) {
      expect('page' in followed && (await errorOf(Promise.resolve(followed.page) as never))).toBe(failed)
    }
    const last = [next(1), next(1), next(2)]
    await turn()
    committed.end('closed')
    expect(await Promise.all(last)).toEqual(Array(3).fill({ end: 'closed' }))
    expect(asked).toHaveLength(1)
  })
})

test('many are told in several turns of the event loop, in order', async () => {
  const tellings = new Tellings()
  const told: number[] = []
  for (let n = 0; n < 200; n++) tellings.add(() => void told.push(n))
  const counts: number[] = []
  for (let turn = 0; turn < 5; turn++) {
    counts.push(told.length)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(counts).toEqual([64, 128, 192, 200, 200])
  expect(told).toEqual(Array.from({ length: 200 }, (_, n) => n))
})
