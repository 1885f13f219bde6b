import { hasSubscribers } from 'node:diagnostics_channel'
import { afterEach, describe, expect, test } from '@jest/globals'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { EventBroker, key, PersistCommitted, type Persistency, type TxOp } from 'persistency'
import { type Observation, type ObserveOptions, observe } from 'persistency/observability'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWarnings, useWorkers } from '../support/storage-process.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'
import { useTelemetry } from '../support/telemetry.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()
const warnings = useWarnings()
const telemetry = useTelemetry()

// The channels belong to the process, which other test files run in as well.
const observations: Observation[] = []
afterEach(() => {
  for (const observing of observations.splice(0)) observing.stop()
})

const put = (n: number, category = 'readings'): TxOp => ({
  kind: 'put',
  category,
  key: key(n),
  payload: utf8('12345')
})

const CHANNELS = [
  'persistency:commit',
  'persistency:failed',
  'persistency:job:opened',
  'persistency:job:closed',
  'persistency:job:failed',
  'tracing:persistency:request:start',
  'tracing:persistency:write:start'
]

/** The channels that somebody in this process subscribes to. */
const watched = (): string[] => CHANNELS.filter((name) => hasSubscribers(name))

function observed(persistency: Persistency, options: ObserveOptions = {}) {
  const { tracerProvider, meterProvider, metrics, spans } = telemetry()
  const observing: Observation = observe(persistency, { tracerProvider, meterProvider, ...options })
  observations.push(observing)
  return { observing, metrics, spans }
}

describe('the metrics of jobs', () => {
  test('count what was committed, and how long it took', async () => {
    const persistency = storage.owner()
    const { metrics } = observed(persistency)
    const job = await okOf(persistency.openJob('a'))
    await okOf(job.persistAcked([put(1), put(2)]))
    await okOf(job.persistAcked(put(3)))
    const all = await metrics()
    const attributes = { 'persistency.root_dir': persistency.rootDir, 'persistency.outcome': 'committed' }
    expect(all['persistency.writes']).toEqual([{ unit: '{write}', attributes, value: 2, count: undefined }])
    expect(all['persistency.operations']).toEqual([
      { unit: '{operation}', attributes, value: 3, count: undefined }
    ])
    const bytes = 3 * (64 + key(1).bytes.length + 5)
    expect(all['persistency.io']).toEqual([{ unit: 'By', attributes, value: bytes, count: undefined }])
    expect(all['persistency.commit.duration']).toEqual([
      {
        unit: 's',
        attributes: { 'persistency.root_dir': persistency.rootDir },
        value: expect.any(Number),
        count: 2
      }
    ])
  })

  test('count what failed, by cause', async () => {
    const { job, persistency, file } = await storage.open({ busyTimeoutMs: 1 })
    const { metrics } = observed(persistency)
    const held = holdLock(file)
    await errorOf(job.persistAcked([put(1), put(2)]))
    held.release()
    const all = await metrics()
    const attributes = {
      'persistency.root_dir': persistency.rootDir,
      'persistency.outcome': 'failed',
      'error.type': 'ERR_STORAGE'
    }
    expect(all['persistency.writes']).toMatchObject([{ attributes, value: 1 }])
    expect(all['persistency.operations']).toMatchObject([{ attributes, value: 2 }])
    expect(all['persistency.io']).toMatchObject([{ attributes, value: 2 * (64 + key(1).bytes.length + 5) }])
  })

  test('tell conflicts from other failures, and leave the warning of them to whoever listens', async () => {
    const { job, persistency } = await storage.open({ journal: true })
    const { metrics } = observed(persistency)
    const check: TxOp = { kind: 'check', category: 'c', key: key(1), equals: utf8('x') }
    const warned = warnings.next()
    await okOf(job.persist(check))
    expect((await warned).code).toBe('PERSISTENCY_WRITE_LOST')
    expect((await errorOf(job.append({ type: 'e' }, { stream: 's', expectedSeq: 7 }))).code).toBe(
      'ERR_CONFLICT'
    )
    const attributes = { 'persistency.outcome': 'failed', 'error.type': 'ERR_CONFLICT' }
    expect((await metrics())['persistency.writes']).toMatchObject([{ attributes, value: 1 }])
  })

  test('tell how many jobs are open and what waits, as it stands', async () => {
    const { job, persistency, file } = await storage.open({ busyTimeoutMs: 20_000 })
    await okOf(persistency.openJob('idle'))
    const { metrics } = observed(persistency)
    const held = holdLock(file)
    await okOf(job.persist([put(1), put(2)]))
    const before = await metrics()
    const { ops, bytes } = job.queued
    expect(ops).toBe(2)
    expect(before['persistency.job.count']).toMatchObject([{ unit: '{job}', value: 2 }])
    expect(before['persistency.queue.operations']).toMatchObject([{ unit: '{operation}', value: 2 }])
    expect(before['persistency.queue.size']).toMatchObject([{ unit: 'By', value: bytes }])
    held.release()
    await okOf(job.flush())
    await okOf(persistency.closeJob('idle'))
    const after = await metrics()
    expect(after['persistency.job.count']).toMatchObject([{ value: 1 }])
    expect(after['persistency.queue.operations']).toMatchObject([{ value: 0 }])
    expect(after['persistency.queue.size']).toMatchObject([{ value: 0 }])
  })

  test('count jobs that open, close and fail', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), threads: 'dedicated' })
    const { metrics } = observed(persistency, { jobs: true, attributes: { site: 'north' } })
    await okOf(persistency.openJob('closed'))
    await okOf(persistency.closeJob('closed'))
    const job = await okOf(persistency.openJob('victim'))
    const writing = job.persistAcked(put(1))
    await workers.killLast()
    expect((await errorOf(writing)).code).toBe('ERR_STORAGE_DIED')
    const transitions = (await metrics())['persistency.job.transitions']?.map(({ attributes, value }) => [
      attributes['db.namespace'],
      attributes['persistency.job.state'],
      attributes['error.type'],
      attributes['site'],
      value
    ])
    expect(transitions).toEqual([
      ['closed', 'opened', undefined, 'north', 1],
      ['closed', 'closed', undefined, 'north', 1],
      ['victim', 'opened', undefined, 'north', 1],
      ['victim', 'failed', 'ERR_STORAGE_DIED', 'north', 1]
    ])
  })

  test('measure calls by operation, and tell jobs and categories apart only when asked to', async () => {
    const persistency = storage.owner()
    const plain = observed(persistency)
    const detailed = observed(persistency, { jobs: true, categories: true })
    for (const id of ['a', 'b']) {
      const job = await okOf(persistency.openJob(id))
      await okOf(job.persistAcked(put(1, `of-${id}`)))
      await okOf(job.get(`of-${id}`, key(1)))
      await okOf(job.flush())
    }
    const root = { 'persistency.root_dir': persistency.rootDir, 'db.system.name': 'sqlite' }
    const series = async (of: typeof plain) => (await of.metrics())['db.client.operation.duration']
    const duration = (operation: string, count: number, more = {}) => ({
      unit: 's',
      attributes: { ...root, 'db.operation.name': operation, ...more },
      value: expect.any(Number),
      count
    })
    expect(await series(plain)).toEqual([
      duration('persistAcked', 2),
      duration('get', 2),
      duration('flush', 2)
    ])
    const ofJob = (id: string) => [
      duration('persistAcked', 1, { 'db.namespace': id, 'db.collection.name': `of-${id}` }),
      duration('get', 1, { 'db.namespace': id, 'db.collection.name': `of-${id}` }),
      duration('flush', 1, { 'db.namespace': id })
    ]
    expect(await series(detailed)).toEqual([...ofJob('a'), ...ofJob('b')])
    expect((await detailed.metrics())['persistency.job.count']).toMatchObject([
      { attributes: { 'db.namespace': 'a' }, value: 1 },
      { attributes: { 'db.namespace': 'b' }, value: 1 }
    ])
  })

  test('measure a call that failed under the code that its caller gets', async () => {
    const { job, persistency, file } = await storage.open({ busyTimeoutMs: 20_000 })
    const { metrics } = observed(persistency)
    const held = holdLock(file)
    await okOf(job.persist(put(1)))
    expect((await errorOf(job.get('readings', key(1), { timeoutMs: 20 }))).code).toBe('ERR_TIMEOUT')
    held.release()
    expect((await metrics())['db.client.operation.duration']).toMatchObject([
      { attributes: { 'db.operation.name': 'get', 'error.type': 'ERR_TIMEOUT' }, count: 1 }
    ])
  })

  test('leave out the jobs of others, and everything after stop', async () => {
    const { job, persistency } = await storage.open()
    const other = await storage.open()
    const { observing, metrics } = observed(persistency)
    await okOf(other.job.persistAcked(put(1)))
    await okOf(other.job.get('readings', key(1)))
    expect(Object.keys(await metrics()).sort()).toEqual([
      'persistency.job.count',
      'persistency.queue.operations',
      'persistency.queue.size'
    ])
    expect(watched()).toEqual(CHANNELS)
    observing.stop()
    observing.stop()
    expect(watched()).toEqual([])
    await okOf(job.persistAcked(put(1)))
    const after = await metrics()
    expect(after['persistency.writes']).toBeUndefined()
    expect(after['db.client.operation.duration']).toBeUndefined()
  })
})

describe('the spans of jobs', () => {
  test('name the operation, the category and the job, and how long the commit took', async () => {
    const { job, persistency } = await storage.open()
    const { spans } = observed(persistency, { meterProvider: false })
    const took: number[] = []
    new EventBroker()
      .in(job.context)
      .listen(PersistCommitted, ({ commitMs }) => void took.push(commitMs / 1000))
    await okOf(job.persistAcked([put(1), put(2)]))
    await okOf(job.getMany('readings', [key(1), key(2), key(3)]))
    await okOf(job.flush())
    const common = {
      'db.system.name': 'sqlite',
      'db.namespace': 'tenant',
      'persistency.root_dir': persistency.rootDir
    }
    expect(spans().map(({ name, kind, attributes }) => ({ name, kind, attributes }))).toEqual([
      {
        name: 'persistAcked readings',
        kind: SpanKind.CLIENT,
        attributes: {
          ...common,
          'db.operation.name': 'persistAcked',
          'db.collection.name': 'readings',
          'db.operation.batch.size': 2,
          'persistency.commit.duration': took[0],
          'persistency.wait.duration': expect.any(Number)
        }
      },
      {
        name: 'getMany readings',
        kind: SpanKind.CLIENT,
        attributes: {
          ...common,
          'db.operation.name': 'getMany',
          'db.collection.name': 'readings',
          'db.operation.batch.size': 3
        }
      },
      { name: 'flush', kind: SpanKind.CLIENT, attributes: { ...common, 'db.operation.name': 'flush' } }
    ])
  })

  test('name no category when a write has several, and say why a call failed', async () => {
    const { job, persistency, file } = await storage.open({ busyTimeoutMs: 1 })
    const { spans } = observed(persistency)
    const held = holdLock(file)
    const error = await errorOf(job.persistAcked([put(1, 'a'), put(2, 'b')]))
    held.release()
    expect(spans()).toMatchObject([
      {
        name: 'persistAcked',
        status: { code: SpanStatusCode.ERROR, message: error.message },
        attributes: { 'error.type': 'ERR_STORAGE' }
      }
    ])
    expect(spans()[0]?.attributes).not.toHaveProperty('db.collection.name')
  })

  test('are not made without a tracer', async () => {
    const { job, persistency } = await storage.open()
    const { spans, metrics } = observed(persistency, { tracerProvider: false })
    await okOf(job.get('readings', key(1)))
    expect(spans()).toEqual([])
    expect((await metrics())['db.client.operation.duration']).toMatchObject([{ count: 1 }])
  })
})
