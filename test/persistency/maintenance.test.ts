/** Figures, checks and compaction of a job: what they tell, and that other calls go on. */
import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import {
  EventBroker,
  type Job,
  type JobOptions,
  key,
  MaintenanceProgress,
  PersistCommitted,
  type PersistencyOptions,
  type Progress
} from 'persistency'
import { gate } from '../support/brokers-async.js'
import {
  describeOnce,
  describeThreads,
  filesIn,
  testOfThreads,
  useStorage
} from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { openDatabasesUnder, useWorkers } from '../support/storage-process.js'
import { type Answer, errorOf, okOf, utf8 } from '../support/storage-results.js'
import { execute, rowsIn, withDatabase } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()

async function fill(job: Job, rows: number, bytes = 1000): Promise<void> {
  for (let i = 0; i < rows; i++) await job.persistPut('c', key(i), new Uint8Array(bytes).fill(i))
  await okOf(job.flush())
}

/** Edits the schema behind SQLite's back. */
function rewriteSchema(file: string, sql: string): void {
  withDatabase(file, (db) => {
    db.unsafeMode(true)
    db.pragma('writable_schema = ON')
    db.exec(sql)
  })
}

/** Adds a table that `verify` takes about a second for. */
function slowDownChecks(file: string): void {
  execute(
    file,
    `PRAGMA ignore_check_constraints = ON;
     CREATE TABLE slow (bytes CHECK (length(hex(zeroblob(bytes))) > 0));
     INSERT INTO slow VALUES (2e7), (2e7), (2e7), (2e7), (2e7), (2e7)`
  )
}

describe('stats', () => {
  test('tells rows, sizes, the queue, commits and the options in force', async () => {
    const { job, file } = await storage.open({ maxQueueOps: 777 })
    await fill(job, 300)
    const stats = await okOf(job.stats())
    expect(stats).toMatchObject({ rows: 300, queue: { bytes: 0, ops: 0 }, options: job.options })
    expect(stats.options.maxQueueOps).toBe(777)
    expect(stats.fileBytes).toBe(statSync(file).size)
    expect(stats.walBytes).toBe(statSync(`${file}-wal`).size)
    expect(stats.walBytes).toBeGreaterThan(300_000)
    const { count, recent, medianMs, p99Ms } = stats.commits
    expect(recent).toBe(count)
    expect(count).toBeGreaterThan(0)
    expect(medianMs).toBeGreaterThan(0)
    expect(p99Ms).toBeGreaterThanOrEqual(medianMs)
  })

  test('counts what was accepted before, over several steps', async () => {
    const { job } = await storage.open()
    const ops = Array.from({ length: 8192 * 2 + 5 }, (_, i) => ({
      kind: 'put' as const,
      category: i % 2 === 0 ? 'even' : 'odd',
      key: key(i),
      payload: utf8('x')
    }))
    void job.persist(ops)
    expect((await okOf(job.stats())).rows).toBe(ops.length)
    void job.persistDelete('even', key(0))
    expect((await okOf(job.stats())).rows).toBe(ops.length - 1)
  })

  test('leaves the rows out when they are not asked for', async () => {
    const { job } = await storage.open()
    expect(await okOf(job.stats({ rows: false }))).not.toHaveProperty('rows')
  })

  test('of a job that wrote nothing has no latencies', async () => {
    const { job } = await storage.open()
    const { commits, rows } = await okOf(job.stats())
    expect(commits).toEqual({ count: 0, recent: 0, medianMs: 0, p99Ms: 0 })
    expect(rows).toBe(0)
  })

  test('of a job in memory has no log', async () => {
    const job = await okOf(storage.owner(':memory:').openJob('m'))
    await fill(job, 100)
    const stats = await okOf(job.stats())
    expect(stats).toMatchObject({ rows: 100, walBytes: 0 })
    expect(stats.fileBytes).toBeGreaterThan(100_000)
  })
})

describe('verify', () => {
  test.each([false, true])('finds nothing wrong with what the job wrote, quick: %p', async (quick) => {
    const { job } = await storage.open()
    await fill(job, 50)
    expect(await okOf(job.verify({ quick }))).toEqual({
      ok: true,
      problems: [],
      rows: 50,
      durationMs: expect.any(Number)
    })
  })

  test('checks a job in memory as well', async () => {
    const job = await okOf(storage.owner(':memory:').openJob('m'))
    await fill(job, 5)
    expect(await okOf(job.verify())).toMatchObject({ ok: true, rows: 5 })
  })

  test('allows further tables', async () => {
    const { job, file } = await storage.open()
    execute(file, 'CREATE TABLE mine (a)')
    expect(await okOf(job.verify())).toMatchObject({ ok: true })
  })

  test('reports NULLs where there may be none', async () => {
    const { job, file } = await storage.open()
    await fill(job, 3)
    rewriteSchema(
      file,
      "UPDATE sqlite_schema SET sql = replace(sql, 'payload  BLOB NOT NULL', 'payload  BLOB')"
    )
    execute(file, "INSERT INTO kv VALUES (x'61', x'62', NULL)")
    rewriteSchema(
      file,
      "UPDATE sqlite_schema SET sql = replace(sql, 'payload  BLOB', 'payload  BLOB NOT NULL')"
    )
    const report = await okOf(job.verify())
    expect(report.ok).toBe(false)
    expect(report.problems.map(({ check }) => check)).toEqual(['integrity', 'rows'])
    expect(report.problems[0]?.message).toContain('NULL value in kv.payload')
  })

  test('reports values that are no bytes, and categories that are no text', async () => {
    const { job, file } = await storage.open()
    execute(file, "INSERT INTO kv VALUES ('text', x'62', x'63'), (x'FF', x'62', x'63')")
    const report = await okOf(job.verify())
    expect(report.rows).toBe(2)
    expect(report.problems).toEqual([
      { check: 'rows', message: '1 rows hold something else than bytes' },
      { check: 'categories', message: '1 categories are no UTF-8' }
    ])
  })

  test('reports rows that are not what the journal says, until they are mended', async () => {
    const { job, file } = await storage.open({ journal: true })
    await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }))
    expect((await okOf(job.verify())).ok).toBe(true)
    execute(file, "UPDATE kv SET payload = x'00'")
    expect((await okOf(job.verify({ quick: true }))).ok).toBe(true)
    const { ok, problems } = await okOf(job.verify())
    expect(ok).toBe(false)
    expect(problems).toEqual([{ check: 'journal', message: expect.stringContaining('"c" is changed') }])
    await okOf(job.rebuild())
    expect((await okOf(job.verify())).ok).toBe(true)
  })

  test('reports another version and another layout', async () => {
    const { job, file } = await storage.open()
    execute(file, 'PRAGMA user_version = 9; ALTER TABLE kv RENAME COLUMN payload TO stuff')
    const { problems } = await okOf(job.verify())
    expect(problems.map(({ check }) => check)).toEqual(['version', 'schema'])
  })

  test('reports damage', async () => {
    const { job, file, persistency } = await storage.open()
    await fill(job, 200)
    await okOf(job.close())
    // The rows of a page are not where its header says.
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.alloc(64, 0xff), 0, 64, 4096 * 5)
    closeSync(handle)
    const again = await okOf(persistency.openJob('tenant'))
    const report = await okOf(again.verify())
    expect(report.ok).toBe(false)
    expect(report.problems.some(({ check }) => check === 'integrity')).toBe(true)
  })
})

describe('compact', () => {
  test('gives back the space of rows that were deleted, and keeps the others', async () => {
    const { job, file } = await storage.open()
    await fill(job, 2000)
    await okOf(job.persistDeletePrefix('c', key()))
    await fill(job, 10)
    const before = await okOf(job.stats())
    expect(before.freeBytes).toBeGreaterThan(500_000)
    const compaction = await okOf(job.compact())
    const after = await okOf(job.stats())
    expect(compaction.bytesAfter).toBeLessThan(compaction.bytesBefore / 2)
    expect(compaction.blockedMs).toBeGreaterThan(0)
    expect(after).toMatchObject({ freeBytes: 0, walBytes: 0, rows: before.rows })
    expect(statSync(file).size).toBe(compaction.bytesAfter)
    expect(await okOf(job.verify())).toMatchObject({ ok: true })
  })

  test('loses no write that is made meanwhile', async () => {
    const { job } = await storage.open()
    await fill(job, 3000)
    const compacting = job.compact()
    const commits: Promise<unknown>[] = []
    for (let i = 0; i < 200; i++) {
      commits.push(okOf(job.persistAcked({ kind: 'put', category: 'd', key: key(i), payload: utf8(`${i}`) })))
      expect(await okOf(job.get('c', key(i)))).toBeDefined()
    }
    await okOf(compacting)
    await Promise.all(commits)
    expect(await okOf(job.count('d', key()))).toBe(200)
  })

  testOfThreads('makes writes wait until it is over, in order', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 20_000 })
    await fill(job, 10)
    const commits: number[] = []
    new EventBroker(undefined, job.context)
      .on(PersistCommitted)
      .subscribe(({ firstSeq, lastSeq }) => commits.push(firstSeq, lastSeq))
    // Whoever reads keeps the log from being emptied, but nobody from writing.
    const reader = holdLock(file, 'BEGIN; SELECT * FROM kv')
    const shrinking = gate()
    const onProgress = ({ phase }: Progress): void => {
      if (phase === 'shrinking') shrinking.open()
    }
    const compacting = job.compact({ onProgress })
    await shrinking.opened
    const writes: Promise<unknown>[] = []
    for (let n = 0; n < 20; n++) {
      writes.push(okOf(job.persistAcked({ kind: 'put', category: 'd', key: key(n), payload: utf8('x') })))
      await delay(5)
    }
    const meanwhile = [...commits]
    reader.release()
    await okOf(compacting)
    await Promise.all(writes)
    expect(meanwhile).toEqual([])
    expect([commits[0], commits.at(-1)]).toEqual([11, 30])
    expect(commits).toEqual([...commits].sort((a, b) => a - b))
  })

  test('compacts a job in memory', async () => {
    const job = await okOf(storage.owner(':memory:').openJob('m'))
    await fill(job, 500)
    await okOf(job.persistDeletePrefix('c', key()))
    const { bytesBefore, bytesAfter } = await okOf(job.compact())
    expect(bytesAfter).toBeLessThan(bytesBefore)
  })

  test('that finds the file locked leaves it as it is, and the job goes on', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 50 })
    await fill(job, 20)
    const lock = holdLock(file)
    const error = await errorOf(job.compact())
    lock.release()
    expect(error).toMatchObject({ code: 'ERR_STORAGE', backendCode: expect.stringMatching('^SQLITE_BUSY') })
    await fill(job, 30)
    expect(await okOf(job.stats())).toMatchObject({ rows: 30 })
  })
})

describe('long operations', () => {
  test('tell their progress to whoever started them, and to the context', async () => {
    const { job } = await storage.open()
    await fill(job, 100)
    const told: Progress[] = []
    const seen: string[] = []
    const listener = new EventBroker().in(job.context).listen(MaintenanceProgress, ({ jobId, phase }) => {
      seen.push(`${jobId} ${phase}`)
    })
    await okOf(job.verify({ onProgress: (progress) => told.push(progress) }))
    expect(told).toEqual([
      { phase: 'file', done: 0 },
      { phase: 'rows', done: 100 }
    ])
    await okOf(job.compact())
    await listener.drop()
    expect(seen).toEqual(['tenant file', 'tenant rows', 'tenant rewriting', 'tenant shrinking'])
    expect(told).toHaveLength(2)
  })

  test('go on when whoever watches them throws', async () => {
    const { job } = await storage.open()
    const broker = new EventBroker().in(job.context)
    const errors: unknown[] = []
    const watching = broker.listenerErrors.subscribe(({ error }) => errors.push(error))
    const mine = new Error('mine')
    const onProgress = (): void => {
      throw mine
    }
    expect(await okOf(job.verify({ onProgress }))).toMatchObject({ ok: true })
    watching.unsubscribe()
    expect(errors).toContain(mine)
  })

  test.each(['verify', 'compact', 'stats'] as const)(
    '%s ends with the signal of its caller',
    async (name) => {
      const { job } = await storage.open()
      const signal = AbortSignal.abort('enough')
      expect(await errorOf(job[name]({ signal }))).toMatchObject({ code: 'ERR_ABORTED' })
      await fill(job, 1)
      expect(await okOf(job.stats())).toMatchObject({ rows: 1 })
    }
  )

  testOfThreads('verify ends with the signal of its caller while SQLite checks the file', async () => {
    const { job, file } = await storage.open()
    slowDownChecks(file)
    const told = new Map<number, string[]>()
    new EventBroker(undefined, job.context).on(MaintenanceProgress).subscribe(({ operation, phase }) => {
      told.set(operation, [...(told.get(operation) ?? []), phase])
    })
    const giveUp = new AbortController()
    const verifying = job.verify({ signal: giveUp.signal, onProgress: () => giveUp.abort('enough') })
    expect(await errorOf(verifying)).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' })
    // Each takes as long as the first would have.
    await okOf(job.verify())
    await okOf(job.verify())
    expect([...told.values()]).toEqual([['file'], ['file', 'rows'], ['file', 'rows']])
  })

  test('compact ends with the signal of its caller while it waits for a lock', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 60_000 })
    await fill(job, 10)
    const lock = holdLock(file)
    const giveUp = new AbortController()
    const compacting = job.compact({ signal: giveUp.signal, onProgress: () => giveUp.abort('enough') })
    expect(await errorOf(compacting)).toMatchObject({ code: 'ERR_ABORTED', cause: 'enough' })
    const next = gate()
    const again = job.compact({ onProgress: next.open })
    await next.opened
    lock.release()
    await okOf(again)
  })

  test('that wait for a lock end when the job is closed, and hold nothing up', async () => {
    const { job, file } = await storage.open({ busyTimeoutMs: 60_000 })
    await fill(job, 10)
    const lock = holdLock(file)
    const begun = gate()
    const compacting = job.compact({ onProgress: begun.open })
    await begun.opened
    await okOf(job.close())
    expect(await errorOf(compacting)).toMatchObject({ code: 'ERR_JOB_CLOSED' })
    lock.release()
  })

  test('that are under way when the job is closed are done or end with that, and later ones do not begin', async () => {
    const { job, root } = await storage.open()
    await fill(job, 500)
    const calls = [job.verify(), job.compact(), job.backup(`${root}/copy`), job.stats()]
    await okOf(job.close())
    const ends = (await Promise.all(calls)).map((answer) => (answer.isErr() ? answer.error.code : 'done'))
    expect(ends.filter((end) => end !== 'done' && end !== 'ERR_JOB_CLOSED')).toEqual([])
    expect(await errorOf(job.verify())).toMatchObject({ code: 'ERR_JOB_CLOSED' })
  })

  test('refuse options they do not know', async () => {
    const { job } = await storage.open()
    const wrong = { onProgress: 'loudly' } as never
    expect(await errorOf(job.verify(wrong))).toMatchObject({ code: 'ERR_OPTION' })
    expect(await errorOf(job.stats({ row: true } as never))).toMatchObject({ code: 'ERR_OPTION' })
  })
})

describeOnce('beside others on their thread', () => {
  test('a compaction does not hold up the writes of other jobs', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), threads: { shared: 1 } })
    const job = await okOf(persistency.openJob('tenant'))
    const other = await okOf(persistency.openJob('other'))
    await fill(job, 4000)
    let over = false
    const compacting = okOf(job.compact()).then(() => {
      over = true
    })
    const mine = okOf(job.persistAcked({ kind: 'put', category: 'd', key: key(1), payload: utf8('x') }))
    await okOf(other.persistAcked({ kind: 'put', category: 'd', key: key(1), payload: utf8('x') }))
    expect(over).toBe(false)
    await Promise.all([compacting, mine])
  })

  test('a database that is being backed up stays open while others need its place', async () => {
    const root = storage.folder()
    const persistency = storage.owner({
      rootDir: root,
      threads: { shared: 1 },
      maxOpenJobs: 1,
      whenIdle: 'close'
    })
    const job = await okOf(persistency.openJob('tenant'))
    const other = await okOf(persistency.openJob('other'))
    await fill(job, 3000)
    const backingUp = job.backup(`${root}/copy`)
    for (let n = 0; n < 20; n++) await fill(other, 1)
    await okOf(backingUp)
    expect(rowsIn(`${root}/copy`)).toHaveLength(3000)
    expect(await okOf(other.count('c', key()))).toBe(1)
    // From then on it gives its place again.
    for (const next of [job, other, job, other]) await okOf(next.exists('c', key(1)))
    if (process.platform === 'linux') expect(openDatabasesUnder(root)).toEqual(['other.db'])
  })
})

// While it is open, nobody else can have the file of a job for themselves.
describeOnce.each<PersistencyOptions['threads']>([{ shared: 1 }, 'none'])(
  'with threads %j a closed database that somebody has a lock on',
  (threads) => {
    /** Its database is closed, with the place of the other one taken. */
    async function closedJob(options: JobOptions = {}) {
      const rootDir = storage.folder()
      const persistency = storage.owner({ rootDir, threads, maxOpenJobs: 1, whenIdle: 'close', ...options })
      const job = await okOf(persistency.openJob('tenant'))
      await fill(job, 20)
      await okOf((await okOf(persistency.openJob('other'))).flush())
      return { job, file: `${rootDir}/tenant.db`, rootDir }
    }
    const lockWhole = (file: string) =>
      holdLock(file, 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT * FROM kv')

    test.each(['verify', 'backup', 'compact', 'stats'] as const)('has %s wait for it', async (name) => {
      const { job, file, rootDir } = await closedJob()
      const lock = lockWhole(file)
      let over = false
      const call: Answer<unknown> = name === 'backup' ? job.backup(`${rootDir}/copy`) : job[name]()
      const done = okOf(call).finally(() => {
        over = true
      })
      await delay(300)
      expect(over).toBe(false)
      lock.release()
      const value = await done
      if (name === 'verify') expect(value).toMatchObject({ ok: true, problems: [], rows: 20 })
    })

    test('is not called damaged when that takes too long', async () => {
      const { job, file } = await closedJob({ busyTimeoutMs: 20 })
      const lock = lockWhole(file)
      const { code, backendCode, message } = await errorOf(job.verify())
      lock.release()
      expect([code, backendCode, message]).toEqual([
        'ERR_STORAGE',
        'SQLITE_BUSY',
        expect.stringContaining('raise busyTimeoutMs')
      ])
      expect(await okOf(job.verify())).toMatchObject({ ok: true })
    })

    test('holds up no caller who gives up', async () => {
      const { job, file } = await closedJob({ busyTimeoutMs: 60_000 })
      const lock = lockWhole(file)
      const codes = []
      for (const name of ['verify', 'compact', 'stats'] as const) {
        codes.push((await errorOf(job[name]({ signal: AbortSignal.timeout(50) }))).code)
      }
      const verifying = job.verify()
      await okOf(job.close())
      codes.push((await errorOf(verifying)).code)
      lock.release()
      expect(codes).toEqual(['ERR_ABORTED', 'ERR_ABORTED', 'ERR_ABORTED', 'ERR_JOB_CLOSED'])
    })
  }
)

describeThreads('a storage thread that dies', () => {
  test.each(['backup', 'verify', 'compact'] as const)('during a %s ends it with an error', async (name) => {
    const { job, persistency, root } = await storage.open()
    await fill(job, 3000)
    let begun: () => void = () => {}
    const onTheWay = new Promise<void>((resolve) => {
      begun = resolve
    })
    const options = { onProgress: () => begun() }
    const call = name === 'backup' ? job.backup(`${root}/copy`, options) : job[name](options)
    await onTheWay
    await workers.killLast()
    expect(await errorOf(call as Answer<unknown>)).toMatchObject({ code: 'ERR_STORAGE_DIED' })
    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.count('c', key()))).toBe(3000)
    expect(await okOf(again.verify())).toMatchObject({ ok: true })
    expect(filesIn(root)).not.toContain('copy')
  })
})
