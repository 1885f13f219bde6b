import { describe, expect, test } from '@jest/globals'
import { EventStream, type Job, type JournalEvent, JournalRead, key, type RequestTrace } from 'persistency'
import { isPending } from '../support/brokers-async.js'
import { useChannels } from '../support/channels.js'
import { all, put, requireGapless, shown } from '../support/journal.js'
import { testOfThreads, useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { okOf, utf8 } from '../support/storage-results.js'
import { holdLock } from '../support/storage-sqlite.js'

const storage = useStorage()
const workers = useWorkers()
const channels = useChannels()

const append = (job: Job, text: string) => okOf(job.append({ type: 'noted', data: utf8(text) }))

describe('events', () => {
  test('that are there are read from any number to any number, in pages of any size', async () => {
    const { job } = await storage.open({ journal: true })
    for (let n = 0; n < 300; n++) void job.persistPut('c', key(n), utf8('x'))
    await okOf(job.flush())
    const seqs = async (options: object) => (await all(job.events(options))).map(({ seq }) => seq)
    const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n)
    expect(await seqs({})).toEqual(numbers(1, 300))
    expect(await seqs({ pageSize: 1 })).toEqual(numbers(1, 300))
    expect(await seqs({ from: 129, pageSize: 7 })).toEqual(numbers(129, 300))
    expect(await seqs({ from: 100, to: 200, pageSize: 50 })).toEqual(numbers(100, 200))
    expect(await seqs({ from: 300 })).toEqual([300])
    expect(await seqs({ from: 301 })).toEqual([])
    expect(await seqs({ from: 5, to: 4 })).toEqual([])
    expect(await seqs({ to: 0 })).toEqual([])
  })

  test('larger than a page come one page each', async () => {
    const { job } = await storage.open({ journal: true })
    for (let n = 0; n < 3; n++) await okOf(job.persistPut('c', key(n), new Uint8Array(3 * 1024 * 1024)))
    const events = await all(job.events())
    expect(events.map(({ seq, ops }) => [seq, ops.length])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1]
    ])
  })

  test('see every write that was made before', async () => {
    const { job } = await storage.open({ journal: true })
    void job.persistPut('c', key(1), utf8('x'))
    expect(shown(await all(job.events()))).toEqual(['1 write'])
  })

  test.each([{ from: 0 }, { from: 1.5 }, { live: 1 }, { stream: '' }, { pageSize: 0 }, { unknown: 1 }])(
    'refuse the options %j',
    async (options) => {
      const { job } = await storage.open({ journal: true })
      await expect(all(job.events(options as never))).rejects.toMatchObject({ code: 'ERR_OPTION' })
    }
  )
})

describe('live events', () => {
  test('go on behind a mark', async () => {
    const { job } = await storage.open({ journal: true })
    await append(job, 'a')
    await append(job, 'b')
    const reading = job.events({ live: true })[Symbol.asyncIterator]()
    const next = async () => shown([(await reading.next()).value])[0]
    expect([await next(), await next(), await next()]).toEqual(['1 noted a', '2 noted b', 'caught up 2'])
    const waiting = next()
    expect(await isPending(waiting)).toBe(true)
    await append(job, 'c')
    expect(await waiting).toBe('3 noted c')
    await reading.return?.()
  })

  test('are waited for behind a lock for longer than a read is', async () => {
    const { job, file } = await storage.open({ journal: true, requestTimeoutMs: 100 })
    await append(job, 'a')
    const lock = holdLock(file)
    try {
      const write = job.persistAcked(put(1))
      const reading = job.events({ live: true })[Symbol.asyncIterator]()
      const limited = job.events({ live: true, timeoutMs: 100 })[Symbol.asyncIterator]()
      const first = reading.next()
      await expect(limited.next()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
      lock.release()
      expect(shown([(await first).value])).toEqual(['1 noted a'])
      await okOf(write)
      await reading.return?.()
    } finally {
      lock.release()
    }
  })

  test('of an empty journal begin with the mark', async () => {
    const { job } = await storage.open({ journal: true })
    const found: string[] = []
    for await (const item of job.events({ live: true })) {
      found.push(...shown([item]))
      if (found.length === 1) void append(job, 'a')
      if (found.length === 2) break
    }
    expect(found).toEqual(['caught up 0', '1 noted a'])
  })

  test('from a number that is not there yet wait for it', async () => {
    const { job } = await storage.open({ journal: true })
    const found: string[] = []
    for await (const item of job.events({ live: true, from: 4, to: 5 })) {
      found.push(...shown([item]))
      if (item.kind === 'caughtUp') for (const text of 'abcdef') await append(job, text)
    }
    expect(found).toEqual(['caught up 0', '4 noted d', '5 noted e'])
  })

  test('of a stream wait for that stream', async () => {
    const { job } = await storage.open({ journal: true })
    const reading = job.events({ live: true, stream: 's' })[Symbol.asyncIterator]()
    expect(shown([(await reading.next()).value])).toEqual(['caught up 0'])
    const waiting = reading.next()
    await append(job, 'of none')
    await okOf(job.append({ type: 'noted', data: utf8('of another') }, { stream: 'r' }))
    await okOf(job.append({ type: 'noted', data: utf8('of s') }, { stream: 's' }))
    expect(shown([(await waiting).value])).toEqual(['3 noted of s'])
    await reading.return?.()
  })

  test('end without an error when the job is closed', async () => {
    const { job } = await storage.open({ journal: true })
    await append(job, 'a')
    const found: string[] = []
    for await (const item of job.events({ live: true })) {
      found.push(...shown([item]))
      if (item.kind === 'caughtUp') void job.close()
    }
    expect(found).toEqual(['1 noted a', 'caught up 1'])
    await expect(all(job.events({ live: true }))).rejects.toMatchObject({ code: 'ERR_JOB_CLOSED' })
  })

  testOfThreads('end with the error of a storage that dies', async () => {
    const { job } = await storage.open({ journal: true })
    const reading = (async () => {
      for await (const item of job.events({ live: true })) {
        if (item.kind === 'caughtUp') void workers.killLast()
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_STORAGE_DIED' })
  })

  test('end when the signal fires, also while they wait', async () => {
    const { job } = await storage.open({ journal: true })
    const stop = new AbortController()
    const reading = (async () => {
      for await (const item of job.events({ live: true, signal: stop.signal })) {
        if (item.kind === 'caughtUp') setImmediate(() => stop.abort('enough'))
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' })
    await expect(all(job.events({ signal: AbortSignal.abort() }))).rejects.toMatchObject({
      code: 'ERR_ABORTED'
    })
  })
})

describe('at the seam', () => {
  const WRITES = 10_000

  /** Writes as fast as the queue takes it, a batch now and then, until all is written. */
  async function write(job: Job): Promise<void> {
    for (let n = 0; n < WRITES; n++) {
      const accepted =
        n % 100 === 0 ? job.persist([put(n), put(n + 1)]) : job.persistPut('c', key(n), new Uint8Array(50))
      await okOf(accepted)
    }
    await okOf(job.flush())
  }

  test.each([
    ['a reader', 2048, 0],
    ['a reader of small pages', 32, 0],
    ['a slow reader', 256, 500]
  ])('%s gets each event once, in order, under full load', async (_, pageSize, pauseEvery) => {
    const { job } = await storage.open({ journal: true })
    for (let n = 0; n < 500; n++) void job.persistPut('c', key(n), utf8('x'))
    const writing = write(job)
    const events: JournalEvent[] = []
    let marks = 0
    for await (const item of job.events({ live: true, pageSize })) {
      if (item.kind === 'caughtUp') marks++
      else events.push(item)
      if (pauseEvery > 0 && events.length % pauseEvery === 0) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (events.length === WRITES + 500) break
    }
    await writing
    requireGapless(events, 1)
    expect(marks).toBeLessThanOrEqual(1)
    expect((await okOf(job.journalStatus())).lastSeq).toBe(WRITES + 500)
  })

  test('many readers that begin anywhere see the same events', async () => {
    const { job } = await storage.open({ journal: true })
    const writing = write(job)
    const readers = Array.from({ length: 5 }, async (_, n) => {
      const from = 1 + n * 700
      const events = await all(job.events({ live: true, from, to: WRITES }))
      const found = events.filter((event): event is JournalEvent => event.kind !== 'caughtUp')
      requireGapless(found, from)
      return found.length + from - 1
    })
    expect(await Promise.all(readers)).toEqual([WRITES, WRITES, WRITES, WRITES, WRITES])
    await writing
  })

  test('a reader that stands still while much is written goes on where it was', async () => {
    const { job } = await storage.open({ journal: true })
    const reading = job.events({ live: true, pageSize: 10 })[Symbol.asyncIterator]()
    for (let n = 0; n < 20; n++) await okOf(job.persistAcked(put(n)))
    const found = [(await reading.next()).value]
    await write(job)
    while (found.length < 100) found.push((await reading.next()).value)
    requireGapless(found, 1)
    await reading.return?.()
  })

  test('a live reader that is overtaken by the limits is told', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 50 } })
    for (let n = 0; n < 20; n++) await okOf(job.persistAcked(put(n)))
    const reading = (async () => {
      for await (const { seq } of job.events({ live: true, pageSize: 10 })) {
        if (seq === 10) for (let n = 0; n < 100; n++) await okOf(job.persistAcked(put(n)))
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_EVENTS_GONE' })
  })
})

describe('as an Observable', () => {
  test('the same comes to every subscriber, each in its own time', async () => {
    const { job } = await storage.open({ journal: true })
    await append(job, 'a')
    const events = job.events({ live: true, to: 3 })
    expect(events).toBeInstanceOf(EventStream)
    const completed = [1, 2].map(
      () =>
        new Promise<string[]>((resolve, reject) => {
          const found: string[] = []
          events.toObservable().subscribe({
            next: (item) => found.push(...shown([item])),
            error: reject,
            complete: () => resolve(found)
          })
        })
    )
    await append(job, 'b')
    await append(job, 'c')
    for (const found of await Promise.all(completed)) {
      expect(found.filter((text) => !text.startsWith('caught'))).toEqual([
        '1 noted a',
        '2 noted b',
        '3 noted c'
      ])
    }
  })

  test('unsubscribing ends it, within a page and while it waits', async () => {
    const { job } = await storage.open({ journal: true })
    for (const text of 'abc') await append(job, text)
    const found: string[] = []
    const within = job
      .events({ live: true })
      .toObservable()
      .subscribe((item) => {
        found.push(...shown([item]))
        if (found.length === 2) within.unsubscribe()
      })
    await append(job, 'd')
    const waited: string[] = []
    const caughtUp = new Promise<void>((resolve) => {
      const waiting = job
        .events({ live: true })
        .toObservable()
        .subscribe((item) => {
          waited.push(...shown([item]))
          if (item.kind === 'caughtUp') {
            setImmediate(() => {
              waiting.unsubscribe()
              resolve()
            })
          }
        })
    })
    await caughtUp
    let reads = 0
    channels.on<RequestTrace>('tracing:persistency:request:start', ({ request }) => {
      if (request === JournalRead.name) reads++
    })
    await append(job, 'e')
    await okOf(job.flush())
    expect(found).toEqual(['1 noted a', '2 noted b'])
    expect(waited).toEqual(['1 noted a', '2 noted b', '3 noted c', '4 noted d', 'caught up 4'])
    expect(reads).toBe(0)
  })

  test('errors are those of the iteration', async () => {
    const { job } = await storage.open()
    const failed = new Promise((resolve) => job.events().toObservable().subscribe({ error: resolve }))
    expect(await failed).toMatchObject({ code: 'ERR_NO_JOURNAL' })
    const stop = new AbortController()
    stop.abort('enough')
    const aborted = new Promise((resolve) =>
      job.events({ signal: stop.signal }).toObservable().subscribe({ error: resolve })
    )
    expect(await aborted).toMatchObject({ code: 'ERR_ABORTED' })
  })
})
