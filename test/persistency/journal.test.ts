import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { EventBroker, key, PersistCommitted, type PersistCommittedPayload, rawKey } from 'persistency'
import { journalOf, put, requireGapless, shown, shownOps } from '../support/journal.js'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute, refusePayload, rowsIn, schemaOf, withDatabase } from '../support/storage-sqlite.js'

const storage = useStorage()

describe('with a journal', () => {
  test('each write is one event, with its operations, a number and a time', async () => {
    const { job } = await storage.open({ journal: true })
    const before = Date.now()
    void job.persistPut('c', key('a'), utf8('1'))
    void job.persist([put('b', '2'), { kind: 'deletePrefix', category: 'd', prefix: key('p') }])
    void job.persistDelete('c', key('nothing there'))
    await okOf(job.flush())
    const events = await journalOf(job)
    expect(events.map(({ kind, seq }) => [kind, seq])).toEqual([
      ['write', 1],
      ['write', 2],
      ['write', 3]
    ])
    expect(events.map(({ ops }) => shownOps(ops))).toEqual([
      [`put c ${key('a')}=${hexOf(utf8('1'))}`],
      [`put c ${key('b')}=${hexOf(utf8('2'))}`, `deletePrefix d ${key('p')}`],
      [`delete c ${key('nothing there')}`]
    ])
    for (const { time } of events) {
      expect(time).toBeGreaterThanOrEqual(before)
      expect(time).toBeLessThanOrEqual(Date.now())
    }
  })

  test('deleteAcked is an event when it removed a row', async () => {
    const { job } = await storage.open({ journal: true })
    await okOf(job.persistPut('c', key(1), utf8('x')))
    expect(await okOf(job.deleteAcked('c', key(1)))).toBe(true)
    expect(await okOf(job.deleteAcked('c', key(1)))).toBe(false)
    const events = await journalOf(job)
    expect(events.map(({ ops }) => shownOps(ops).length)).toEqual([1, 1])
    expect(shownOps(events[1]?.ops ?? [])).toEqual([`delete c ${key(1)}`])
  })

  test('a write that fails is no event, and takes no number', async () => {
    const { job, file } = await storage.open({ journal: true })
    refusePayload(file, utf8('bad'), 'ABORT')
    const answers = await Promise.all([
      job.persistAcked(put(1)),
      job.persistAcked([put(2), put(3, 'bad')]),
      job.persistAcked(put(4, 'bad')),
      job.persistAcked(put(5))
    ])
    expect(answers.map((answer) => answer.isOk())).toEqual([true, false, false, true])
    const events = await journalOf(job)
    expect(events.flatMap(({ ops }) => ops.map((op) => op.kind === 'put' && op.key.toString()))).toEqual([
      `${key(1)}`,
      `${key(5)}`
    ])
    requireGapless(events, 1)
    expect((await okOf(job.compareWithJournal())).differing).toBe(0)
  })

  test('a transaction that is lost as a whole leaves neither rows nor events', async () => {
    const { job, file } = await storage.open({ journal: true })
    refusePayload(file, utf8('bad'), 'ROLLBACK')
    const answers = await Promise.all([
      job.persistAcked(put(1)),
      job.persistAcked(put(2, 'bad')),
      job.persistAcked(put(3))
    ])
    expect(answers.map((answer) => answer.isOk())).toEqual([true, false, true])
    const events = await journalOf(job)
    expect(events).toHaveLength(2)
    requireGapless(events, 1)
    expect((await okOf(job.compareWithJournal())).differing).toBe(0)
  })

  test('an event that cannot be stored takes its write along, and no other', async () => {
    const { job, file } = await storage.open({ journal: true })
    execute(
      file,
      `CREATE TRIGGER refuse BEFORE INSERT ON journal WHEN instr(NEW.body, x'${hexOf(utf8('bad'))}')
       BEGIN SELECT RAISE(ABORT, 'refused by trigger'); END`
    )
    const writes = [job.persistAcked(put(1)), job.persistAcked(put(2, 'bad'))]
    // Reading within the transaction stores its events before the commit does.
    const reading = job.journalStatus()
    writes.push(job.persistAcked(put(3)))
    expect((await Promise.all(writes)).map((answer) => answer.isOk())).toEqual([true, false, true])
    await okOf(reading)
    expect(await okOf(job.count('c', keyOf()))).toBe(2)
    requireGapless(await journalOf(job), 1)
    expect(await okOf(job.compareWithJournal())).toMatchObject({ seq: 2, differing: 0 })
  })

  test('rows that cannot be stored together are never there without their events', async () => {
    const { job, file } = await storage.open({ journal: true })
    refusePayload(file, utf8('bad'), 'ABORT')
    // Rows that stand together are stored by several statements, of which the first succeed.
    for (let turn = 0; turn < 300; turn++) {
      for (let n = 0; n < 62; n++) void job.persistPut('c', key(turn, n), utf8('good'))
      void job.persistPut('c', key(turn, 62), utf8('bad'))
      void job.persist([put(`${turn}`), put(`${turn}`)])
    }
    const flushed = job.flush()
    let settled = false
    void flushed.then(() => {
      settled = true
    })
    const db = new Database(file, { readonly: true })
    const look = db.prepare(
      'SELECT (SELECT count(*) FROM kv) rows, (SELECT total(events) FROM journal) events'
    )
    const looked: unknown[] = []
    while (!settled) {
      const { rows, events } = look.get() as { rows: number; events: number }
      if (rows !== events) looked.push({ rows, events })
      await setImmediate()
    }
    db.close()
    expect(looked).toEqual([])
    expect(await errorOf(flushed)).toMatchObject({ code: 'ERR_WRITES_LOST' })
    expect(await okOf(job.compareWithJournal())).toMatchObject({ seq: 18_900, differing: 0 })
  })

  test('thousands of writes at once are numbered without a gap, also across reopening', async () => {
    const { job, persistency } = await storage.open({ journal: true })
    for (let n = 0; n < 5000; n++) void job.persistPut('c', key(n), new Uint8Array(n % 500))
    await okOf(job.close())
    const again = await okOf(persistency.openJob('tenant', { journal: true }))
    for (let n = 0; n < 3; n++) await okOf(again.persistAcked([put(n), put(n + 1)]))
    const events = await journalOf(again)
    expect(events).toHaveLength(5003)
    requireGapless(events, 1)
    expect(await okOf(again.journalStatus())).toMatchObject({ firstSeq: 1, lastSeq: 5003, outsideCommits: 0 })
  })

  test('PersistCommitted carries the range of events, and how long the writes waited and took', async () => {
    const { job } = await storage.open({ journal: true })
    const committed: PersistCommittedPayload[] = []
    new EventBroker(undefined, job.context).on(PersistCommitted).subscribe((event) => committed.push(event))
    for (let n = 0; n < 200; n++) void job.persistPut('c', key(n), utf8('x'))
    await okOf(job.deleteAcked('c', key(1)))
    await okOf(job.deleteAcked('c', key(2)))
    const ranges = committed.map(({ journal }) => journal)
    expect(ranges[0]?.firstSeq).toBe(1)
    expect(ranges.at(-1)?.lastSeq).toBe(202)
    for (const [index, range] of ranges.entries()) {
      expect(range?.firstSeq).toBe((ranges[index - 1]?.lastSeq ?? 0) + 1)
    }
    for (const { waitMs, commitMs, ops, writes } of committed) {
      expect(waitMs).toBeGreaterThanOrEqual(0)
      expect(commitMs).toBeGreaterThan(0)
      expect(ops).toBe(writes)
    }
    expect(committed.at(-1)).toMatchObject({ firstSeq: 0, lastSeq: 0, writes: 0 })
  })
})

describe('without a journal', () => {
  test('the file has the tables of the original alone, and PersistCommitted has no range', async () => {
    const { job, file } = await storage.open()
    const committed: PersistCommittedPayload[] = []
    new EventBroker(undefined, job.context).on(PersistCommitted).subscribe((event) => committed.push(event))
    await okOf(job.persistAcked(put(1)))
    expect(committed.map((event) => 'journal' in event)).toEqual([false])
    await okOf(job.close())
    expect(schemaOf(file)).toHaveLength(1)
  })

  test.each([
    ['append', (job) => job.append({ type: 'noted' })],
    ['at', (job) => job.at(0).get('c', key(1))],
    ['journalStatus', (job) => job.journalStatus()],
    ['streamSeq', (job) => job.streamSeq('s')],
    ['findAppend', (job) => job.findAppend('k')],
    ['compareWithJournal', (job) => job.compareWithJournal()],
    ['rebuild', (job) => job.rebuild()]
  ] as [string, (job: Awaited<ReturnType<typeof storage.open>>['job']) => ReturnType<typeof job.append>][])(
    '%s is ERR_NO_JOURNAL',
    async (_, call) => {
      const { job } = await storage.open()
      expect((await errorOf(call(job))).code).toBe('ERR_NO_JOURNAL')
      await expect(journalOf(job)).rejects.toMatchObject({ code: 'ERR_NO_JOURNAL' })
    }
  )
})

describe('switched on for an existing file', () => {
  test('it begins with a snapshot of what is there', async () => {
    const { job, persistency } = await storage.open()
    for (let n = 0; n < 100; n++) void job.persistPut('c', key(n), utf8(`before ${n}`))
    await okOf(job.close())
    const again = await okOf(persistency.openJob('tenant', { journal: true }))
    await okOf(again.persistAcked([put(1, 'after'), { kind: 'delete', category: 'c', key: key(2) }]))
    expect(await journalOf(again)).toHaveLength(1)
    const before = again.at(0)
    expect(await okOf(before.count('c', keyOf()))).toBe(100)
    expect(textOf(await okOf(before.get('c', key(1))))).toBe('before 1')
    expect(textOf(await okOf(again.at(1).get('c', key(1))))).toBe('after')
    expect(await okOf(again.at(1).exists('c', key(2)))).toBe(false)
    expect(await okOf(again.compareWithJournal())).toMatchObject({ rows: 99, differing: 0, seq: 1 })
  })

  test('a file of the original keeps its rows, its table and its version', async () => {
    const root = storage.folder()
    copyFileSync(join(import.meta.dirname, '../fixtures/original.db'), join(root, 'tenant.db'))
    const rows = rowsIn(join(root, 'tenant.db'))
    const { job, file } = await storage.open({ journal: true }, root)
    await okOf(job.persistAcked(put('new')))
    expect(await okOf(job.at(0).count('msg', keyOf()))).toBe(await okOf(job.count('msg', keyOf())))
    await okOf(job.deleteAcked('c', key('new')))
    await okOf(job.close())
    expect(rowsIn(file)).toEqual(rows)
    expect(schemaOf(file)[0]).toBe(schemaOf(join(import.meta.dirname, '../fixtures/original.db'))[0])
    expect(withDatabase(file, (db) => db.pragma('user_version', { simple: true }))).toBe(1)
  })
})

describe('a file that has a journal', () => {
  test('goes on with it and its limits when the job is opened without the option', async () => {
    const { job, persistency } = await storage.open({ journal: { maxEvents: 5 } })
    await okOf(job.persistAcked(put(1)))
    await okOf(job.close())
    for (const options of [{}, { journal: false }]) {
      const again = await okOf(persistency.openJob('tenant', options))
      await okOf(again.persistAcked(put(2)))
      expect((await okOf(again.journalStatus())).limits).toEqual({ maxEvents: 5 })
      await okOf(again.close())
    }
    const last = await okOf(persistency.openJob('tenant', { journal: true }))
    expect(await okOf(last.journalStatus())).toMatchObject({ lastSeq: 3, limits: {} })
  })

  test('is refused when a later release wrote the journal', async () => {
    const { job, file, persistency } = await storage.open({ journal: true })
    await okOf(job.close())
    execute(file, "UPDATE journal_meta SET value = 2 WHERE name = 'format'")
    const error = await errorOf(persistency.openJob('tenant'))
    expect(error.code).toBe('ERR_VERSION')
    expect(error.message).toContain('format 2')
  })

  test('tells of writes that passed it by', async () => {
    const { job, file } = await storage.open({ journal: true })
    await okOf(job.persistAcked([put(1, 'one'), put(2, 'two'), put(3, 'three')]))
    withDatabase(file, (db) => {
      db.prepare('UPDATE kv SET payload = ? WHERE key = ?').run(utf8('sly'), key(1).bytes)
      db.prepare('DELETE FROM kv WHERE key = ?').run(key(2).bytes)
      db.prepare('INSERT INTO kv VALUES (?, ?, ?)').run(utf8('d'), key(9).bytes, utf8('extra'))
    })
    expect((await okOf(job.journalStatus())).outsideCommits).toBeGreaterThan(0)
    const { rows, differing, differences } = await okOf(job.compareWithJournal())
    expect([rows, differing]).toEqual([3, 3])
    expect(differences.map(({ kind, category, key: at }) => `${kind} ${category} ${at}`)).toEqual([
      `changed c ${key(1)}`,
      `missing c ${key(2)}`,
      `extra d ${key(9)}`
    ])
  })
})

describe('limits', () => {
  test('of events keep the last so many, and the state before them', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 10 } })
    for (let n = 1; n <= 500; n++) void job.persistPut('c', key(n % 50), utf8(`${n}`))
    await okOf(job.flush())
    const events = await journalOf(job)
    expect(shown(events)).toEqual(Array.from({ length: 10 }, (_, n) => `${491 + n} write`))
    expect(await okOf(job.journalStatus())).toMatchObject({ firstSeq: 491, lastSeq: 500 })
    const before = job.at(490)
    expect(await okOf(before.count('c', keyOf()))).toBe(50)
    expect(textOf(await okOf(before.get('c', key(0))))).toBe('450')
    expect(textOf(await okOf(before.get('c', key(40))))).toBe('490')
    expect((await errorOf(job.at(489).get('c', key(0)))).code).toBe('ERR_EVENTS_GONE')
    expect((await okOf(job.compareWithJournal())).differing).toBe(0)
  })

  test.each(['', 'ä'])('fold puts of category %j, whatever keys and payloads they have', async (category) => {
    const { job } = await storage.open({ journal: { maxEvents: 3 } })
    const expected = new Map<string, string>()
    for (let n = 0; n < 500; n++) {
      const bytes = new Uint8Array(n % 7).fill(n % 11)
      const payload = new Uint8Array(n % 5).fill(n % 251)
      void job.persistPut(category, rawKey(bytes), payload)
      if (n < 497) expected.set(hexOf(bytes), hexOf(payload))
    }
    await okOf(job.flush())
    const rows = await okOf(job.at(497).scan(category, keyOf()))
    expect(new Map(rows.map((row) => [hexOf(row.key.bytes), hexOf(row.payload)]))).toEqual(
      new Map([...expected].sort(([a], [b]) => (a < b ? -1 : 1)))
    )
    expect((await okOf(job.compareWithJournal())).differing).toBe(0)
  })

  test('of bytes keep no more than that, but the newest row', async () => {
    const { job } = await storage.open({ journal: { maxBytes: 20_000 } })
    for (let n = 0; n < 100; n++) await okOf(job.persistAcked(put(n, 'x'.repeat(1000))))
    const kept = await okOf(job.journalStatus())
    expect(kept.bytes).toBeLessThanOrEqual(20_000)
    expect(kept.lastSeq - kept.firstSeq + 1).toBeGreaterThan(10)
    await okOf(job.persistAcked(put('large', 'x'.repeat(50_000))))
    expect(await okOf(job.journalStatus())).toMatchObject({ firstSeq: 101, lastSeq: 101 })
    expect((await okOf(job.compareWithJournal())).differing).toBe(0)
  })

  test('of age let fall off what is older', async () => {
    const { job, file, persistency } = await storage.open({ journal: true })
    for (let n = 0; n < 5; n++) await okOf(job.persistAcked(put(n)))
    await okOf(job.close())
    execute(file, 'UPDATE journal SET time = time - 100000 WHERE seq <= 3')
    const again = await okOf(persistency.openJob('tenant', { journal: { maxAgeMs: 90_000 } }))
    await okOf(again.persistAcked(put(6)))
    expect(await okOf(again.journalStatus())).toMatchObject({ firstSeq: 4, lastSeq: 6 })
    expect(await okOf(again.at(3).count('c', keyOf()))).toBe(3)
  })

  test('that are lowered take effect with the next writes', async () => {
    const { job, persistency } = await storage.open({ journal: true })
    for (let n = 0; n < 3000; n++) void job.persistPut('c', key(n), utf8('x'))
    await okOf(job.close())
    const again = await okOf(persistency.openJob('tenant', { journal: { maxEvents: 5 } }))
    for (let n = 0; n < 3; n++) await okOf(again.persistAcked(put(n)))
    expect(await okOf(again.journalStatus())).toMatchObject({ firstSeq: 2999, lastSeq: 3003 })
    expect(shown(await journalOf(again))[0]).toBe('2999 write')
    expect((await okOf(again.compareWithJournal())).differing).toBe(0)
  })

  test('let large events fall off a few at a time, and as fast as they come', async () => {
    const large = 'x'.repeat(512 * 1024)
    const { job, persistency } = await storage.open({ journal: true })
    for (let n = 0; n < 8; n++) await okOf(job.persistAcked(put(n, large)))
    await okOf(job.close())
    const again = await okOf(persistency.openJob('tenant', { journal: { maxEvents: 1 } }))
    const firsts: number[] = []
    for (let n = 0; n < 5; n++) {
      await okOf(again.persistAcked(put(n)))
      firsts.push((await okOf(again.journalStatus())).firstSeq)
    }
    expect(firsts).toEqual([3, 5, 7, 9, 13])
    const more = Array.from({ length: 6 }, (_, n) => put(n, large))
    await okOf(again.persistAcked(more))
    await okOf(again.persistAcked(more))
    expect(await okOf(again.journalStatus())).toMatchObject({ firstSeq: 15, lastSeq: 15 })
    expect((await okOf(again.compareWithJournal())).differing).toBe(0)
  })

  test('reading what has fallen off says so', async () => {
    const { job } = await storage.open({ journal: { maxEvents: 2 } })
    for (let n = 0; n < 5; n++) await okOf(job.persistAcked(put(n)))
    const reading = (async () => {
      for await (const _ of job.events({ from: 3 })) throw new Error('there is no such event')
    })()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_EVENTS_GONE', kind: 'gone' })
  })

  test.each([{ maxEvents: 0 }, { maxAge: 5 }, { maxBytes: 1.5 }, 'yes', null])(
    '%p are refused',
    async (journal) => {
      const error = await errorOf(storage.owner().openJob('tenant', { journal: journal as never }))
      expect(error).toMatchObject({ code: 'ERR_OPTION' })
      expect(error.message).toContain('"journal"')
    }
  )

  test('are what they were when they were given', async () => {
    const limits = { maxEvents: 10 }
    const persistency = storage.owner({ rootDir: storage.folder(), journal: limits })
    limits.maxEvents = 0
    const job = await okOf(persistency.openJob('tenant'))
    for (let n = 0; n < 5; n++) await okOf(job.persistAcked(put(n)))
    expect(await okOf(job.journalStatus())).toMatchObject({
      firstSeq: 1,
      lastSeq: 5,
      limits: { maxEvents: 10 }
    })
  })

  test.each([[[]], [new Map()], [new Date()]])(
    'are fields of an object, which %p has not',
    async (journal) => {
      const error = await errorOf(storage.owner().openJob('tenant', { journal: journal as never }))
      expect(error.code).toBe('ERR_OPTION')
    }
  )
})

test('an event is refused whose data were given to another thread', async () => {
  const { job } = await storage.open({ journal: true })
  const data = new Uint8Array([1, 2])
  structuredClone(data, { transfer: [data.buffer] })
  expect((await errorOf(job.append({ type: 'x', data }))).code).toBe('ERR_EVENT')
})

test.each([{ maxBytes: 100_000 }, { maxAgeMs: 1 }])(
  'a limit of %j is kept, however fast events come',
  async (journal) => {
    const { job } = await storage.open({ journal })
    for (let round = 0; round < 8; round++) {
      for (let n = 0; n < 5000; n++) void job.persist(put(n))
      await okOf(job.flush())
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
    await okOf(job.persistAcked(put(1)))
    const { firstSeq, lastSeq, bytes } = await okOf(job.journalStatus())
    expect(lastSeq - firstSeq).toBeLessThan(12_000)
    expect(bytes).toBeLessThan(800_000)
  }
)

test.each([true, false])(
  'limits that another owner gives are those of everybody (written before: %p)',
  async (written) => {
    const { root, job } = await storage.open({ journal: { maxEvents: 5 } })
    if (written) await okOf(job.persistAcked(put(1)))
    const other = await okOf(storage.owner(root).openJob('tenant', { journal: true }))
    expect((await okOf(other.journalStatus())).limits).toEqual({})
    for (let n = 0; n < 10; n++) await okOf(job.persistAcked(put(n)))
    const lastSeq = written ? 11 : 10
    expect(await okOf(job.journalStatus())).toMatchObject({ firstSeq: 1, lastSeq, limits: {} })
  }
)
