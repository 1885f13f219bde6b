import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { type Job, type JobOptions, key, type PersistencyOptions, type TxOp } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, keyOf, okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

const payload = new Uint8Array(100).fill(7)
/** Spreads the numbers from 0 to 2^32 over all of them, so that rows land all over the file. */
const scattered = (n: number): number => Math.imul(n, 0x9e3779b1) >>> 0

/** Two tenants on one thread, and the folder of their files. */
let rootDir: string
let busy: Job
let quiet: Job

async function openBoth(options: Partial<PersistencyOptions> = {}): Promise<void> {
  const persistency = storage.owner({ rootDir, threads: { shared: 1 }, ...options })
  busy = await okOf(persistency.openJob('busy', { maxQueueOps: 16_000 }))
  quiet = await okOf(persistency.openJob('quiet'))
}

beforeEach(() => {
  rootDir = storage.folder()
})

/** How many gets of the other tenant are answered, one after the other, until `until` has settled; at least one. */
async function getsUntil(until: Promise<unknown>): Promise<number> {
  let over = false
  const settled = until.finally(() => {
    over = true
  })
  let gets = 0
  for (; gets === 0 || !over; gets++) await okOf(quiet.get('c', key(1)))
  await settled
  return gets
}

const put = (n: number): TxOp => ({ kind: 'put', category: 'c', key: key(n), payload })

async function fill(job: Job, rows: number): Promise<void> {
  for (let from = 0; from < rows; from += 1000) {
    const batch = Array.from({ length: Math.min(1000, rows - from) }, (_, n) => put(from + n))
    await okOf(job.persist(batch))
  }
  await okOf(job.flush({ timeoutMs: 60_000 }))
}

describe('tenants on one thread take turns:', () => {
  beforeEach(async () => {
    await openBoth()
    await okOf(quiet.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
  })

  test('a get does not wait for the writes of another tenant, whose queue is always full', async () => {
    let writing = true
    const writer = (async () => {
      for (let n = 0; writing; n++) await busy.persistPut('c', key(scattered(n)), payload)
    })()
    while (busy.queued.ops < busy.options.maxQueueOps) await new Promise(setImmediate)
    const gets: number[] = []
    // A get that waited for the queue would be answered behind it: there would be one or two each time.
    for (let round = 0; round < 2; round++) {
      gets.push(await getsUntil(okOf(busy.flush({ timeoutMs: 60_000 }))))
    }
    writing = false
    await writer
    expect(Math.min(...gets)).toBeGreaterThan(5)
  }, 120_000)

  test('gets go on during a long scan of another tenant', async () => {
    await fill(busy, 100_000)
    const scan = busy.scan('c', keyOf(), { timeoutMs: 60_000 })
    const gets = await getsUntil(okOf(scan))
    expect((await okOf(scan)).length).toBe(100_000)
    // It is read in at least 25 pieces; in one, a single get would have been answered, behind it.
    expect(gets).toBeGreaterThan(5)
  }, 120_000)

  test('gets go on during a long scan of a past state of another tenant', async () => {
    const persistency = storage.owner({ rootDir, threads: { shared: 1 } })
    quiet = await okOf(persistency.openJob('quiet'))
    const past = await okOf(persistency.openJob('past', { journal: true }))
    await fill(past, 100_000)
    const state = past.at((await okOf(past.journalStatus())).lastSeq)
    expect(await okOf(state.count('c', keyOf(), { timeoutMs: 60_000 }))).toBe(100_000)
    const scan = state.scan('c', keyOf(), { timeoutMs: 60_000 })
    const gets = await getsUntil(okOf(scan))
    expect((await okOf(scan)).length).toBe(100_000)
    // As above.
    expect(gets).toBeGreaterThan(5)
  }, 120_000)

  test('what a long scan shows is what was written before it, and nothing of what was written behind', async () => {
    await fill(busy, 30_000)
    void busy.persistPut('c', key(30_000), payload)
    const first = busy.scan('c', keyOf())
    void busy.persistPut('c', key(30_001), payload)
    const second = busy.scan('c', keyOf(), { reverse: true })
    void busy.persistDeletePrefix('c', keyOf())
    const third = busy.scan('c', keyOf())
    expect((await okOf(first)).length).toBe(30_001)
    expect((await okOf(second)).map((row) => row.key)).toHaveLength(30_002)
    expect(await okOf(third)).toEqual([])
  }, 60_000)

  test('a file that somebody has locked holds up its own tenant only', async () => {
    const locker = new Database(`${rootDir}/busy.db`)
    try {
      locker.exec('BEGIN IMMEDIATE')
      const order: string[] = []
      const written = busy.persistAcked({ kind: 'put', category: 'c', key: key(1), payload })
      const seen = busy.get('c', key(1)).map((found) => {
        order.push('read behind the write')
        return found
      })
      for (let n = 0; n < 20; n++) await okOf(quiet.get('c', key(1)))
      order.push('unlocked')
      locker.exec('COMMIT')
      await okOf(written)
      expect(await okOf(seen)).toEqual(payload)
      expect(order).toEqual(['unlocked', 'read behind the write'])
    } finally {
      locker.close()
    }
  })
})

test('a lock that is held for too long fails the writes of its tenant, each, and no others', async () => {
  const patience: JobOptions = { busyTimeoutMs: 50 }
  await openBoth(patience)
  const locker = new Database(`${rootDir}/busy.db`)
  try {
    locker.exec('BEGIN IMMEDIATE')
    const lost = [1, 2].map((n) => busy.persistAcked({ kind: 'put', category: 'c', key: key(n), payload }))
    await okOf(quiet.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
    for (const write of lost) expect(await errorOf(write)).toMatchObject({ backendCode: 'SQLITE_BUSY' })
  } finally {
    locker.close()
  }
  await okOf(busy.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
})

test.each<Pick<PersistencyOptions, 'threads'>>([{ threads: { shared: 1 } }, { threads: 'none' }])(
  'with %j a lock in the way of a durable flush costs a later write none of its patience',
  async (threads) => {
    await openBoth({ ...threads, busyTimeoutMs: 1000 })
    await okOf(busy.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
    const locker = new Database(`${rootDir}/busy.db`)
    /** Has a call meet the lock, which is held until the thread has served another tenant. */
    const meetingLock = async (call: () => Promise<unknown>): Promise<void> => {
      locker.exec('BEGIN IMMEDIATE')
      const called = call()
      for (let n = 0; n < 5; n++) await okOf(quiet.get('c', key(1)))
      locker.exec('COMMIT')
      await called
    }
    try {
      await meetingLock(() => okOf(busy.flush({ durable: true })))
      // Longer than the patience that began with the flush.
      await delay(1100)
      await meetingLock(() => okOf(busy.persistAcked({ kind: 'put', category: 'c', key: key(2), payload })))
    } finally {
      locker.close()
    }
  }
)

test('a long scan that comes upon damage ends with an error, and the calls behind it are answered', async () => {
  await openBoth()
  await fill(busy, 60_000)
  await okOf(busy.close())
  const file = `${rootDir}/busy.db`
  const from = Math.floor(statSync(file).size / 2 / 4096) * 4096
  const writable = openSync(file, 'r+')
  writeSync(writable, new Uint8Array(16 * 4096).fill(0xee), 0, 16 * 4096, from)
  closeSync(writable)
  await openBoth()
  const scan = busy.scan('c', keyOf(), { timeoutMs: 60_000 })
  const behind = busy.get('c', key(1))
  expect(await errorOf(scan)).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_CORRUPT' })
  expect(await okOf(behind)).toEqual(payload)
}, 60_000)

test('a long scan goes on although its file was closed in between for another tenant', async () => {
  await openBoth({ maxOpenJobs: 1, whenIdle: 'close' })
  await okOf(quiet.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('quiet') }))
  await fill(busy, 60_000)
  const scan = busy.scan('c', keyOf(), { timeoutMs: 60_000 })
  await getsUntil(okOf(scan))
  const rows = await okOf(scan)
  expect(rows.map((row) => row.key.toString())).toEqual(
    Array.from({ length: 60_000 }, (_, n) => key(n).toString())
  )
}, 60_000)
