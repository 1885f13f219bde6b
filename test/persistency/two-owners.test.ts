/** What an owner of a file sees and does while another one, on a connection of its own, writes into it. */
import { copyFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { type Job, key, type PersistencyOptions, type TxOp } from 'persistency'
import { isPending } from '../support/brokers-async.js'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { type Answer, errorOf, keyOf, okOf, utf8 } from '../support/storage-results.js'
import { withDatabase } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
/** Windows deletes no file that is open. */
const onPosix = process.platform === 'win32' ? test.skip : test

const put = (n: number, text = 'x'): TxOp => ({
  kind: 'put',
  category: 'c',
  key: key(n),
  payload: utf8(text)
})

describe('rows that are there all along are in', () => {
  /** Reads over and over while another owner inserts rows in front of them, in threads of their own. */
  async function whileOthersInsert(read: (job: Job) => Promise<number>): Promise<number[]> {
    const { root, job } = await storage.open()
    const rows = Array.from({ length: 300 }, (_, n) => put(1_000_000 + n))
    await okOf(job.persist(rows))
    await okOf(job.flush())
    const other = await okOf(storage.owner({ rootDir: root, threads: 'dedicated' }).openJob('tenant'))
    const seen: number[] = []
    for (let n = 0; n < 300; n++) {
      const writing = [0, 1, 2].map((part) => other.persistAcked(put(n * 3 + part)))
      seen.push(await read(job))
      for (const written of await Promise.all(writing)) expect(written.isOk()).toBe(true)
    }
    return seen
  }

  const old = (rows: readonly { readonly key: { readonly bytes: Uint8Array } }[]): number =>
    rows.filter((row) => Buffer.compare(row.key.bytes, key(1_000_000).bytes) >= 0).length

  test('every scan', async () => {
    const seen = await whileOthersInsert(async (job) => old(await okOf(job.scan('c', keyOf()))))
    expect(new Set(seen)).toEqual(new Set([300]))
  })

  test('every stream', async () => {
    const seen = await whileOthersInsert(async (job) => {
      const rows = []
      for await (const row of job.stream('c', keyOf(), { pageSize: 100 })) rows.push(row)
      return old(rows)
    })
    expect(new Set(seen)).toEqual(new Set([300]))
  })

  test('every getMany, as of one moment', async () => {
    const { root, job } = await storage.open()
    const other = await okOf(storage.owner({ rootDir: root, threads: 'dedicated' }).openJob('tenant'))
    const keys = Array.from({ length: 200 }, (_, n) => key(n))
    await okOf(job.persistAcked(keys.map((_, n) => put(n, '0'))))
    for (let round = 1; round <= 100; round++) {
      const writing = other.persistAcked(keys.map((_, n) => put(n, String(round))))
      const found = await okOf(job.getMany('c', keys))
      expect(new Set(found.map((payload) => Buffer.from(payload as Uint8Array).toString())).size).toBe(1)
      await okOf(writing)
    }
  })
})

describe('a journal that another owner begins', () => {
  test('has the writes of those who opened the file before it was there', async () => {
    const { root, job } = await storage.open()
    await okOf(job.persistAcked(put(1)))
    const other = await okOf(storage.owner({ rootDir: root }).openJob('tenant', { journal: true }))
    expect(await okOf(job.journalStatus())).toMatchObject({ lastSeq: 0 })
    await okOf(job.persistAcked(put(2)))
    await okOf(job.persistAcked([put(3), put(4)]))
    await okOf(job.deleteAcked('c', key(2)))
    expect((await okOf(other.journalStatus())).lastSeq).toBe(3)
    expect(await okOf(other.verify())).toMatchObject({ ok: true })
    expect((await okOf(job.journalStatus())).lastSeq).toBe(3)
  })

  test('has them also when those have not looked at it before they write', async () => {
    const { root, job } = await storage.open()
    await okOf(job.persistAcked(put(1)))
    const other = await okOf(storage.owner({ rootDir: root }).openJob('tenant', { journal: true }))
    await okOf(job.persistAcked(put(2)))
    expect((await okOf(other.journalStatus())).lastSeq).toBe(1)
    expect(await okOf(other.verify())).toMatchObject({ ok: true })
  })
})

test('a durable flush writes to the log, so that it is synced', async () => {
  const { file, job } = await storage.open()
  await okOf(job.persistAcked(put(1)))
  // Nor is the log cut meanwhile.
  holdLock(file, 'BEGIN; SELECT count(*) FROM kv')
  const { size } = statSync(`${file}-wal`)
  await okOf(job.flush())
  expect(statSync(`${file}-wal`).size).toBe(size)
  await okOf(job.flush({ durable: true }))
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(size)
})

test('a durable flush waits for a lock as long as busyTimeoutMs', async () => {
  const { file, job } = await storage.open({ busyTimeoutMs: 20_000 })
  await okOf(job.persistAcked(put(1)))
  const lock = holdLock(file)
  const flushed = job.flush({ durable: true })
  await delay(300)
  expect(await isPending(flushed)).toBe(true)
  lock.release()
  expect((await flushed).isOk()).toBe(true)
})

test('a durable flush fails when somebody keeps the lock for longer than busyTimeoutMs', async () => {
  const { file, job } = await storage.open({ busyTimeoutMs: 200 })
  await okOf(job.persistAcked(put(1)))
  const lock = holdLock(file)
  const started = performance.now()
  const error = await errorOf(job.flush({ durable: true }))
  expect(performance.now() - started).toBeGreaterThanOrEqual(200)
  lock.release()
  expect(error).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_BUSY' })
})

test('a file that is moved away takes no writes a millisecond later, while its job has it open', async () => {
  const { root, job } = await storage.open()
  await okOf(job.persistAcked(put(1)))
  const file = join(root, 'tenant.db')
  for (const suffix of ['', '-wal', '-shm']) renameSync(`${file}${suffix}`, `${file}${suffix}.away`)
  await delay(2)
  const error = await errorOf(job.persistAcked(put(2)))
  expect(error).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_READONLY_DBMOVED' })
  for (const suffix of ['', '-wal', '-shm']) renameSync(`${file}${suffix}.away`, `${file}${suffix}`)
  await okOf(job.persistAcked(put(3)))
  expect(await okOf(job.count('c', keyOf()))).toBe(2)
})

onPosix.each([['-wal'], ['-wal', '-shm']])(
  'a log that is deleted takes no writes while its job has it open, and closing saves what is in it: %s %s',
  async (...suffixes) => {
    const { root, job } = await storage.open()
    await okOf(job.persistAcked(put(1)))
    for (const suffix of suffixes) rmSync(join(root, `tenant.db${suffix}`))
    await delay(2)
    for (const attempt of [job.persistAcked(put(2)), job.flush({ durable: true })]) {
      const error = await errorOf(attempt as Answer<unknown>)
      expect(error).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_READONLY_DBMOVED' })
      expect(error.message).toContain('tenant.db: its write-ahead log is no longer there')
    }
    await okOf(job.close())
    const again = (await storage.open({}, root)).job
    expect(await okOf(again.count('c', keyOf()))).toBe(1)
    await okOf(again.persistAcked(put(2)))
  }
)

// The shorter wait is one within SQLite.
test.each([20, 200])(
  'a file that is moved away takes no write that has waited for a lock: %i ms',
  async (ms) => {
    const { file, job } = await storage.open({ busyTimeoutMs: 20_000 })
    await okOf(job.persistAcked(put(1)))
    const lock = holdLock(file)
    const written = job.persistAcked(put(2))
    await delay(ms)
    for (const suffix of ['', '-wal', '-shm']) renameSync(`${file}${suffix}`, `${file}${suffix}.away`)
    lock.release()
    expect(await errorOf(written)).toMatchObject({
      code: 'ERR_STORAGE',
      backendCode: 'SQLITE_READONLY_DBMOVED'
    })
    for (const suffix of ['', '-wal', '-shm']) renameSync(`${file}${suffix}.away`, `${file}${suffix}`)
    await okOf(job.persistAcked(put(3)))
    expect(await okOf(job.count('c', keyOf()))).toBe(2)
  }
)

test.each([
  ['by moving another there', renameSync],
  [
    'by one that has its number',
    (from: string, to: string) => {
      rmSync(to)
      copyFileSync(from, to)
    }
  ]
])(
  'a file that was replaced %s while its job did not have it open is not taken for the old one',
  async (_, replace) => {
    const rootDir = storage.folder()
    const shared = { threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' } as const
    const persistency = storage.owner({ rootDir, ...shared })
    const job = await okOf(persistency.openJob('a'))
    await okOf(job.persistAcked(put(1)))
    const next = await okOf(persistency.openJob('b'))
    await okOf(next.persistAcked(put(1)))
    const file = join(rootDir, 'a.db')
    const copy = withDatabase(file, (db) => db.serialize())
    writeFileSync(`${file}.copy`, copy)
    replace(`${file}.copy`, file)
    const error = await errorOf(job.get('c', key(1)))
    expect(error).toMatchObject({ code: 'ERR_OPEN', backendCode: 'SQLITE_READONLY_DBMOVED' })
    expect(error.message).toContain('was replaced while the job did not have it open')
    await okOf(job.close())
    expect(await okOf((await okOf(persistency.openJob('a'))).count('c', keyOf()))).toBe(1)
  }
)

test.each<Pick<PersistencyOptions, 'threads'>>([{ threads: 'dedicated' }, { threads: 'none' }])(
  'with %j a job in memory has nothing to do with a file of that name',
  async (options) => {
    const { stdout, stderr } = await runProgram(
      storage.folder(),
      `
    import { rmSync, writeFileSync } from 'node:fs'
    const { Persistency, key, unwrap } = persistency
    process.chdir(root)
    writeFileSync(':memory:', '')
    const owner = unwrap(Persistency.open({ rootDir: ':memory:', ...${JSON.stringify(options)} }))
    const job = await unwrap(owner.openJob('tenant'))
    rmSync(':memory:')
    const put = await job.putAcked('c', key(1), new Uint8Array(1))
    console.log(put.isOk() || put.error.message)
    await unwrap(owner.close())
  `
    )
    expect([stdout, stderr]).toEqual(['true\n', ''])
  }
)
