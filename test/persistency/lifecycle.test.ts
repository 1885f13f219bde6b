import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Result, ResultAsync } from 'neverthrow'
import { type Job, KvGet, key, Persistency, type PersistencyError, RequestBroker } from 'persistency'
import { filesIn, testOfThreads, threads, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWorkers } from '../support/storage-process.js'
import { type Answer, errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()

const put = (n: number) => ({ kind: 'put', category: 'c', key: key(n), payload: utf8('x') }) as const

const mode = (path: string): number => statSync(path).mode & 0o777

const CALLS: Record<string, (job: Job) => Answer<unknown, unknown>> = {
  persist: (job) => job.persist({ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }),
  'persist of nothing': (job) => job.persist([]),
  persistPut: (job) => job.persistPut('c', key(1), utf8('x')),
  persistDelete: (job) => job.persistDelete('c', key(1)),
  persistDeletePrefix: (job) => job.persistDeletePrefix('c', key(1)),
  persistEncoded: (job) => job.persistEncoded('c', key(1), 'x'),
  persistAcked: (job) => job.persistAcked({ kind: 'delete', category: 'c', key: key(1) }),
  'persistAcked of nothing': (job) => job.persistAcked([]),
  flush: (job) => job.flush(),
  get: (job) => job.get('c', key(1)),
  getMany: (job) => job.getMany('c', [key(1)]),
  'getMany of nothing': (job) => job.getMany('c', []),
  exists: (job) => job.exists('c', key(1)),
  count: (job) => job.count('c', key(1)),
  deleteAcked: (job) => job.deleteAcked('c', key(1)),
  scan: (job) => job.scan('c', key(1)),
  scanPrefix: (job) => job.scanPrefix('c', key(1)),
  stream: (job) => ResultAsync.fromPromise(job.stream('c', key(1))[Symbol.asyncIterator]().next(), (e) => e)
}

const ALL_REFUSED = Object.fromEntries(Object.keys(CALLS).map((name) => [name, 'ERR_JOB_CLOSED']))

/** What each call of a job comes to: the code of its error, or `ok`. */
async function outcomes(job: Job): Promise<Record<string, string>> {
  const answers = Object.entries(CALLS).map(async ([name, call]) => [name, await codeOf(call(job))])
  return Object.fromEntries(await Promise.all(answers))
}

async function codeOf(answer: Answer<unknown, unknown>): Promise<string> {
  const result = (await answer) as Result<unknown, PersistencyError>
  return result.isOk() ? 'ok' : result.error.code
}

describe('the root directory', () => {
  test('is made with its parents, private to its owner, by the first job and not before', async () => {
    const root = join(storage.folder(), 'a', 'b')
    const persistency = storage.owner(root)
    expect(persistency.rootDir).toBe(root)
    await persistency.close()
    expect(existsSync(join(root, '..'))).toBe(false)
    const job = await okOf(storage.owner(root).openJob('tenant'))
    await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }))
    expect([mode(join(root, '..')), mode(root)]).toEqual([0o700, 0o700])
    expect(filesIn(root)).toEqual(['tenant.db', 'tenant.db-shm', 'tenant.db-wal'])
    for (const name of filesIn(root)) expect(mode(join(root, name))).toBe(0o600)
  })

  test('is used as it is when it exists, with whatever else is in it', async () => {
    const root = storage.folder()
    writeFileSync(join(root, 'notes.txt'), 'mine')
    mkdirSync(join(root, 'sub'))
    const { job, persistency } = await storage.open({}, root)
    expect(job.running).toBe(true)
    await okOf(persistency.dropJob('tenant'))
    expect(filesIn(root)).toEqual(['notes.txt', 'sub'])
  })

  test.each([
    ['is empty', () => '', 'rootDir is empty'],
    ['is blank', () => '  ', 'rootDir is empty'],
    ['holds a NUL', (folder: string) => `${folder}/a\0b`, 'NUL'],
    ['is a file', (folder: string) => join(folder, 'file'), 'exists and is not a directory'],
    ['lies below a file', (folder: string) => join(folder, 'file', 'x'), 'is not a directory'],
    ['lies far below a file', (folder: string) => join(folder, 'file', 'x', 'y', 'z'), 'is not a directory'],
    ['is a link to itself', (folder: string) => join(folder, 'loop'), 'loop'],
    ['has a name that is too long', (folder: string) => join(folder, 'n'.repeat(5000)), 'nnn']
  ])('that %s is refused by open', (_, rootOf, told) => {
    const folder = storage.folder()
    writeFileSync(join(folder, 'file'), 'mine')
    symlinkSync(join(folder, 'loop'), join(folder, 'loop'))
    const error = Persistency.open(rootOf(folder))._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'invalidArgument', code: 'ERR_ROOT_DIR' })
    expect(error.message).toContain(told)
    expect(filesIn(folder)).toEqual(['file', 'loop'])
  })

  test('that has become a file since cannot be made', async () => {
    const root = join(storage.folder(), 'later')
    const persistency = storage.owner(root)
    writeFileSync(root, 'mine')
    const error = await errorOf(persistency.openJob('tenant'))
    expect(error).toMatchObject({ kind: 'backend', code: 'ERR_CREATE_DIR', backendCode: 'EEXIST' })
    expect(error.message).toContain(root)
    expect(workers.alive).toBe(0)
    rmSync(root)
    expect((await persistency.openJob('tenant')).isOk()).toBe(true)
  })
})

describe('opening', () => {
  test('gives a running job with a file, a thread and a context of its own', async () => {
    const { job, file, persistency } = await storage.open()
    const other = await okOf(persistency.openJob('other'))
    expect([job.id, job.running, existsSync(file)]).toEqual(['tenant', true, true])
    expect(workers.alive).toBe(threads(2))
    expect(other.context.id).not.toBe(job.context.id)
    expect(job.context.label).toBe('tenant')
    expect([...persistency.jobs.keys()]).toEqual(['tenant', 'other'])
  })

  test('the same id again gives the same job, and concurrent calls share one opening', async () => {
    const persistency = storage.owner()
    const jobs = await Promise.all([1, 2, 3].map(() => okOf(persistency.openJob('tenant'))))
    expect(new Set([...jobs, await okOf(persistency.openJob('tenant'))]).size).toBe(1)
    expect(workers.started).toHaveLength(threads(1))
  })

  test('keeps the options of the first call over the defaults of the owner', async () => {
    const persistency = storage.owner({ rootDir: storage.folder(), maxQueueOps: 7, busyTimeoutMs: 9 })
    const job = await okOf(persistency.openJob('tenant', { busyTimeoutMs: 11 }))
    await okOf(persistency.openJob('tenant', { busyTimeoutMs: 13 }))
    expect(job.options).toMatchObject({ maxQueueOps: 7, busyTimeoutMs: 11, durability: 'normal' })
  })

  test('a failed opening is shared, leaves no thread, and can be repeated', async () => {
    const root = storage.folder()
    writeFileSync(join(root, 'tenant.db'), 'a letter '.repeat(200))
    const persistency = storage.owner(root)
    const errors = await Promise.all([1, 2].map(() => errorOf(persistency.openJob('tenant'))))
    expect(errors.map((error) => error.code)).toEqual(['ERR_NOT_A_DATABASE', 'ERR_NOT_A_DATABASE'])
    expect([workers.started.length, workers.alive]).toEqual([threads(1), 0])
    expect([persistency.hasJob('tenant'), persistency.jobs.size]).toEqual([false, 0])
    rmSync(join(root, 'tenant.db'))
    expect((await persistency.openJob('tenant')).isOk()).toBe(true)
  })

  test('a failed opening disturbs no other job', async () => {
    const { job, root, persistency } = await storage.open()
    mkdirSync(join(root, 'broken.db'))
    await errorOf(persistency.openJob('broken'))
    await okOf(job.persistPut('c', key(1), utf8('x')))
    expect(textOf(await okOf(job.get('c', key(1))))).toBe('x')
  })
})

describe('closing', () => {
  test('ends the thread, forgets the job, and is harmless when repeated or for an unknown id', async () => {
    const { job, persistency } = await storage.open()
    await Promise.all([job.close(), persistency.closeJob('tenant')].map((answer) => okOf(answer)))
    expect([job.running, persistency.hasJob('tenant'), workers.alive]).toEqual([false, false, 0])
    await okOf(persistency.closeJob('tenant'))
    await okOf(persistency.closeJob('never opened'))
    await okOf(job.close())
  })

  test('data survives it', async () => {
    const { job, persistency } = await storage.open()
    await okOf(job.persistPut('c', key('kept'), utf8('x')))
    await okOf(job.close())
    const again = await okOf(persistency.openJob('tenant'))
    expect(again).not.toBe(job)
    expect(textOf(await okOf(again.get('c', key('kept'))))).toBe('x')
  })

  test('applies everything accepted before, however late', async () => {
    const { job, persistency } = await storage.open()
    const accepted = Array.from({ length: 2000 }, (_, n) => job.persistPut('c', key(n), utf8('x')))
    await okOf(job.close())
    expect((await Promise.all(accepted)).every((answer) => answer.isOk())).toBe(true)
    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.count('c', keyOf()))).toBe(2000)
  })

  test('lets in and applies the writes that wait for room', async () => {
    const { job, persistency } = await storage.open({ maxQueueOps: 10 })
    const waiting = Array.from({ length: 200 }, (_, n) => job.persistPut('c', key(n), utf8('x')))
    const read = job.count('c', keyOf())
    await okOf(job.close())
    expect((await Promise.all(waiting)).every((answer) => answer.isOk())).toBe(true)
    expect(await okOf(read)).toBe(200)
    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.count('c', keyOf()))).toBe(200)
  })

  test('every call fails from then on, and stores nothing', async () => {
    const { job, persistency } = await storage.open()
    const closing = job.close()
    expect(job.running).toBe(false)
    const whileClosing = outcomes(job)
    await okOf(closing)
    expect(await outcomes(job)).toEqual(ALL_REFUSED)
    expect(await whileClosing).toEqual(ALL_REFUSED)
    const error = await errorOf(job.get('c', key(1)))
    expect([error.kind, error.message]).toEqual(['closed', 'job "tenant" is closed'])
    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.count('c', keyOf()))).toBe(0)
  })

  test('leaves nobody to answer in the context of the job', async () => {
    const { job } = await storage.open()
    const requests = new RequestBroker(undefined, job.context)
    expect((await requests.request(KvGet, { category: 'c', key: key(1) })).isOk()).toBe(true)
    await okOf(job.close())
    expect(await errorOf(requests.request(KvGet, { category: 'c', key: key(1) }))).toMatchObject({
      kind: 'noProvider'
    })
  })

  test('leaves sibling jobs at work', async () => {
    const { job, persistency } = await storage.open()
    const sibling = await okOf(persistency.openJob('sibling'))
    await okOf(job.close())
    await okOf(sibling.persistPut('c', key(1), utf8('x')))
    expect(await okOf(sibling.exists('c', key(1)))).toBe(true)
  })

  test('during opening closes the job once it is open', async () => {
    const persistency = storage.owner()
    const opening = persistency.openJob('tenant')
    await okOf(persistency.closeJob('tenant'))
    expect((await okOf(opening)).running).toBe(false)
    expect([persistency.hasJob('tenant'), workers.alive]).toEqual([false, 0])
  })

  test('an opening meanwhile waits for it and gives a new job', async () => {
    const { job, persistency } = await storage.open()
    void job.persistPut('c', key(1), utf8('x'))
    const closing = job.close()
    const [first, second] = await Promise.all([1, 2].map(() => okOf(persistency.openJob('tenant'))))
    await okOf(closing)
    expect(first).toBe(second)
    expect([first?.running, job.running, workers.alive]).toEqual([true, false, threads(1)])
    expect(await okOf(first!.exists('c', key(1)))).toBe(true)
    await okOf(job.close())
    expect(first?.running).toBe(true)
  })
})

describe('closing the owner', () => {
  test('closes every job, also those being opened, and opens none any more', async () => {
    const { job, persistency } = await storage.open()
    const opening = persistency.openJob('late')
    await Promise.all([okOf(persistency.close()), okOf(persistency.close())])
    expect([job.running, (await okOf(opening)).running, persistency.jobs.size]).toEqual([false, false, 0])
    expect(workers.alive).toBe(0)
    const error = await errorOf(persistency.openJob('tenant'))
    expect(error).toMatchObject({ kind: 'closed', code: 'ERR_PERSISTENCY_CLOSED' })
    await okOf(persistency.close())
  })

  test('refuses an opening that waits for a closing', async () => {
    const { job, persistency } = await storage.open()
    const closing = job.close()
    const opening = persistency.openJob('tenant')
    await okOf(persistency.close())
    await okOf(closing)
    expect((await errorOf(opening)).code).toBe('ERR_PERSISTENCY_CLOSED')
    expect(workers.alive).toBe(0)
  })

  test('happens at the end of an "await using" block, for a job as well', async () => {
    const persistency = Persistency.open(storage.folder())._unsafeUnwrap()
    let inner: { running: boolean } | undefined
    {
      await using owner = persistency
      {
        await using job = await okOf(owner.openJob('tenant'))
        inner = job
      }
      expect([inner.running, owner.hasJob('tenant')]).toEqual([false, false])
      inner = await okOf(owner.openJob('tenant'))
    }
    expect([inner.running, workers.alive]).toEqual([false, 0])
  })
})

testOfThreads.each(['closeJob', 'dropJob'] as const)(
  '%s is ok when the storage dies before it has begun',
  async (end) => {
    const { persistency, file, job } = await storage.open({ maxQueueOps: 4, busyTimeoutMs: 30_000 })
    await okOf(job.persistAcked(put(0)))
    const lock = holdLock(file)
    const writes = Array.from({ length: 50 }, (_, n) => job.persist(put(n)))
    const ending = persistency[end]('tenant')
    await workers.killLast()
    // Whoever holds the lock has the file open, which is not to be deleted then.
    lock.release()
    expect((await ending).isOk()).toBe(true)
    for (const write of writes) await write
    expect([persistency.hasJob('tenant'), existsSync(file)]).toEqual([false, end === 'closeJob'])
  }
)

test('an opening ends when its time is over, whatever it waits for', async () => {
  const { persistency, file, job } = await storage.open()
  await okOf(job.close())
  const lock = holdLock(file, 'BEGIN EXCLUSIVE')
  const started = performance.now()
  const error = await errorOf(
    persistency.openJob('tenant', { openTimeoutMs: 100, busyTimeoutMs: 30_000, journal: true })
  )
  expect(error.code).toBe('ERR_TIMEOUT')
  expect(performance.now() - started).toBeLessThan(2500)
  lock.release()
})
