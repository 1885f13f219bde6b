import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import {
  EventBroker,
  type Job,
  JobFailed,
  key,
  PersistCommitted,
  Persistency,
  type PersistencyError,
  type PersistencyOptions,
  type PutOp
} from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { openDatabasesUnder, useWorkers } from '../support/storage-process.js'
import { errorOf, keyOf, okOf, utf8 } from '../support/storage-results.js'
import { refuseEvents } from '../support/storage-sqlite.js'

const storage = useStorage()
const workers = useWorkers()

const payload = new Uint8Array(100).fill(7)

async function openJobs(persistency: Persistency, count: number): Promise<Job[]> {
  const jobs: Job[] = []
  for (let n = 0; n < count; n++) jobs.push(await okOf(persistency.openJob(`tenant-${n}`)))
  return jobs
}

describe('jobs on shared threads', () => {
  test('start as many threads as there are to be, and end them with their last job', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), threads: { shared: 2 } })
    const jobs = await openJobs(persistency, 5)
    expect(workers.started).toHaveLength(2)
    for (const [n, job] of jobs.entries()) await okOf(job.persistPut('c', key(n), payload))
    for (const [n, job] of jobs.entries()) expect(await okOf(job.get('c', key(n)))).toEqual(payload)
    for (const job of jobs) await okOf(job.close())
    expect(workers.alive).toBe(0)
    await openJobs(persistency, 1)
    expect(workers.alive).toBe(1)
  })

  test('keep their rows, events and numbers apart', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), threads: { shared: 1 } })
    const [one, other] = (await openJobs(persistency, 2)) as [Job, Job]
    await okOf(one.persistPut('c', key(1), utf8('one')))
    expect(await okOf(other.get('c', key(1)))).toBeUndefined()
    expect((await okOf(other.persistAcked({ kind: 'delete', category: 'c', key: key(1) }))).seq).toBe(1)
    expect(await okOf(one.exists('c', key(1)))).toBe(true)
  })

  test('fail together when their thread dies, each with its losses, and open again', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), threads: { shared: 1 } })
    const jobs = await openJobs(persistency, 3)
    const failed: string[] = []
    for (const job of jobs)
      new EventBroker().in(job.context).listen(JobFailed, ({ jobId }) => failed.push(jobId))
    for (const job of jobs) {
      await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
    }
    const pending = jobs.map((job) => job.persistAcked({ kind: 'put', category: 'c', key: key(2), payload }))
    await workers.killLast()
    for (const write of pending) expect((await errorOf(write)).code).toBe('ERR_STORAGE_DIED')
    expect(failed).toEqual(['tenant-0', 'tenant-1', 'tenant-2'])
    for (const job of await openJobs(persistency, 3))
      expect(await okOf(job.get('c', key(1)))).toEqual(payload)
  })
})

describe('with maxOpenJobs', () => {
  test('jobs that may be closed take turns, in few file descriptors, in the order of their calls', async () => {
    const rootDir = storage.folder()
    const persistency = storage.owner({ rootDir, threads: { shared: 2 }, maxOpenJobs: 4, whenIdle: 'close' })
    const jobs = await openJobs(persistency, 60)
    for (let round = 0; round < 5; round++) {
      for (const job of jobs) {
        void job.persistPut('c', key('round'), utf8(String(round)))
        void job.persistPut('c', key(round), payload)
      }
      for (const job of jobs) expect(await okOf(job.get('c', key('round')))).toEqual(utf8(String(round)))
      if (process.platform === 'linux') {
        const open = openDatabasesUnder(rootDir).length
        expect(open).toBeGreaterThan(0)
        expect(open).toBeLessThanOrEqual(4)
      }
    }
    for (const job of jobs) expect(await okOf(job.count('c', keyOf()))).toBe(6)
  })

  test('jobs that close each other do as much in a turn as others do', async () => {
    const shared = { threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' } as const
    const jobs = await openJobs(storage.owner({ rootDir: storage.folder(), ...shared }), 2)
    const transactions: number[] = []
    const written = jobs.flatMap((job) => {
      new EventBroker(undefined, job.context).listen(PersistCommitted, ({ writes }) =>
        transactions.push(writes)
      )
      // Of two operations each, so that they are not done by the dozen.
      return Array.from({ length: 500 }, (_, n) =>
        job.persistAcked([
          { kind: 'put', category: 'c', key: key(n), payload },
          { kind: 'delete', category: 'c', key: key(n, 0) }
        ])
      )
    })
    for (const write of written) await okOf(write)
    const median = transactions.sort((a, b) => a - b)[transactions.length >> 1]
    expect(median).toBeGreaterThan(1)
  })

  test('a file that has gone while it was closed is an error, not a new job', async () => {
    const rootDir = storage.folder()
    const persistency = storage.owner({ rootDir, threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' })
    const [one] = (await openJobs(persistency, 2)) as [Job, Job]
    renameSync(join(rootDir, 'tenant-0.db'), join(rootDir, 'moved.db'))
    const error = await errorOf(one.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
    expect(error.message).toMatch(/tenant-0\.db.*was removed/)
    renameSync(join(rootDir, 'moved.db'), join(rootDir, 'tenant-0.db'))
    await okOf(one.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
  })

  test('a file that cannot be opened takes nobody a place', async () => {
    const rootDir = storage.folder()
    const persistency = storage.owner({ rootDir, threads: { shared: 1 }, maxOpenJobs: 3, whenIdle: 'close' })
    const [one, ...others] = (await openJobs(persistency, 4)) as [Job, ...Job[]]
    const file = join(rootDir, 'tenant-0.db')
    const content = readFileSync(file)
    writeFileSync(file, 'no database'.repeat(100))
    for (let n = 0; n < 5; n++)
      expect((await errorOf(one.get('c', key(1)))).backendCode).toBe('SQLITE_NOTADB')
    for (const other of others) await okOf(other.exists('c', key(1)))
    if (process.platform === 'linux') expect(openDatabasesUnder(rootDir)).toHaveLength(3)
    writeFileSync(file, content)
    expect(await okOf(one.exists('c', key(1)))).toBe(false)
  })

  test('a job that stays open keeps its place, and closing it frees the place', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), threads: { shared: 1 }, maxOpenJobs: 2 })
    await openJobs(persistency, 2)
    expect((await errorOf(persistency.openJob('third'))).code).toBe('ERR_TOO_MANY_JOBS')
    await persistency.closeJob('tenant-0')
    await okOf(persistency.openJob('third'))
  })

  test.each([
    ['close', 'keep', 'keep'],
    ['keep', 'keep', 'close'],
    ['keep', 'close', 'keep']
  ] as const)('one place is left to those that take turns: %s, %s, and no %s', async (...whenIdle) => {
    const [first, second, third] = whenIdle
    const rootDir = storage.folder()
    const persistency = storage.owner({ rootDir, threads: { shared: 1 }, maxOpenJobs: 2 })
    await okOf(persistency.openJob('first', { whenIdle: first }))
    await okOf(persistency.openJob('second', { whenIdle: second }))
    const opened = persistency.openJob('third', { whenIdle: third })
    expect((await errorOf(opened)).code).toBe('ERR_TOO_MANY_JOBS')
  })

  test('counts jobs on threads of their own as well', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), maxOpenJobs: 2 })
    await openJobs(persistency, 2)
    expect((await errorOf(persistency.openJob('third'))).code).toBe('ERR_TOO_MANY_JOBS')
  })
})

describe('a transaction that is lost on a shared thread', () => {
  const put = (n: number, value: Uint8Array = payload): PutOp => ({
    kind: 'put',
    category: 'c',
    key: key(n),
    payload: value
  })
  const bad = utf8('bad')

  test('leaves nothing in a scan that had begun in it', async () => {
    const rootDir = storage.folder()
    const persistency = storage.owner({ rootDir, threads: { shared: 1 }, journal: true })
    const job = await okOf(persistency.openJob('tenant'))
    refuseEvents(join(rootDir, 'tenant.db'), bad)
    await okOf(job.persistAcked(Array.from({ length: 20_000 }, (_, n) => put(n + 1))))
    const write = job.persistAcked(put(0, bad))
    const scan = job.scan('c', keyOf())
    expect((await errorOf(write)).backendCode).toBe('SQLITE_CONSTRAINT_TRIGGER')
    const rows = await okOf(scan)
    expect(rows).toHaveLength(20_000)
    expect(rows[0]?.key).toEqual(key(1))
  })
})

describe('options of threads', () => {
  test.each([
    ['threads', { threads: { shared: 0 } }],
    ['threads', { threads: { shared: 1.5 } }],
    ['threads', { threads: 'many' }],
    ['threads', { threads: { shared: 1, more: 1 } }],
    ['maxOpenJobs', { maxOpenJobs: 0 }],
    ['whenIdle', { whenIdle: 'sleep' }],
    ['whenIdle', { whenIdle: 'close' }]
  ])('%s: %j is refused', (name, options) => {
    const opened = refusalOf({ rootDir: storage.folder(), ...options } as never)
    expect(opened.code).toBe('ERR_OPTION')
    expect(opened.message).toContain(`"${name}"`)
  })

  test('what is in memory cannot be closed when it is idle', () => {
    const options = { rootDir: ':memory:', threads: { shared: 1 }, whenIdle: 'close' } as const
    expect(refusalOf(options).message).toContain(':memory:')
  })
})

function refusalOf(options: PersistencyOptions): PersistencyError {
  return Persistency.open(options)._unsafeUnwrapErr()
}

test('a job can be opened while a backup has another one stay open in the only place', async () => {
  const rootDir = storage.folder()
  const owner = storage.owner({
    ...{ rootDir, threads: { shared: 1 }, maxOpenJobs: 1 },
    ...{ whenIdle: 'close', restart: true }
  })
  const large = await okOf(owner.openJob('large'))
  for (let n = 0; n < 20_000; n++) await large.persist(putOf(n))
  await okOf(large.flush())
  let begun = (): void => {}
  const copying = new Promise<void>((resolve) => {
    begun = resolve
  })
  const backup = large.backup(join(rootDir, 'copy'), { onProgress: () => begun() })
  await copying
  const others = ['a', 'b', 'c'].map((id) => okOf(owner.openJob(id)))
  for (const job of await Promise.all(others)) await okOf(job.putAcked('c', key(1), payload))
  await okOf(backup)
})

function putOf(n: number): PutOp {
  return { kind: 'put', category: 'c', key: key(n), payload }
}
