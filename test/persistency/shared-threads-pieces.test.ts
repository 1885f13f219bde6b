import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Job, key, PersistCommitted, type Persistency, type PutOp, type TxOp } from 'persistency'
import { EventBroker } from 'persistency/brokers'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'
import { rowsIn } from '../support/storage-sqlite.js'

const storage = useStorage()

const ROWS = 30_000
/** For what is done quickly with fewer. */
const MANY = 120_000
const TIME = { timeoutMs: 120_000 }
const payload = new Uint8Array(20).fill(7)
const put = (n: number, category = 'c'): PutOp => ({ kind: 'put', category, key: key(n), payload })
const puts = (count: number, category: string): TxOp[] =>
  Array.from({ length: count }, (_, n) => put(n, category))

/** Two tenants on one thread, of which one is large. */
let persistency: Persistency
let rootDir: string
let large: Job
let other: Job

async function fill(job: Job, from = 0, to = ROWS): Promise<void> {
  for (let n = from; n < to; n += 100)
    await job.persist(Array.from({ length: 100 }, (_, index) => put(n + index)))
  await okOf(job.flush(TIME))
}

beforeEach(async () => {
  rootDir = storage.folder()
  persistency = storage.owner({ rootDir, threads: { shared: 1 }, requestTimeoutMs: 120_000 })
  large = await okOf(persistency.openJob('large'))
  other = await okOf(persistency.openJob('other'))
  await okOf(other.putAcked('c', key(1), payload))
  await fill(large)
})

/** What is answered first: the work of one tenant, which begins first, or gets of the other, one after the other. */
async function firstOf(work: () => PromiseLike<unknown>, gets = 1): Promise<'work' | 'gets'> {
  const worked = Promise.resolve(work()).then(() => 'work' as const)
  const asked = (async () => {
    for (let left = gets; left > 0; left--) await okOf(other.get('c', key(1)))
    return 'gets' as const
  })()
  const first = await Promise.race([worked, asked])
  await Promise.all([worked, asked])
  return first
}

/** The same of work that is short and can be repeated: on a busy machine both may be answered before this thread looks. */
async function firstOfSome(work: () => PromiseLike<unknown>, gets = 1): Promise<'work' | 'gets'> {
  for (let attempt = 0; attempt < 20; attempt++) if ((await firstOf(work, gets)) === 'gets') return 'gets'
  return 'work'
}

describe('a tenant does not wait for the whole of what another one asks:', () => {
  test('a count', async () => {
    await fill(large, ROWS, MANY)
    expect(await firstOfSome(() => okOf(large.count('c', key())))).toBe('gets')
    expect(await okOf(large.count('c', key()))).toBe(MANY)
    expect(await okOf(large.count('c', { start: key(10), stop: key(15_000) }))).toBe(14_990)
    expect(await okOf(large.count('c', key(3)))).toBe(1)
    expect(await okOf(large.count('d', key()))).toBe(0)
  })

  test('a `getMany`', async () => {
    const keys = Array.from({ length: ROWS + 1 }, (_, n) => key(n))
    let found: (Uint8Array | undefined)[] = []
    const read = async (): Promise<void> => {
      found = await okOf(large.getMany('c', keys))
    }
    expect(await firstOfSome(read)).toBe('gets')
    expect(found.length).toBe(ROWS + 1)
    expect(found.indexOf(undefined)).toBe(ROWS)
  })

  test('a batch', async () => {
    expect(await firstOfSome(() => okOf(large.persistAcked(puts(15_000, 'd'))), 3)).toBe('gets')
    expect(await okOf(large.count('d', key()))).toBe(15_000)
  })

  test('the delete of a range', async () => {
    await fill(large, ROWS, MANY)
    const deleted = (): PromiseLike<unknown> =>
      okOf(large.persistAcked({ kind: 'deletePrefix', category: 'c', prefix: key() }))
    expect(await firstOf(deleted, 3)).toBe('gets')
    expect(await okOf(large.count('c', key()))).toBe(0)
  })

  test('the making of a journal, and a count of the past', async () => {
    await okOf(large.close())
    const open = async (): Promise<void> => {
      large = await okOf(persistency.openJob('large', { journal: true }))
    }
    expect(await firstOf(open, 3)).toBe('gets')
    expect(await okOf(large.at(0).count('c', key()))).toBe(ROWS)
    expect(await firstOfSome(() => okOf(large.at(0).count('c', key())))).toBe('gets')
    expect((await okOf(large.compareWithJournal())).differing).toBe(0)
  })
})

describe('what takes many slices keeps its place in the line of its job:', () => {
  test('a count sees what stands before it, and nothing of what stands behind', async () => {
    large.persist(put(ROWS))
    const counts: PromiseLike<number>[] = []
    for (let n = 1; n <= 5; n++) {
      counts.push(okOf(large.count('c', key())))
      large.persist([put(ROWS + n), { kind: 'delete', category: 'c', key: key(n) }, put(-n)])
    }
    expect(await Promise.all(counts)).toEqual([1, 2, 3, 4, 5].map((n) => ROWS + n))
  })

  test('reads before the delete of a range find everything, those behind it nothing', async () => {
    const before = okOf(large.count('c', key()))
    const deleted = okOf(large.persistAcked([{ kind: 'deletePrefix', category: 'c', prefix: key() }, put(1)]))
    const behind = okOf(large.scan('c', key(), { keysOnly: true }))
    large.persist(put(2))
    expect(await before).toBe(ROWS)
    await deleted
    expect((await behind).map(({ key }) => String(key))).toEqual([String(key(1))])
    expect(await okOf(large.count('c', key()))).toBe(2)
  })

  test.each([false, true])(
    'a batch that fails at its end leaves nothing, its neighbours stay: journal %s',
    async (journal) => {
      await okOf(large.close())
      large = await okOf(persistency.openJob('large', { journal }))
      const refused: TxOp = { kind: 'check', category: 'c', key: key(1) }
      const prefix: TxOp = { kind: 'deletePrefix', category: 'c', prefix: key() }
      large.persist(put(1, 'before'))
      const failed = errorOf(large.persistAcked([...puts(20_000, 'd'), prefix, put(1), refused]))
      large.persist(put(1, 'behind'))
      expect((await failed).code).toBe('ERR_CONFLICT')
      await okOf(large.flush())
      const counts = ['c', 'd', 'before', 'behind'].map((category) => okOf(large.count(category, key())))
      expect(await Promise.all(counts)).toEqual([ROWS, 0, 1, 1])
      if (!journal) return
      expect((await okOf(large.journalStatus())).lastSeq).toBe(2)
      expect((await okOf(large.compareWithJournal())).differing).toBe(0)
    }
  )

  test('one large write after the other does not become one endless transaction', async () => {
    let commits = 0
    new EventBroker(undefined, large.context).listen(PersistCommitted, () => commits++)
    for (let n = 0; n < 100; n++) large.persist(puts(800, 'd'))
    await okOf(large.flush())
    expect(commits).toBeGreaterThan(10)
  })

  test('a job that is closed meanwhile has done it, and other databases had to give way', async () => {
    const closing = storage.owner({
      rootDir: storage.folder(),
      threads: { shared: 1 },
      maxOpenJobs: 2,
      whenIdle: 'close'
    })
    const [one, two, three] = await Promise.all(['1', '2', '3'].map((id) => okOf(closing.openJob(id))))
    await fill(one as Job)
    const deleted = okOf((one as Job).persistDeletePrefix('c', key()))
    for (let round = 0; round < 10; round++) {
      for (const job of [two, three]) await okOf((job as Job).putAcked('c', key(round), payload))
    }
    await deleted
    await okOf((one as Job).close())
    const again = await okOf(closing.openJob('1'))
    expect(await okOf(again.count('c', key()))).toBe(0)
  })

  test('figures, a backup and a compaction are of before or after it', async () => {
    const path = join(storage.folder(), 'backup.db')
    const deleted = okOf(large.persistAcked({ kind: 'deletePrefix', category: 'c', prefix: key() }))
    await okOf(other.get('c', key(1)))
    const stats = okOf(large.stats())
    const backup = okOf(large.backup(path))
    const compacted = okOf(large.compact())
    expect([0, ROWS]).toContain((await stats).rows)
    await backup
    expect([0, ROWS]).toContain(rowsIn(path).length)
    await compacted
    await deleted
    expect(await okOf(large.count('c', key()))).toBe(0)
  })

  test('a program that exits meanwhile has stored it', async () => {
    const folder = storage.folder()
    const ended = await runProgram(
      folder,
      `const { Persistency, key } = persistency
      const owner = Persistency.open({ rootDir: root + '/data', threads: { shared: 1 } })._unsafeUnwrap()
      const [job, other] = (await Promise.all(['tenant', 'other'].map((id) => owner.openJob(id)))).map((job) => job._unsafeUnwrap())
      for (let n = 0; n < 15_000; n++) await job.persistPut('c', key(n), new Uint8Array(20))
      await job.flush()
      job.persistDeletePrefix('c', key())
      job.persistPut('d', key(1), new Uint8Array(1))
      for (let n = 0; n < 3; n++) await other.get('c', key(1))
      process.exit(3)`
    )
    expect([ended.code, ended.stderr]).toEqual([3, ''])
    expect(rowsIn(join(folder, 'data', 'tenant.db')).length).toBe(1)
  })
})
