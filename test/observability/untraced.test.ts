import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import { EventBroker, type Job, type JobOptions, JobRestarted, key, type WatchItem } from 'persistency'
import { type Observation, observe } from 'persistency/observability'
import { useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { okOf, utf8 } from '../support/storage-results.js'
import { useTelemetry } from '../support/telemetry.js'

const storage = useStorage()
const workers = useWorkers()
const telemetry = useTelemetry()

let observing: Observation | undefined
afterEach(() => observing?.stop())

const put = (n: number) => ({ kind: 'put', category: 'c', key: key(n), payload: utf8('x') }) as const

/** What is reported of a new job: the names of the spans, and how often each operation was measured. */
async function observed(options: JobOptions = {}) {
  const opened = await storage.open(options)
  const { tracerProvider, meterProvider, metrics, spans } = telemetry()
  observing = observe(opened.persistency, { tracerProvider, meterProvider })
  const measured = async () => {
    const series = (await metrics())['db.client.operation.duration'] ?? []
    return series.map(({ attributes, count }) => [
      attributes['db.operation.name'],
      attributes['error.type'] ?? 'ok',
      count
    ])
  }
  return { ...opened, measured, spans: () => spans().map(({ name }) => name) }
}

async function next(job: Job): Promise<WatchItem> {
  for await (const item of job.watch('c', key(), { initial: true })) return item
  throw new Error('the watching has ended')
}

describe('what is not measured', () => {
  test('is what maintenance does for itself', async () => {
    const { job, root, measured, spans } = await observed()
    await okOf(job.persist(put(1)))
    await okOf(job.verify())
    await okOf(job.stats())
    await okOf(job.compact())
    await okOf(job.backup(join(root, 'backup.db')))
    expect([await measured(), spans()]).toEqual([[], []])
    await okOf(job.flush())
    expect([await measured(), spans()]).toEqual([[['flush', 'ok', 1]], ['flush']])
  })

  test.each([false, true])('is what watching reads (journal: %s)', async (journal) => {
    const { job, measured, spans } = await observed({ journal })
    await okOf(job.persist(put(1)))
    expect(await next(job)).toMatchObject({ kind: 'initial', rows: [{}] })
    expect([await measured(), spans()]).toEqual([[], []])
    await okOf(job.scan('c', key()))
    expect([await measured(), spans()]).toEqual([[['scan', 'ok', 1]], ['scan c']])
  })
})

describe('with restart', () => {
  test('a call is measured once, with the answer that its caller got', async () => {
    const { job, measured, spans } = await observed({ restart: true })
    await okOf(job.persistAcked(put(1)))
    const restarted = new Promise((resolve) =>
      new EventBroker().in(job.context).listen(JobRestarted, resolve)
    )
    const calls = [job.get('c', key(1)), job.scan('c', key())]
    await workers.killLast()
    expect((await Promise.all(calls)).map((answer) => answer.isOk())).toEqual([true, true])
    await restarted
    expect([await measured(), spans()]).toEqual([
      [
        ['persistAcked', 'ok', 1],
        ['get', 'ok', 1],
        ['scan', 'ok', 1]
      ],
      ['persistAcked c', 'get c', 'scan c']
    ])
  })

  test('a call that is given up fails once, with the code that its caller got', async () => {
    const { job, measured } = await observed({ restart: true })
    const caller = new AbortController()
    const read = job.get('c', key(1), { signal: caller.signal })
    caller.abort()
    expect((await read)._unsafeUnwrapErr().code).toBe('ERR_ABORTED')
    expect(await measured()).toEqual([['get', 'ERR_ABORTED', 1]])
  })
})
