import { describe, expect, test } from '@jest/globals'
import { key, type PagedStream, type Persistency, payload, string } from 'persistency'
import { firstValueFrom, lastValueFrom } from 'rxjs'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { type Answer, errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const workers = useWorkers()

type Call = (p: Persistency, id: string) => Answer<unknown>

const put = (n: number) => ({ kind: 'put' as const, category: 'c', key: key(n), payload: utf8(`row ${n}`) })

const CALLS: [string, Call][] = [
  ['persist', (p, id) => p.persist(id, put(9))],
  ['persistPut', (p, id) => p.persistPut(id, 'c', key(9), utf8('x'))],
  ['persistDelete', (p, id) => p.persistDelete(id, 'c', key(1))],
  ['persistDeletePrefix', (p, id) => p.persistDeletePrefix(id, 'c', keyOf())],
  ['persistEncoded', (p, id) => p.persistEncoded(id, 'c', key(9), 'x')],
  ['persistAcked', (p, id) => p.persistAcked(id, put(9))],
  ['putAcked', (p, id) => p.putAcked(id, 'c', key(9), utf8('x'))],
  ['flush', (p, id) => p.flush(id)],
  ['get', (p, id) => p.get(id, 'c', key(1))],
  ['getDecoded', (p, id) => p.getDecoded(id, 'c', key(1), string)],
  ['getMany', (p, id) => p.getMany(id, 'c', [key(1)])],
  ['exists', (p, id) => p.exists(id, 'c', key(1))],
  ['count', (p, id) => p.count(id, 'c', keyOf())],
  ['deleteAcked', (p, id) => p.deleteAcked(id, 'c', key(1))],
  ['scan', (p, id) => p.scan(id, 'c', keyOf())],
  ['scanPrefix', (p, id) => p.scanPrefix(id, 'c', keyOf())],
  ['backup', (p, id) => p.backup(id, '/never/made')],
  ['verify', (p, id) => p.verify(id)],
  ['stats', (p, id) => p.stats(id)],
  ['compact', (p, id) => p.compact(id)]
]

describe('a job that is open', () => {
  test('is found by its id, and no longer once it is closed', async () => {
    const { job, persistency } = await storage.open()
    expect(persistency.job('tenant')._unsafeUnwrap()).toBe(job)
    expect([persistency.hasJob('tenant'), persistency.hasJob('Tenant')]).toEqual([true, false])
    expect(persistency.jobs.get('tenant')).toBe(job)
    await okOf(persistency.closeJob('tenant'))
    expect([persistency.hasJob('tenant'), persistency.jobs.size]).toEqual([false, 0])
    expect(persistency.job('tenant')._unsafeUnwrapErr().code).toBe('ERR_JOB_NOT_FOUND')
  })

  test('answers by id as it does by its handle', async () => {
    const { job, persistency } = await storage.open()
    const other = await okOf(persistency.openJob('other'))
    await okOf(persistency.persist('tenant', [put(1), put(2)]))
    await okOf(persistency.persistPut('tenant', 'c', key(3), utf8('row 3')))
    await okOf(persistency.persistEncoded('tenant', 'c', key(4), 'text'))
    await okOf(persistency.persistEncoded('tenant', 'c', key(5), 7, { encode: (n: number) => payload(n, n) }))
    expect(await okOf(persistency.persistAcked('tenant', put(6)))).toEqual({ seq: 5, ops: 1 })
    expect(await okOf(persistency.putAcked('tenant', 'c', key(6), utf8('row 6')))).toEqual({ seq: 6, ops: 1 })
    await okOf(persistency.flush('tenant', { durable: true }))
    expect(textOf(await okOf(persistency.get('tenant', 'c', key(1))))).toBe('row 1')
    const many = await okOf(persistency.getMany('tenant', 'c', [key(6), key(4), key(0)]))
    expect(many).toEqual([utf8('row 6'), payload('text'), undefined])
    expect(await okOf(persistency.getDecoded('tenant', 'c', key(4), string))).toBe('text')
    expect(await okOf(persistency.exists('tenant', 'c', key(5)))).toBe(true)
    expect(await okOf(persistency.count('tenant', 'c', keyOf()))).toBe(6)
    const scanned = await okOf(persistency.scan('tenant', 'c', { start: key(2), stop: key(4) }))
    expect(scanned.map((row) => textOf(row.payload))).toEqual(['row 2', 'row 3'])
    const options = { reverse: true, limit: 2 }
    expect(await okOf(persistency.scanPrefix('tenant', 'c', keyOf(), options))).toEqual(
      await okOf(job.scanPrefix('c', keyOf(), options))
    )
    expect(await okOf(persistency.deleteAcked('tenant', 'c', key(1)))).toBe(true)
    await okOf(persistency.persistDelete('tenant', 'c', key(2)))
    await okOf(persistency.persistDeletePrefix('tenant', 'c', key(3)))
    const left: boolean[] = []
    for await (const row of persistency.stream('tenant', 'c', keyOf(), { pageSize: 1 })) {
      left.push(row.key.equals(key(4 + left.length)))
    }
    expect(left).toEqual([true, true, true])
    expect(await okOf(other.count('c', keyOf()))).toBe(0)
  })

  test('takes the options of a read by id', async () => {
    const { persistency } = await storage.open()
    const signal = AbortSignal.abort()
    const reads = [
      persistency.get('tenant', 'c', key(1), { signal }),
      persistency.getMany('tenant', 'c', [key(1)], { signal }),
      persistency.exists('tenant', 'c', key(1), { signal }),
      persistency.count('tenant', 'c', keyOf(), { signal }),
      persistency.deleteAcked('tenant', 'c', key(1), { signal }),
      persistency.scan('tenant', 'c', keyOf(), { signal }),
      persistency.scanPrefix('tenant', 'c', keyOf(), { signal }),
      persistency.persistAcked('tenant', put(1), { signal }),
      persistency.putAcked('tenant', 'c', key(1), utf8('x'), { signal }),
      persistency.flush('tenant', { signal })
    ] as Answer<unknown>[]
    const codes = await Promise.all(reads.map(async (read) => (await errorOf(read)).code))
    expect(codes).toEqual(reads.map(() => 'ERR_ABORTED'))
  })
})

describe('a job that is not open', () => {
  test.each(CALLS)('%s by id fails, stores nothing and opens nothing', async (_, call) => {
    const { root, persistency } = await storage.open()
    const error = await errorOf(call(persistency, 'other'))
    expect(error).toMatchObject({ kind: 'jobNotFound', code: 'ERR_JOB_NOT_FOUND' })
    expect(error.message).toBe('no open job with id "other"')
    expect([persistency.hasJob('other'), workers.started.length]).toEqual([false, 1])
    expect(filesIn(root).some((name) => name.startsWith('other'))).toBe(false)
  })

  const STREAMS: [string, (p: Persistency, id: string) => AsyncIterable<unknown>][] = [
    ['stream', (p, id) => p.stream(id, 'c', keyOf())],
    ['events', (p, id) => p.events(id)],
    ['watch', (p, id) => p.watch(id, 'c', keyOf(), { initial: true })]
  ]

  test.each(STREAMS)('%s by id throws when it is iterated', async (_, stream) => {
    const items = stream(storage.owner(), 'other')
    await expect(items[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      name: 'PersistencyError',
      code: 'ERR_JOB_NOT_FOUND'
    })
  })

  test('events and watch by id throw it as Observables, too', async () => {
    const persistency = storage.owner()
    const streams: PagedStream<unknown>[] = [
      persistency.events('other'),
      persistency.watch('other', 'c', keyOf())
    ]
    for (const items of streams) {
      await expect(lastValueFrom(items.toObservable())).rejects.toMatchObject({ code: 'ERR_JOB_NOT_FOUND' })
    }
  })

  test.each(CALLS)('%s by id fails once the job is closed', async (_, call) => {
    const { persistency } = await storage.open({}, ':memory:')
    await okOf(persistency.closeJob('tenant'))
    expect((await errorOf(call(persistency, 'tenant'))).code).toBe('ERR_JOB_NOT_FOUND')
  })
})

test('events and a watch by id look the job up whenever they are taken', async () => {
  const persistency = storage.owner()
  const [events, watch] = [persistency.events('tenant'), persistency.watch('tenant', 'c', keyOf())]
  const job = await okOf(persistency.openJob('tenant', { journal: true }))
  const watched = firstValueFrom(watch.toObservable())
  for (let round = 1; round <= 2; round++) {
    await okOf(job.persistAcked(put(round)))
    const seen: unknown[] = []
    for await (const event of events) seen.push(event.seq)
    expect(seen).toEqual([1, 2].slice(0, round))
  }
  expect(await watched).toMatchObject({ kind: 'changes', journalSeq: 1 })
  const { signal } = new AbortController()
  const live = persistency.events('tenant', { live: true, signal })[Symbol.asyncIterator]()
  await live.next()
  await live.return?.()
})

test('a stream by id can be iterated again, as that of the job', async () => {
  const { persistency, job } = await storage.open()
  await okOf(job.persist([put(1), put(2)]))
  const stream = persistency.stream('tenant', 'c', keyOf())
  for (let round = 0; round < 2; round++) {
    const seen: unknown[] = []
    for await (const row of stream) seen.push(textOf(row.payload))
    expect(seen).toEqual(['row 1', 'row 2'])
  }
})
