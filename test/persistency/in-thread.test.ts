/** What is particular to a storage without a thread. Everything else is tested by the Jest project `in-thread`. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { EventBroker, type Job, key, PersistCommitted, Persistency } from 'persistency'
import { gate, isPending, nextTurn } from '../support/brokers-async.js'
import { journalOf } from '../support/journal.js'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWorkers } from '../support/storage-process.js'
import { keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { CREATE_KV, execute, refuseEvents, rowsIn, withDatabase } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()

const payload = new Uint8Array(100).fill(7)
const owner = (rootDir = storage.folder()): Persistency => storage.owner({ rootDir, threads: 'none' })
const open = (id = 'tenant', persistency = owner()): Promise<Job> => okOf(persistency.openJob(id))

/** Writes that nobody awaits; answers when they are committed. */
function fill(job: Job, rows: number): Promise<void> {
  for (let n = 0; n < rows; n++) void job.persistPut('c', key(n), payload)
  return okOf(job.flush({ timeoutMs: 60_000 }))
}

describe('a storage without a thread', () => {
  test('starts none, whatever it is asked', async () => {
    const persistency = owner()
    const job = await open('tenant', persistency)
    const path = join(persistency.rootDir, 'copy')
    await fill(job, 1000)
    await okOf(job.backup(path))
    expect((await okOf(job.verify())).rows).toBe(1000)
    await okOf(job.compact())
    await okOf(job.stats({ rows: true }))
    await okOf(job.close())
    await okOf(persistency.dropJob('tenant'))
    await okOf(persistency.restore('tenant', path))
    expect(await okOf((await open('tenant', persistency)).count('c', keyOf()))).toBe(1000)
    expect(workers.started).toHaveLength(0)
  })

  test.each([
    [
      'the options of all jobs',
      () => Persistency.open({ rootDir: 'nowhere', threads: 'none', restart: true })
    ],
    ['those of one', () => owner().openJob('tenant', { restart: true })]
  ])('refuses restart among %s', async (_, call) => {
    const error = (await call())._unsafeUnwrapErr()
    expect(error.code).toBe('ERR_OPTION')
    expect(error.message).toContain('"restart"')
    expect(error.message).toContain('"none"')
  })

  test('times of events never decrease, also when the clock is set back', async () => {
    const job = await okOf(owner().openJob('tenant', { journal: true }))
    const { now } = Date
    try {
      for (const offsetMs of [0, -60_000, 60_000, 30_000]) {
        Date.now = () => now() + offsetMs
        await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
      }
    } finally {
      Date.now = now
    }
    const times = (await journalOf(job)).map(({ time }) => time)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(times[2]).toBeGreaterThan(times[1] as number)
  })

  test('gives a job as much memory as one with a thread of its own', async () => {
    expect((await open()).options.cacheSizeBytes).toBe(32 * 1024 * 1024)
  })

  test('loads SQLite when the first job is opened, not before', async () => {
    const ended = await runProgram(
      storage.folder(),
      `const { Persistency } = persistency
       const loaded = () =>
         process.report.getReport().sharedObjects.filter((name) => /better.sqlite3/.test(name)).length
       const owner = Persistency.open({ rootDir: root + '/data', threads: 'none' })._unsafeUnwrap()
       const before = loaded()
       await owner.openJob('tenant')
       console.log(before, loaded())
       await owner.close()`
    )
    expect([ended.stdout.trim(), ended.stderr]).toEqual(['0 1', ''])
  })
})

describe('the event loop goes on', () => {
  test('while many writes are worked off, and another job is served', async () => {
    const persistency = owner()
    const [busy, quiet] = [await open('busy', persistency), await open('quiet', persistency)]
    await fill(quiet, 1)
    let done = false
    const written = fill(busy, 60_000).then(() => {
      done = true
    })
    let turns = 0
    let gets = 0
    for (; !done; turns++) {
      await nextTurn()
      const found = await okOf(quiet.get('c', key(0), { timeoutMs: 60_000 }))
      if (!done && found !== undefined) gets++
    }
    await written
    // In slices of two milliseconds it takes a good many; in one go there would be none, or one.
    expect(turns).toBeGreaterThan(10)
    expect(gets).toBeGreaterThan(5)
  })

  test('while somebody else has the file locked', async () => {
    const persistency = owner()
    const job = await open('tenant', persistency)
    const other = await open('other', persistency)
    const lock = holdLock(join(persistency.rootDir, 'tenant.db'))
    const order: string[] = []
    const written = job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload })
    const read = job.get('c', key(1)).map(() => order.push('read behind the write'))
    await okOf(other.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
    order.push('unlocked')
    lock.release()
    await okOf(written)
    await okOf(read)
    expect(order).toEqual(['unlocked', 'read behind the write'])
  })

  test('while somebody else has a file locked that is to be opened or removed', async () => {
    const persistency = owner()
    const file = join(persistency.rootDir, 'tenant.db')
    execute(file, `${CREATE_KV}; PRAGMA user_version = 1`)
    const lock = holdLock(file, 'BEGIN EXCLUSIVE')
    const opening = persistency.openJob('tenant')
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    lock.release()
    await okOf((await okOf(opening)).close())
    const again = holdLock(file, 'BEGIN EXCLUSIVE')
    const removing = persistency.dropJob('tenant')
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    again.release()
    await okOf(removing)
  })
})

describe('what passes between the job and its storage', () => {
  test('belongs to the one who has it: bytes may be used again once they were accepted', async () => {
    const job = await open()
    const bytes = utf8('first')
    await okOf(job.persistPut('c', key(1), bytes))
    bytes.set(utf8('other'))
    const [one, two] = [await okOf(job.get('c', key(1))), await okOf(job.get('c', key(1)))]
    expect(textOf(one)).toBe('first')
    one?.fill(0)
    expect(textOf(two)).toBe('first')
    // No `Buffer`, whose methods of the same name do other things.
    expect(Object.getPrototypeOf(one)).toBe(Uint8Array.prototype)
  })

  test('is told when the work is done: a listener may write and read', async () => {
    const job = await open()
    const read: (string | undefined)[] = []
    const events = new EventBroker(undefined, job.context)
    events.listen(PersistCommitted, async ({ lastSeq }) => {
      if (lastSeq > 3) return
      void job.persistPut('echo', key(lastSeq), utf8(`after ${lastSeq}`))
      read.push(textOf(await okOf(job.get('echo', key(lastSeq)))))
    })
    for (let n = 0; n < 3; n++) {
      await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(n), payload }))
      await okOf(job.flush())
    }
    expect(read[0]).toBe('after 1')
    expect(await okOf(job.count('echo', keyOf()))).toBe(read.length)
  })

  test('does not carry the async context of a writer to a listener', async () => {
    const writer = new AsyncLocalStorage<string>()
    const job = await open()
    const seen: unknown[] = []
    new EventBroker(undefined, job.context).listen(PersistCommitted, () => seen.push(writer.getStore()))
    await writer.run('mine', () =>
      okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload }))
    )
    expect(seen).toEqual([undefined])
  })
})

test('writes whose transaction was lost have an outcome each, although somebody takes the lock then', async () => {
  const persistency = owner()
  const job = await okOf(persistency.openJob('tenant', { journal: true, busyTimeoutMs: 20_000 }))
  const file = join(persistency.rootDir, 'tenant.db')
  refuseEvents(file, utf8('bad'))
  const statement = withDatabase(file, (db) => Object.getPrototypeOf(db.prepare('SELECT 1')))
  const { run } = statement
  const taken = gate()
  let lock: ReturnType<typeof holdLock> | undefined
  statement.run = function (this: { readonly source: string }, ...args: unknown[]) {
    const done = run.apply(this, args)
    if (this.source === 'ROLLBACK' && lock === undefined) {
      lock = holdLock(file)
      taken.open()
    }
    return done
  }
  try {
    const writes = ['bad', 'x', 'y'].map((text, n) =>
      job.persistAcked([{ kind: 'put', category: 'c', key: key(n), payload: utf8(text) }])
    )
    const flushed = job.flush()
    await taken.opened
    await nextTurn()
    lock?.release()
    await okOf(flushed)
    const outcomes = Promise.all(writes)
    expect(await isPending(outcomes)).toBe(false)
    expect((await outcomes).map((answer) => answer.isOk())).toEqual([false, true, true])
  } finally {
    statement.run = run
  }
  expect(await okOf(job.count('c', keyOf()))).toBe(2)
})

test.each([
  ['with a backup under way', "job.backup(root + '/copy')"],
  ['with a compaction under way', 'job.compact()'],
  ['with a job being opened', "owner.openJob('other')"],
  ['in the listener of a commit', '']
])('process.exit() %s loses no accepted write', async (_, before) => {
  const folder = storage.folder()
  const ended = await runProgram(
    folder,
    `const { EventBroker, key, PersistCommitted, Persistency } = persistency
     const owner = Persistency.open({ rootDir: root + '/data', threads: 'none' })._unsafeUnwrap()
     const job = (await owner.openJob('tenant'))._unsafeUnwrap()
     const write = (from, to) => { for (let i = from; i < to; i++) job.persistPut('c', key(i), new Uint8Array(100)) }
     write(0, 10_000)
     await job.flush()
     ${before}
     await new Promise(setImmediate)
     if (${before === ''}) new EventBroker(undefined, job.context).listen(PersistCommitted, () => process.exit(3))
     write(10_000, 20_000)
     if (${before !== ''}) process.exit(3)`
  )
  expect([ended.code, ended.stderr]).toEqual([3, ''])
  expect(rowsIn(join(folder, 'data', 'tenant.db'))).toHaveLength(20_000)
})
