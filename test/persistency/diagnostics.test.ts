import { describe, expect, test } from '@jest/globals'
import {
  defineProjection,
  type Job,
  jsonEvents,
  KvScan,
  type KvScanQuery,
  key,
  type RequestTrace,
  type TxOp
} from 'persistency'
import { eventOf, tracingNames, useChannels } from '../support/channels.js'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWarnings, useWorkers } from '../support/storage-process.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

const WRITES = tracingNames('persistency:write')
const JOBS = ['persistency:job:opened', 'persistency:job:closed', 'persistency:job:failed']

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()
const warnings = useWarnings()
const channels = useChannels()

const put = (n: number): TxOp => ({ kind: 'put', category: 'c', key: key(n), payload: utf8(`${n}`) })
const about = ({ id, context }: Job) => ({ jobId: id, context })

describe('the channel persistency:commit', () => {
  test('tells of each transaction what PersistCommitted says, and the context', async () => {
    const heard = channels.record('persistency:commit')
    const { job } = await storage.open()
    await okOf(job.persistAcked([put(1), put(2)]))
    await okOf(job.persistAcked(put(3)))
    expect(heard.map(({ message }) => message)).toEqual([
      {
        ...about(job),
        firstSeq: 1,
        lastSeq: 1,
        writes: 1,
        ops: 2,
        bytes: expect.any(Number),
        waitMs: expect.any(Number),
        commitMs: expect.any(Number)
      },
      expect.objectContaining({ ...about(job), firstSeq: 2, lastSeq: 2, writes: 1, ops: 1 })
    ])
  })
})

describe('the channel persistency:failed', () => {
  test('tells of a write that the storage refused, and changes nothing about its warning', async () => {
    const heard = channels.record('persistency:failed')
    const { job, file } = await storage.open({ busyTimeoutMs: 1 })
    const held = holdLock(file)
    await okOf(job.persist(put(1)))
    expect((await errorOf(job.flush())).code).toBe('ERR_WRITES_LOST')
    held.release()
    expect(heard.map(({ message }) => message)).toEqual([
      { ...about(job), seq: 1, ops: [put(1)], error: expect.objectContaining({ code: 'ERR_STORAGE' }) }
    ])
    expect(warnings.seen.map(({ code }) => code)).toEqual(['PERSISTENCY_WRITE_LOST'])
  })

  test('tells once of each write that goes down with the storage', async () => {
    const heard = channels.record('persistency:failed', ...JOBS)
    const { job } = await storage.open()
    const writing = [job.persistAcked(put(1)), job.persistAcked(put(2))]
    await workers.killLast()
    await Promise.all(writing.map(errorOf))
    const told = heard.map(({ channel, message }) => [channel, message['seq']])
    expect(told).toEqual([
      ['persistency:job:opened', undefined],
      ['persistency:failed', 1],
      ['persistency:failed', 2],
      ['persistency:job:failed', undefined]
    ])
    expect(heard[3]?.message).toEqual({
      ...about(job),
      error: expect.objectContaining({ code: 'ERR_STORAGE_DIED' })
    })
  })
})

describe('the channels of the life of a job', () => {
  test('tell of opening and closing, and whose job it is', async () => {
    const heard = channels.record(...JOBS)
    const { job, persistency } = await storage.open()
    await okOf(job.close())
    expect(heard).toEqual([
      { channel: 'persistency:job:opened', message: about(job) },
      { channel: 'persistency:job:closed', message: about(job) }
    ])
    expect(job.context.parent).toBe(persistency.context)
  })
})

describe('the tracing channel of writes', () => {
  test('tells of a write that is waited for, with its commit and the time that took', async () => {
    const { job } = await storage.open()
    const commits = channels.record('persistency:commit')
    const heard = channels.record(...WRITES)
    await okOf(job.persistAcked([put(1), put(2)]))
    await okOf(job.persist(put(3)))
    expect(heard.map(eventOf)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(heard[0]?.message).toEqual({ ...about(job), ops: [put(1), put(2)] })
    expect(heard[3]?.message).toEqual({
      ...about(job),
      ops: [put(1), put(2)],
      result: { seq: 1, ops: 2 },
      commitMs: commits[0]?.message['commitMs']
    })
    expect(commits[0]?.message['commitMs']).toBeGreaterThan(0)
  })

  test('tells of the failure before the answer', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 1 })
    const heard = channels.record(...WRITES)
    const held = holdLock(file)
    await errorOf(job.persistAcked(put(1)))
    held.release()
    expect(heard.map(eventOf)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(heard[4]?.message).toMatchObject({ error: { code: 'ERR_STORAGE' } })
    expect(heard[4]?.message).not.toHaveProperty('commitMs')
  })
})

describe('the tracing channel of requests', () => {
  const patient = { timeoutMs: 1000, signal: new AbortController().signal, reverse: true, limit: 3 }

  /** What there is in the queries that the storage gets from `scanning`, by name. */
  async function namesOfQueries(scanning: () => PromiseLike<unknown>): Promise<string[][]> {
    const names: string[][] = []
    channels.on<RequestTrace>('tracing:persistency:request:start', ({ request, payload }) => {
      if (request === KvScan.name) names.push(Object.keys(payload as KvScanQuery).sort())
    })
    await scanning()
    return names
  }

  test('tells of a scan without how long its caller waits', async () => {
    const { job } = await storage.open()
    const names = await namesOfQueries(() => okOf(job.scan('c', key(1), { ...patient, copy: true })))
    expect(names).toEqual([['category', 'limit', 'range', 'reverse']])
  })

  test('tells of the scan of a projection without how long its caller waits', async () => {
    const { job } = await storage.open({ journal: true })
    const definition = defineProjection({
      name: 'p',
      version: 1,
      events: jsonEvents(),
      initial: () => 0,
      apply: (state: number) => state
    })
    const projection = await okOf(job.projection(definition))
    const names = await namesOfQueries(() => okOf(projection.scan(key(1), patient)))
    expect(names).toEqual([['category', 'keysOnly', 'limit', 'range', 'reverse']])
  })
})
