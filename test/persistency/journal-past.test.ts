import { describe, expect, jest, test } from '@jest/globals'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import {
  defineTable,
  int64,
  integer,
  type Job,
  type JobOptions,
  type JournalProgress,
  type Key,
  type KvRow,
  key,
  type PastState,
  rawKey,
  type TableReads,
  type TxOp
} from 'persistency'
import { all, put } from '../support/journal.js'
import { requireHeld } from '../support/properties.js'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { SortedModel } from '../support/storage-model.js'
import { errorOf, hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { rowsIn, withDatabase } from '../support/storage-sqlite.js'

const storage = useStorage()

/** Set PERSISTENCY_SEED to run the histories of a failed run again. */
const seed = Number(process.env['PERSISTENCY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

const CATEGORIES = ['', 'a', 'ä']

const anyKey = fc
  .array(fc.constantFrom(0x00, 0x01, 0x80, 0xff), { maxLength: 2 })
  .map((bytes): Key => rawKey(Uint8Array.from(bytes)))
const anyCategory = fc.constantFrom(...CATEGORIES)
const anyOp: fc.Arbitrary<TxOp> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      category: anyCategory,
      key: anyKey,
      payload: fc.uint8Array({ maxLength: 3 })
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), category: anyCategory, key: anyKey })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('deletePrefix' as const),
      category: anyCategory,
      prefix: anyKey
    })
  }
)
const anyHistory = fc.array(fc.array(anyOp, { minLength: 1, maxLength: 4 }), { maxLength: 40 })

const shown = (category: string, rows: readonly KvRow[]): string[] =>
  rows.map(({ key: at, payload }) => `${category} ${hexOf(at.bytes)}=${hexOf(payload)}`)

async function everything(view: Pick<Job, 'scan'>): Promise<string[]> {
  const rows = CATEGORIES.map(async (category) => shown(category, await okOf(view.scan(category, keyOf()))))
  return (await Promise.all(rows)).flat()
}

/** What a job holds after each number of writes. */
function statesOf(history: readonly (readonly TxOp[])[], before: readonly TxOp[]): string[][] {
  const model = new SortedModel()
  model.apply(before)
  return [model.rows()].concat(
    history.map((ops) => {
      model.apply(ops)
      return model.rows()
    })
  )
}

test.each<[string, JobOptions]>([
  ['that keeps everything', { journal: true }],
  ['that keeps seven events', { journal: { maxEvents: 7 } }]
])(`each state of a journal %s is what a model says (seed ${seed})`, async (_, options) => {
  const histories = fc.asyncProperty(
    fc.array(anyOp, { maxLength: 5 }),
    anyHistory,
    async (before, history) => {
      const { job: plain, persistency } = await storage.open()
      if (before.length > 0) await okOf(plain.persistAcked(before))
      await okOf(plain.close())
      const job = await okOf(persistency.openJob('tenant', options))
      const states = statesOf(history, before)
      for (const [index, ops] of history.entries()) {
        if (index % 3 === 0) void job.append({ type: 'x' }, { ops })
        else void job.persist(ops)
      }
      const { firstSeq, lastSeq } = await okOf(job.journalStatus())
      expect(lastSeq).toBe(history.length)
      for (let seq = firstSeq - 1; seq <= lastSeq; seq++) {
        expect(await everything(job.at(seq))).toEqual(states[seq])
      }
      expect(await okOf(job.compareWithJournal())).toMatchObject({ differing: 0, seq: lastSeq })
      await okOf(persistency.close())
    }
  )
  await requireHeld(histories, { seed, numRuns: 15, minRuns: 3 })
})

describe('a past state', () => {
  test('answers every read as the job does', async () => {
    const { job } = await storage.open({ journal: true })
    for (let n = 0; n < 1000; n++) void job.persistPut('c', key(n), utf8(`${n}`))
    const { lastSeq } = await okOf(job.journalStatus())
    const [past, range] = [job.at(lastSeq), { start: key(100), stop: key(200) }]
    const decoder = { decode: textOf }
    const Texts = defineTable('c', { key: integer, value: { encode: utf8, decode: textOf } })
    const reads = async (
      view: Pick<Job, Exclude<keyof PastState & keyof Job, 'table'>>,
      table: TableReads<number, string | undefined>
    ) => [
      textOf(await okOf(view.get('c', key(5)))),
      await okOf(view.get('c', key(5000))),
      await okOf(view.getDecoded('c', key(5), decoder)),
      await okOf(view.getDecoded('c', key(5000), decoder)),
      (await errorOf(view.getDecoded('c', key(5), int64))).code,
      (await okOf(view.getMany('c', [key(1), key(5000), key(2)]))).map(textOf),
      await okOf(view.exists('c', key(5))),
      await okOf(view.exists('d', key(5))),
      await okOf(view.count('c', range)),
      shown('c', await okOf(view.scan('c', range, { reverse: true, limit: 10 }))),
      shown('c', await okOf(view.scan('c', range, { copy: true, keysOnly: true }))),
      shown('c', await okOf(view.scanPrefix('c', key(7)))),
      shown('c', await all(view.stream('c', range, { pageSize: 7 }))),
      await okOf(table.get(5)),
      await okOf(table.getMany([1, 5000])),
      await okOf(table.exists(5000)),
      await okOf(table.count()),
      await okOf(table.scan(range, { limit: 3 })),
      await all(table.stream(range, { pageSize: 7, keysOnly: true }))
    ]
    const now = await reads(job, job.table(Texts))
    await okOf(job.persistAcked({ kind: 'deletePrefix', category: 'c', prefix: keyOf() }))
    expect(await reads(past, past.table(Texts))).toEqual(now)
    expect(await okOf(job.at(lastSeq + 1).count('c', keyOf()))).toBe(0)
  })

  test('stays what it is while writes go on, and when its events fall off', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 100 } })
    for (let n = 0; n < 50; n++) await okOf(job.persistAcked(put(n)))
    const past = job.at(20)
    expect(await okOf(past.count('c', keyOf()))).toBe(20)
    for (let n = 0; n < 500; n++) void job.persistPut('d', key(n), utf8('x'))
    await okOf(job.flush())
    expect(await okOf(past.count('c', keyOf()))).toBe(20)
    expect(await okOf(past.count('d', keyOf()))).toBe(0)
    expect((await errorOf(job.at(21).count('c', keyOf()))).code).toBe('ERR_EVENTS_GONE')
  })

  test('is put together in steps that let writes pass', async () => {
    const { job } = await storage.open({ journal: true })
    for (let n = 0; n < 60_000; n++) void job.persistPut('c', key(n), new Uint8Array(100))
    await okOf(job.flush())
    let answered = false
    const past = okOf(job.at(59_999).count('c', keyOf())).then((count) => {
      answered = true
      return count
    })
    let passed = 0
    while (!answered) {
      await okOf(job.persistAcked(put(passed)))
      passed++
    }
    expect(await past).toBe(59_999)
    expect(passed).toBeGreaterThan(1)
  })

  test('loses nothing that it needs to events that come while it is put together', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 20_000 } })
    await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key('first'), payload: utf8('x') }))
    const many = Array.from({ length: 20_000 }, () => ({ type: 'x' }))
    await okOf(job.append(many))
    const count = job.at(20_000).count('c', keyOf())
    await okOf(job.append(many))
    expect(await okOf(count)).toBe(1)
  })

  test.each([
    [-1, 'ERR_SEQ'],
    [1.5, 'ERR_SEQ'],
    ['1', 'ERR_SEQ'],
    [2, 'ERR_SEQ']
  ])('of %p is refused', async (seq, code) => {
    const { job } = await storage.open({ journal: true })
    await okOf(job.persistAcked(put(1)))
    const past = job.at(seq as number)
    expect((await errorOf(past.get('c', key(1)))).code).toBe(code)
    expect((await errorOf(past.scan('c', keyOf()))).code).toBe(code)
    await expect(all(past.stream('c', keyOf()))).rejects.toMatchObject({ code })
  })

  test('refuses wrong arguments as the job does', async () => {
    const past = (await storage.open({ journal: true })).job.at(0)
    expect((await errorOf(past.get('c', 'text' as never))).code).toBe('ERR_KEY')
    expect((await errorOf(past.count(5 as never, keyOf()))).code).toBe('ERR_CATEGORY')
    expect((await errorOf(past.scan('c', keyOf(), { limit: -1 }))).code).toBe('ERR_OPTION')
    expect((await errorOf(past.scanPrefix('c', 5 as never))).code).toBe('ERR_KEY')
  })
})

describe('rebuild', () => {
  /** A job of which rows were taken away, changed and added behind its back. */
  async function damaged(rows: number) {
    const opened = await storage.open({ journal: { maxEvents: Math.ceil(rows / 2) } })
    const { job, file } = opened
    for (let n = 0; n < rows; n++) void job.persistPut('c', key(n), utf8(`${n}`))
    await okOf(job.flush())
    const right = rowsIn(file)
    withDatabase(file, (db) => {
      db.exec("DELETE FROM kv WHERE substr(hex(key), -1) = '3'")
      db.exec("UPDATE kv SET payload = x'00' WHERE substr(hex(key), -1) = '5'")
      db.exec("INSERT INTO kv SELECT x'61', key, payload FROM kv WHERE substr(hex(key), -1) = '7'")
      db.exec("INSERT INTO kv SELECT x'64', key, payload FROM kv WHERE substr(hex(key), -1) = '9'")
    })
    return { ...opened, right }
  }

  test('makes the rows what the journal says, and tells how far it has come', async () => {
    const { job, file, right } = await damaged(5000)
    const steps: string[] = []
    const before = await okOf(job.compareWithJournal())
    expect(before.differing).toBeGreaterThan(1000)
    expect(before.differences).toHaveLength(100)
    const mended = await okOf(job.rebuild({ onProgress: ({ phase }) => steps.push(phase) }))
    expect([mended.differing, mended.rows]).toEqual([before.differing, before.rows])
    expect(rowsIn(file)).toEqual(right)
    expect(steps.at(-1)).toBe('compare')
    expect(await okOf(job.compareWithJournal())).toMatchObject({ rows: 5000, differing: 0 })
    expect((await okOf(job.journalStatus())).lastSeq).toBe(5000)
  })

  testOnce('counts no rows beforehand, and tells how far it has come as far as it knows', async () => {
    const rootDir = storage.folder()
    const job = await okOf(
      storage.owner({ rootDir, threads: 'none' }).openJob('tenant', { journal: { maxEvents: 100 } })
    )
    for (let n = 0; n < 3000; n++) void job.persistPut('c', key(n), utf8(`${n}`))
    await okOf(job.flush())
    const prepare = jest.spyOn(Database.prototype, 'prepare')
    const told: JournalProgress[] = []
    await okOf(job.compareWithJournal({ onProgress: (progress) => told.push(progress) }))
    const counting = prepare.mock.calls.filter(([sql]) => sql.includes('count(*)'))
    prepare.mockRestore()
    expect(counting).toEqual([])
    expect(told.every(({ done, total }) => done <= total)).toBe(true)
    expect(told.at(-1)).toEqual({ phase: 'compare', done: 3000, total: 3000 })
  })

  test('looks at a few large rows at a time', async () => {
    const { job, file } = await storage.open({ journal: true })
    for (let n = 0; n < 8; n++) await okOf(job.persistAcked(put(n, 'x'.repeat(512 * 1024))))
    withDatabase(file, (db) => db.exec("DELETE FROM kv WHERE substr(hex(key), -1) IN ('1', '6')"))
    let steps = 0
    const onProgress = ({ phase }: { phase: string }): void => {
      if (phase === 'compare') steps++
    }
    expect(await okOf(job.rebuild({ onProgress }))).toMatchObject({ rows: 6, differing: 2 })
    expect(steps).toBeGreaterThanOrEqual(4)
    expect(await okOf(job.compareWithJournal())).toMatchObject({ rows: 8, differing: 0 })
    expect(await okOf(job.at(8).count('c', keyOf()))).toBe(8)
  })

  test('takes a payload that another tool stored for the bytes that are read', async () => {
    const { persistency, job, file } = await storage.open()
    await okOf(job.putAcked('c', key(1), utf8('ours')))
    await okOf(job.close())
    const store = (value: string): void =>
      withDatabase(file, (db) => void db.exec(`UPDATE kv SET payload = ${value}`))
    store('5')
    const again = await okOf(persistency.openJob('tenant', { journal: true }))
    store("'5'")
    expect(await okOf(again.compareWithJournal())).toMatchObject({ differing: 0 })
    store('7')
    expect(await okOf(again.rebuild())).toMatchObject({ rows: 1, differing: 1 })
    expect(textOf(await okOf(again.get('c', key(1))))).toBe('5')
    expect(textOf(await okOf(again.at(0).get('c', key(1))))).toBe('5')
  })

  test('takes a category that is no text for what its bytes are, not for another one', async () => {
    const { job, file } = await storage.open({ journal: true })
    await okOf(job.persistAcked({ kind: 'put', category: '\ufffd', key: key(1), payload: utf8('kept') }))
    // Read as text, this is the same name.
    withDatabase(file, (db) =>
      db.prepare("INSERT INTO kv VALUES (x'ff', ?, x'09')").run(Buffer.from(key(1).bytes))
    )
    expect(await okOf(job.rebuild())).toMatchObject({ rows: 2, differing: 1 })
    expect(await okOf(job.compareWithJournal())).toMatchObject({ rows: 1, differing: 0 })
    expect(textOf(await okOf(job.get('\ufffd', key(1))))).toBe('kept')
  })

  test('may go on beside writes, which it keeps', async () => {
    const { job } = await damaged(5000)
    let writing = true
    const model = new Map<number, string>()
    const writes = (async () => {
      for (let n = 0; writing; n++) {
        const at = (n * 7919) % 6000
        await okOf(job.persistAcked(put(at, `later ${n}`)))
        model.set(at, `later ${n}`)
      }
    })()
    await okOf(job.rebuild())
    writing = false
    await writes
    expect(model.size).toBeGreaterThan(0)
    expect(await okOf(job.compareWithJournal())).toMatchObject({ differing: 0 })
    for (const [at, value] of model) expect(textOf(await okOf(job.get('c', key(at))))).toBe(value)
  })

  test('begins with the snapshot again when the events since the last one have fallen off', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 5 } })
    for (let n = 0; n < 10; n++) await okOf(job.persistAcked(put(n)))
    expect(await okOf(job.rebuild())).toMatchObject({ differing: 0 })
    for (let n = 10; n < 60; n++) await okOf(job.persistAcked(put(n)))
    expect(await okOf(job.rebuild())).toMatchObject({ rows: 60, differing: 0 })
    expect(await okOf(job.count('c', keyOf()))).toBe(60)
  })

  test('ends when its signal fires, or its caller throws', async () => {
    const { job } = await damaged(100)
    expect(await errorOf(job.rebuild({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ERR_ABORTED' })
    const onProgress = () => {
      throw new Error('mine')
    }
    const error = await errorOf(job.compareWithJournal({ onProgress }))
    expect(error).toMatchObject({ code: 'ERR_OPTION', message: 'onProgress threw' })
    expect((await errorOf(job.rebuild({ onProgress: 5 as never }))).code).toBe('ERR_OPTION')
  })
})

describe('more past states at once than are kept', () => {
  /** So many events take several steps. */
  const write = async (job: Job, events: number): Promise<void> => {
    for (let n = 0; n < events; n++) void job.persist(put(n))
    await okOf(job.flush())
  }

  test('are all made', async () => {
    const { job } = await storage.open({ journal: true })
    await write(job, 20_000)
    const seqs = Array.from({ length: 7 }, (_, n) => 20_000 - n)
    const counts = await Promise.all(seqs.map((seq) => okOf(job.at(seq).count('c', keyOf()))))
    expect(counts).toEqual(seqs)
  })

  testOnce('are made although the file is closed in between', async () => {
    const shared = { threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close', journal: true } as const
    const persistency = storage.owner({ rootDir: storage.folder(), ...shared })
    const jobs = await Promise.all(['a', 'b', 'c'].map((id) => okOf(persistency.openJob(id))))
    for (const job of jobs) await write(job, 20_000)
    const reports = await Promise.all(jobs.map((job) => okOf(job.verify())))
    expect(reports.map(({ ok }) => ok)).toEqual([true, true, true])
  })
})
