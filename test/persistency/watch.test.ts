import { describe, expect, test } from '@jest/globals'
import {
  EventBroker,
  type Job,
  type Key,
  type KvRow,
  key,
  onlyKey,
  PersistEvent,
  prefixRange,
  rangeIncludes,
  rawKey,
  type WatchItem
} from 'persistency'
import { all, put, shownOps } from '../support/journal.js'
import { runProgram } from '../support/storage-child.js'
import { testOfThreads, useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { hexOf, okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const workers = useWorkers()
const ALL = rawKey(new Uint8Array(0))

/** Items as short texts. */
const shown = (item: WatchItem): string =>
  item.kind === 'changes'
    ? shownOps(item.changes).join(', ')
    : `${item.kind} ${item.rows.map((row) => `${row.key}=${hexOf(row.payload)}`).join(' ')}`

/** A watching that has begun, so that what is written now is news. */
async function begun(items: AsyncIterable<WatchItem>) {
  const watching = items[Symbol.asyncIterator]()
  const first = await watching.next()
  return {
    first: first.value as WatchItem,
    next: async () => (await watching.next()).value as WatchItem,
    watching
  }
}

/** Applies items to a state as a reader of them would. */
class Watched {
  readonly rows = new Map<string, string>()
  apply(item: WatchItem): void {
    if (item.kind !== 'changes') {
      this.rows.clear()
      for (const row of item.rows) this.#put(row)
      return
    }
    for (const op of item.changes) {
      if (op.kind === 'put') this.#put(op)
      else if (op.kind === 'delete') this.rows.delete(hexOf(op.key.bytes))
      else {
        const gone = prefixRange(op.prefix)
        for (const hex of [...this.rows.keys()]) {
          if (rangeIncludes(gone, rawKey(Buffer.from(hex, 'hex')))) this.rows.delete(hex)
        }
      }
    }
  }
  get entries(): [string, string][] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1))
  }
  #put({ key: { bytes }, payload }: KvRow): void {
    this.rows.set(hexOf(bytes), hexOf(payload))
  }
}

const rowsOf = async (job: Job, range: Key): Promise<[string, string][]> =>
  (await okOf(job.scan('c', range))).map((row) => [hexOf(row.key.bytes), hexOf(row.payload)])

describe.each([{ journal: false }, { journal: true }])('watching with %j', (options) => {
  test('begins with the rows and goes on with whole batches', async () => {
    const { job } = await storage.open(options)
    await okOf(job.persist([put(1), put(2)]))
    const { first, next, watching } = await begun(job.watch('c', ALL, { initial: true }))
    expect(shown(first)).toBe(`initial ${key(1)}=78 ${key(2)}=78`)
    void job.persist([
      put(3, 'y'),
      { ...put(4), category: 'other' },
      { kind: 'delete', category: 'c', key: key(1) }
    ])
    void job.persistDeletePrefix('c', ALL)
    expect(shown(await next())).toBe(`put c ${key(3)}=79, delete c ${key(1)}`)
    expect(shown(await next())).toBe(`deletePrefix c ${ALL}`)
    await watching.return?.()
  })

  test('tells of acknowledged deletes that removed a row, in their place', async () => {
    const { job } = await storage.open(options)
    const { next, watching } = await begun(job.watch('c', onlyKey(key(1)), { initial: true }))
    void job.persist(put(1))
    void job.deleteAcked('c', key(1))
    void job.deleteAcked('c', key(1))
    void job.persist([put(1, 'y'), put(2)])
    expect(shown(await next())).toBe(`put c ${key(1)}=78`)
    expect(shown(await next())).toBe(`delete c ${key(1)}`)
    expect(shown(await next())).toBe(`put c ${key(1)}=79`)
    await watching.return?.()
  })

  test('tells of what a listener wrote behind what it heard of', async () => {
    const { job } = await storage.open(options)
    new EventBroker().in(job.context).listen(PersistEvent, ({ seq }) => {
      if (seq === 1) void job.persist(put(1, 'y'))
    })
    const { next, watching } = await begun(job.watch('c', ALL, { initial: true }))
    void job.persist(put(1))
    expect(shown(await next())).toBe(`put c ${key(1)}=78`)
    expect(shown(await next())).toBe(`put c ${key(1)}=79`)
    await watching.return?.()
  })

  test('does not tell of a write that failed', async () => {
    const { job } = await storage.open(options)
    const { next, watching } = await begun(job.watch('c', ALL, { initial: true }))
    void job.persistAcked([put(1), { kind: 'check', category: 'c', key: key(9), equals: utf8('no') }])
    void job.persist(put(2))
    expect(shown(await next())).toBe(`put c ${key(2)}=78`)
    await watching.return?.()
  })

  test('tells what was committed between writes that failed, in order', async () => {
    const { job } = await storage.open(options)
    const { next, watching } = await begun(job.watch('c', ALL, { initial: true }))
    const impossible = { kind: 'check', category: 'c', key: key(-1), equals: utf8('no') } as const
    const writes = 3000
    for (let n = 0; n < writes; n++) {
      const fails = n % 3 !== 1
      void job.persistAcked(fails ? [put(n), impossible] : put(n))
    }
    await job.flush()
    for (let n = 1; n < writes; n += 3) expect(shown(await next())).toBe(`put c ${key(n)}=78`)
    await watching.return?.()
  })

  test.each(['puts', 'acknowledged deletes'])(
    'has no gap and no repetition at the seam under a load of %s',
    async (load) => {
      const { job } = await storage.open(options)
      const rows = 10_000
      if (load !== 'puts') await okOf(job.persist(Array.from({ length: rows }, (_, n) => put(n))))
      let written = 0
      let over = false
      const write = (): void => {
        const n = written++
        if (load === 'puts') void job.persist(put(n))
        else void job.deleteAcked('c', key(n))
      }
      // Row n is changed by the n-th write, so the rows tell which change has to come next.
      const watch = async (): Promise<void> => {
        let next = -1
        let left = 20
        for await (const item of job.watch('c', ALL, { initial: true })) {
          if (item.kind !== 'changes') {
            next = load === 'puts' ? item.rows.length : rows - item.rows.length
            continue
          }
          expect(shown(item)).toBe(load === 'puts' ? `put c ${key(next)}=78` : `delete c ${key(next)}`)
          next++
          if (--left === 0) return
        }
      }
      const watchAll = Promise.all(Array.from({ length: 5 }, watch)).finally(() => {
        over = true
      })
      while (!over && written < rows) {
        for (let n = 0; n < 10; n++) write()
        await new Promise((resolve) => setImmediate(resolve))
        if (written % 100 === 0) await okOf(job.exists('c', key(0)))
      }
      await okOf(job.close())
      await watchAll
      expect(over && written).toBeLessThan(rows)
    }
  )

  test('ends with the job, after what was committed', async () => {
    const { job } = await storage.open(options)
    const { watching } = await begun(job.watch('c', ALL, { initial: true }))
    void job.persist(put(1))
    const rest = all({ [Symbol.asyncIterator]: () => watching })
    await okOf(job.close())
    expect((await rest).map(shown)).toEqual([`put c ${key(1)}=78`])
    await expect(all(job.watch('c', ALL))).rejects.toMatchObject({ code: 'ERR_JOB_CLOSED' })
  })

  test('ends with the job without an error for one who has not read on yet', async () => {
    const { job } = await storage.open(options)
    const { watching } = await begun(job.watch('c', ALL, { initial: true }))
    await okOf(job.close())
    expect(await watching.next()).toEqual({ done: true, value: undefined })
  })

  testOfThreads('ends with the error of a storage that dies, also for one who was behind', async () => {
    const { job } = await storage.open(options)
    const waiting = await begun(job.watch('c', ALL, { initial: true }))
    const behind = await begun(job.watch('c', ALL, { initial: true, maxBufferBytes: 200 }))
    for (let n = 0; n < 10; n++) void job.persist(put(n))
    await okOf(job.flush())
    const died = { code: 'ERR_STORAGE_DIED' }
    const rest = all({ [Symbol.asyncIterator]: () => waiting.watching })
    void workers.killLast()
    await expect(rest).rejects.toMatchObject(died)
    await expect(all({ [Symbol.asyncIterator]: () => behind.watching })).rejects.toMatchObject(died)
    expect(await waiting.watching.next()).toEqual({ done: true, value: undefined })
    await expect(all(job.watch('c', ALL))).rejects.toMatchObject({ code: 'ERR_JOB_CLOSED' })
  })

  testOfThreads('ends with that error as an Observable, too, after what was committed', async () => {
    const { job } = await storage.open(options)
    const found: string[] = []
    const error = await new Promise((resolve, reject) =>
      job
        .watch('c', ALL, { initial: true })
        .toObservable()
        .subscribe({
          next: (item) => {
            found.push(shown(item))
            if (item.kind === 'initial') void job.persist(put(1))
            else void workers.killLast()
          },
          error: resolve,
          complete: () => reject(new Error('it ended without an error'))
        })
    )
    expect(error).toMatchObject({ code: 'ERR_STORAGE_DIED' })
    expect(found).toEqual(['initial ', `put c ${key(1)}=78`])
  })

  test('ends when it is aborted', async () => {
    const { job } = await storage.open(options)
    const stop = new AbortController()
    const { watching } = await begun(job.watch('c', ALL, { initial: true, signal: stop.signal }))
    const next = watching.next()
    stop.abort()
    await expect(next).rejects.toMatchObject({ code: 'ERR_ABORTED' })
  })

  test('is an Observable as well', async () => {
    const { job } = await storage.open(options)
    const found: string[] = []
    await new Promise<void>((resolve) => {
      const subscription = job
        .watch('c', ALL, { initial: true })
        .toObservable()
        .subscribe((item) => {
          found.push(shown(item))
          if (found.length === 1) void job.persist(put(1))
          else {
            subscription.unsubscribe()
            resolve()
          }
        })
    })
    expect(found).toEqual(['initial ', `put c ${key(1)}=78`])
  })

  test('of many readers at any time, slow ones too, ends in the state of the rows', async () => {
    const { job } = await storage.open({ ...options, maxQueueOps: 50 })
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return Math.floor((seed / 2_147_483_648) * below)
    }
    const readers: { state: Watched; prefix: Key; seen: () => boolean; done: Promise<void> }[] = []
    const join = (prefix: Key, maxBufferBytes: number): void => {
      const state = new Watched()
      let over = false
      const read = async (): Promise<void> => {
        let last = 0
        for await (const item of job.watch('c', prefix, { initial: true, maxBufferBytes })) {
          state.apply(item)
          if (item.kind === 'changes') {
            const place = item.journalSeq ?? item.seq ?? last
            if (place < last) throw new Error(`${place} came after ${last}`)
            last = place
            over ||= item.changes.some((op) => op.kind === 'put' && op.payload[0] === 0xee)
          } else over ||= item.rows.some(({ payload }) => payload[0] === 0xee)
          if (maxBufferBytes < 10_000) await new Promise((resolve) => setImmediate(resolve))
          if (over) return
        }
      }
      readers.push({ state, prefix, seen: () => over, done: read() })
    }
    for (let n = 0; n < 1500; n++) {
      const row = key(random(3), random(12))
      const kind = random(20)
      if (kind === 0) void job.persistDeletePrefix('c', key(random(3)))
      else if (kind < 4) void job.deleteAcked('c', row)
      else if (kind < 6)
        void job.persistAcked([{ kind: 'check', category: 'c', key: row }, put(row, `n${n}`)])
      else await okOf(job.persist([put(row, `a${n}`), put(key(random(3), 99), `b${n}`)]))
      if (n % 100 === 50) join(n % 200 === 50 ? ALL : key(random(3)), n % 300 === 50 ? 400 : 1 << 20)
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    for (let part = 0; part < 3; part++) {
      // The last change under each prefix, and in all: with it a reader has seen everything.
      await okOf(job.persist([0, 1, 2].map((at) => ({ ...put(key(at, 100)), payload: Uint8Array.of(0xee) }))))
    }
    await okOf(job.flush())
    for (const { state, prefix, done } of readers) {
      await done
      expect(state.entries).toEqual(await rowsOf(job, prefix))
    }
    expect(readers.length).toBe(15)
  })
})

test('a slow reader without a journal is told the rows instead of what it missed', async () => {
  const { job } = await storage.open()
  const { next, watching } = await begun(job.watch('c', ALL, { initial: true, maxBufferBytes: 200 }))
  for (let n = 0; n < 10; n++) void job.persist(put(n % 2))
  await okOf(job.flush())
  expect(shown(await next())).toBe(`resync ${key(0)}=78 ${key(1)}=78`)
  void job.persist(put(5))
  expect(shown(await next())).toBe(`put c ${key(5)}=78`)
  await watching.return?.()
})

test('a slow reader of a journal is told the rows when what it missed has fallen off', async () => {
  const { job } = await storage.open({ journal: { maxEvents: 5 } })
  const { next, watching } = await begun(job.watch('c', ALL, { initial: true }))
  void job.persist(put(0))
  expect(shown(await next())).toBe(`put c ${key(0)}=78`)
  for (let n = 0; n < 20; n++) await okOf(job.persistAcked(put(n % 2, `${n % 10}`)))
  const state = await next()
  expect(shown(state)).toBe(`resync ${key(0)}=38 ${key(1)}=39`)
  expect(state.kind !== 'changes' && state.journalSeq).toBe(21)
  void job.persist(put(5))
  expect(shown(await next())).toBe(`put c ${key(5)}=78`)
  await watching.return?.()
})

test('a reader that asked for an event which has fallen off is told so, at once and later', async () => {
  const { job } = await storage.open({ journal: { maxEvents: 5 } })
  for (let n = 0; n < 10; n++) await okOf(job.persistAcked(put(n)))
  const gone = { code: 'ERR_EVENTS_GONE' }
  await expect(all(job.watch('c', ALL, { from: 1 }))).rejects.toMatchObject(gone)
  const late = await begun(job.watch('c', ALL, { from: 10 }))
  for (let n = 0; n < 10; n++) await okOf(job.persistAcked(put(n)))
  await expect(late.watching.next()).rejects.toMatchObject(gone)
})

test('what another process commits comes in its place, with a journal', async () => {
  const { job, root } = await storage.open({ journal: true })
  const { next, watching } = await begun(job.watch('c', ALL, { initial: true }))
  await okOf(job.persistAcked(put(1)))
  const { stderr } = await runProgram(
    root,
    `const { key, Persistency } = persistency
     const owner = Persistency.open(root)._unsafeUnwrap()
     const job = (await owner.openJob('tenant'))._unsafeUnwrap()
     const payload = new Uint8Array([0x79])
     await job.persistAcked([2, 3].map((n) => ({ kind: 'put', category: 'c', key: key(n), payload })))
     await job.deleteAcked('c', key(1))
     await owner.close()`
  )
  expect(stderr).toBe('')
  await okOf(job.persistAcked(put(4)))
  const items = [await next(), await next(), await next(), await next()]
  expect(items.map((item) => item.kind === 'changes' && item.journalSeq)).toEqual([1, 2, 3, 4])
  expect(items.map(shown)).toEqual([
    `put c ${key(1)}=78`,
    `put c ${key(2)}=79, put c ${key(3)}=79`,
    `delete c ${key(1)}`,
    `put c ${key(4)}=78`
  ])
  await watching.return?.()
})

test('a reader of the journal begins with any event, also those of append', async () => {
  const { job } = await storage.open({ journal: true })
  await okOf(job.persist([put(1), put(2)]))
  await okOf(job.append({ type: 'noted' }, { ops: [put(3)] }))
  const { first, next, watching } = await begun(job.watch('c', ALL, { from: 1 }))
  expect([first, await next()].map((item) => item.kind === 'changes' && item.journalSeq)).toEqual([1, 2])
  await watching.return?.()
  await expect(all(job.watch('c', ALL, { initial: true, from: 1 }))).rejects.toMatchObject({
    code: 'ERR_OPTION'
  })
})

test('needs a journal to begin with an event', async () => {
  const { job } = await storage.open()
  await expect(all(job.watch('c', ALL, { from: 1 }))).rejects.toMatchObject({ code: 'ERR_NO_JOURNAL' })
})

test.each([{ journal: true }, { journal: false }])(
  'a watch that was about to read its first rows ends without an error when its job is closed (%j)',
  async (options) => {
    const { job } = await storage.open(options)
    const first = job.watch('c', prefixRange(key()), { initial: true })[Symbol.asyncIterator]().next()
    await job.close()
    expect(await first).toEqual({ done: true, value: undefined })
  }
)
