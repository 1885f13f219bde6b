import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { type Durability, key } from 'persistency'
import { openDatabase } from '../../dist/persistency/storage/files/database-file.js'
import { provideFile } from '../../dist/persistency/storage/files/job-file.js'
import { startProgram } from '../support/storage-child.js'
import { filesIn, HAS_THREADS, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWorkers } from '../support/storage-process.js'
import { errorOf, hexOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { CREATE_KV, rowsIn, schemaOf, withDatabase } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()

const SHORT_MS = 300

/** A database that fits, in the journal mode that SQLite starts with. */
function makeFitting(file: string): void {
  withDatabase(file, (db) => db.exec(`${CREATE_KV}; PRAGMA user_version = 1`))
}

describe('the file', () => {
  test('holds one table of the promised layout and nothing else', async () => {
    const { job, file } = await storage.open()
    await job.close()
    expect(schemaOf(file)).toEqual([CREATE_KV])
    const facts = withDatabase(file, (db) => ({
      version: db.pragma('user_version', { simple: true }),
      mode: db.pragma('journal_mode', { simple: true }),
      withoutRowid: db.pragma('table_list(kv)')
    }))
    expect(facts).toMatchObject({ version: 1, mode: 'wal', withoutRowid: [{ wr: 1 }] })
  })

  test('alone holds every row after close, with no file beside it', async () => {
    const { job, file, root } = await storage.open()
    for (let n = 0; n < 500; n++) void job.persistPut('c', key(n), utf8(String(n)))
    await okOf(job.close())
    expect(filesIn(root)).toEqual(['tenant.db'])
    const copy = join(storage.folder(), 'copy.db')
    copyFileSync(file, copy)
    const rows = rowsIn(copy)
    expect(rows).toHaveLength(500)
    expect(rows[7]).toEqual({ category: 'c', key: hexOf(key(7).bytes), payload: hexOf(utf8('7')) })
  })

  test.each([
    ["'text'", 'text'],
    ["'\u00e9'", '\u00e9'],
    ["''", ''],
    ['5', '5'],
    ['7.5', '7.5']
  ])('gives the same bytes of %s, which another tool stored, on every way', async (stored, text) => {
    const { job, file } = await storage.open()
    await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key('a'), payload: utf8('ours') }))
    withDatabase(file, (db) => db.exec(`UPDATE kv SET payload = ${stored}`))
    const read = (await okOf(job.get('c', key('a')))) as Uint8Array
    const [many] = await okOf(job.getMany('c', [key('a')]))
    const [row] = await okOf(job.scan('c', key()))
    expect([read, many, row?.payload].map(textOf)).toEqual([text, text, text])
    const check = { kind: 'check', category: 'c', key: key('a'), equals: read } as const
    await okOf(job.persistAcked([check, { kind: 'delete', category: 'c', key: key('a') }]))
  })

  test('can be opened under another name by another owner', async () => {
    const { job, file } = await storage.open()
    await okOf(job.persistPut('c', key('a'), utf8('moved')))
    await okOf(job.close())
    const root = storage.folder()
    copyFileSync(file, join(root, 'other.db'))
    const copy = await okOf(storage.owner(root).openJob('other'))
    expect(textOf(await okOf(copy.get('c', key('a'))))).toBe('moved')
  })

  test('keeps what a crash left in its log', async () => {
    const { job, file } = await storage.open()
    await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('logged') }))
    const root = storage.folder()
    for (const suffix of ['', '-wal']) copyFileSync(file + suffix, join(root, `tenant.db${suffix}`))
    const recovered = (await storage.open({}, root)).job
    expect(textOf(await okOf(recovered.get('c', key(1))))).toBe('logged')
  })
})

describe('the connection', () => {
  afterEach(() => void jest.restoreAllMocks())

  const connect = (durability: Durability, file: string): Database.Database => {
    provideFile({ jobId: 'tenant', file, options: { durability } }, true)
    const options = { durability, cacheSizeBytes: 2 ** 20, mmapSizeBytes: 2 ** 22 }
    return openDatabase({ file, options }, { busyTimeoutMs: 1234, urgent: () => false })
  }

  test.each([
    ['off', 0],
    ['normal', 1],
    ['full', 2]
  ] as const)('with durability %s has the promised pragmas', (durability, synchronous) => {
    const db = connect(durability, join(storage.folder(), 'tenant.db'))
    const pragma = (name: string): unknown => db.pragma(name, { simple: true })
    try {
      expect(pragma('journal_mode')).toBe('wal')
      expect(pragma('synchronous')).toBe(synchronous)
      expect(pragma('temp_store')).toBe(2)
      // SQLite waits for moments only; the rest of the wait is ours.
      expect(pragma('busy_timeout')).toBe(50)
      expect(pragma('foreign_keys')).toBe(0)
      expect(pragma('journal_size_limit')).toBe(64 * 1024 * 1024)
      expect(pragma('cache_size')).toBe(-1024)
      expect(pragma('mmap_size')).toBe(2 ** 22)
      expect(pragma('wal_autocheckpoint')).toBe(4000)
    } finally {
      db.close()
    }
  })

  test('is refused on a file system without write-ahead logging', () => {
    const { pragma } = Database.prototype
    // What SQLite does there: it keeps the mode, and answers it.
    jest.spyOn(Database.prototype, 'pragma').mockImplementation(function (
      this: Database.Database,
      source,
      options
    ) {
      return pragma.call(this, source.replace('journal_mode = WAL', 'journal_mode'), options)
    })
    const file = join(storage.folder(), 'tenant.db')
    writeFileSync(file, '')
    expect(() => connect('normal', file)).toThrow(/does not support write-ahead logging/)
    expect(statSync(file).size).toBe(0)
    makeFitting(file)
    expect(() => connect('normal', file)).toThrow(/does not support write-ahead logging/)
  })

  test('in memory has no file', () => {
    const db = connect('normal', ':memory:')
    try {
      expect(db.pragma('journal_mode', { simple: true })).toBe('memory')
      expect(db.memory).toBe(true)
    } finally {
      db.close()
    }
  })
})

describe('a file that is mapped', () => {
  const ofLinux = process.platform === 'linux' ? test : test.skip

  ofLinux.each([0, 2 ** 26])(
    'is in memory up to %d bytes, and its rows are the same',
    async (mmapSizeBytes) => {
      const root = storage.folder()
      const { job, persistency } = await storage.open({ mmapSizeBytes }, root)
      const ops = Array.from({ length: 3000 }, (_, n) => ({
        ...({ kind: 'put', category: 'c', key: key(n), payload: new Uint8Array(500).fill(n) } as const)
      }))
      await okOf(job.persist(ops))
      await persistency.close()
      const again = (await storage.open({ mmapSizeBytes }, root)).job
      const found = await okOf(again.getMany('c', [key(7), key(2999), key(3000)]))
      expect(found.map((payload) => payload?.[0])).toEqual([7, 2999 % 256, undefined])
      await okOf(again.persistAcked({ kind: 'put', category: 'c', key: key(7), payload: utf8('new') }))
      expect(textOf(await okOf(again.get('c', key(7))))).toBe('new')
      const maps = readFileSync('/proc/self/maps', 'utf8')
      expect(/tenant\.db$/m.test(maps)).toBe(mmapSizeBytes > 0)
    }
  )
})

describe('a job that nobody writes to', () => {
  const isCut = async (log: string): Promise<boolean> => {
    for (let wait = 0; wait < 100 && statSync(log).size > 0; wait++) await setTimeout(50)
    return statSync(log).size === 0
  }

  test('brings its log into the file and cuts it', async () => {
    const { job, file } = await storage.open()
    await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: new Uint8Array(5000) }))
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(5000)
    expect(await isCut(`${file}-wal`)).toBe(true)
    expect((await okOf(job.get('c', key(1))))?.length).toBe(5000)
    await okOf(job.flush({ durable: true }))
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(0)
    expect(await isCut(`${file}-wal`)).toBe(true)
  })

  test('does so once a reader beside it is gone', async () => {
    const { job, file } = await storage.open()
    await okOf(job.putAcked('c', key(1), utf8('read')))
    const reader = holdLock(file, 'BEGIN; SELECT count(*) FROM kv')
    await okOf(job.putAcked('c', key(2), new Uint8Array(5000)))
    await setTimeout(1500)
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(5000)
    reader.release()
    expect(await isCut(`${file}-wal`)).toBe(true)
  })

  test('does so with what a crash has left', async () => {
    const crashed = await storage.open()
    await okOf(crashed.job.putAcked('c', key(1), new Uint8Array(5000)))
    const root = storage.folder()
    for (const suffix of ['', '-wal']) copyFileSync(crashed.file + suffix, join(root, `tenant.db${suffix}`))
    const { file } = await storage.open({}, root)
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(5000)
    expect(await isCut(`${file}-wal`)).toBe(true)
  })
})

describe('a file that is not ours', () => {
  const prepared: [string, (file: string) => void, string, string][] = [
    [
      'is no database',
      (file) => writeFileSync(file, 'a letter '.repeat(200)),
      'ERR_NOT_A_DATABASE',
      'tenant.db'
    ],
    ['has a later version', sql('PRAGMA user_version = 7'), 'ERR_VERSION', 'got 7, expected 1'],
    ['has a negative version', sql('PRAGMA user_version = -1'), 'ERR_VERSION', 'got -1, expected 1'],
    [
      'has our tables and another version',
      sql(`${CREATE_KV}; PRAGMA user_version = 2`),
      'ERR_VERSION',
      'got 2'
    ],
    [
      'has another encoding',
      sql(`PRAGMA encoding = 'UTF-16'; ${CREATE_KV}; PRAGMA user_version = 1`),
      'ERR_FOREIGN_SCHEMA',
      'UTF-16'
    ],
    [
      'has another encoding, and no table any more',
      sql("PRAGMA encoding = 'UTF-16'; CREATE TABLE notes (text); DROP TABLE notes"),
      'ERR_FOREIGN_SCHEMA',
      'UTF-16'
    ],
    ['has a table like those of SQLite', sql('CREATE TABLE sqlitenotes (text)'), 'ERR_FOREIGN_SCHEMA', 'kv'],
    ['has other tables', sql('CREATE TABLE notes (text)'), 'ERR_FOREIGN_SCHEMA', 'tenant.db'],
    ['has another kv', sql('CREATE TABLE kv (key TEXT, value TEXT)'), 'ERR_FOREIGN_SCHEMA', 'tenant.db'],
    ['has a view kv', sql('CREATE VIEW kv AS SELECT 1'), 'ERR_FOREIGN_SCHEMA', 'tenant.db'],
    ['has our version and no table', sql('PRAGMA user_version = 1'), 'ERR_FOREIGN_SCHEMA', 'tenant.db'],
    [
      'is in WAL mode',
      sql('PRAGMA journal_mode = WAL; CREATE TABLE notes (text)'),
      'ERR_FOREIGN_SCHEMA',
      'tenant.db'
    ]
  ]

  function sql(text: string): (file: string) => void {
    return (file) => withDatabase(file, (db) => db.exec(text))
  }

  test.each(prepared)('because it %s is refused and left as it was', async (_, prepare, code, told) => {
    const root = storage.folder()
    const file = join(root, 'tenant.db')
    prepare(file)
    const before = readFileSync(file)
    const persistency = storage.owner(root)
    const error = await errorOf(persistency.openJob('tenant'))
    expect(error).toMatchObject({ kind: 'backend', code })
    expect(error.message).toContain(told)
    expect(persistency.hasJob('tenant')).toBe(false)
    expect(workers.alive).toBe(0)
    expect(readFileSync(file).equals(before)).toBe(true)
    expect(filesIn(root)).toEqual(['tenant.db'])
  })

  test('because it is a directory is refused', async () => {
    const root = storage.folder()
    mkdirSync(join(root, 'tenant.db'))
    const error = await errorOf(storage.owner(root).openJob('tenant'))
    expect(error).toMatchObject({ code: 'ERR_OPEN', backendCode: 'EISDIR' })
    expect(statSync(join(root, 'tenant.db')).isDirectory()).toBe(true)
  })
})

describe('a file that fits', () => {
  test('without a version gets version 1', async () => {
    const root = storage.folder()
    const file = join(root, 'tenant.db')
    withDatabase(file, (db) => db.exec(`${CREATE_KV}; INSERT INTO kv VALUES (x'63', x'01', x'70')`))
    const { job } = await storage.open({}, root)
    expect(textOf(await okOf(job.get('c', keyOf(1))))).toBe('p')
    await job.close()
    expect(withDatabase(file, (db) => db.pragma('user_version', { simple: true }))).toBe(1)
  })

  test('keeps the tables that others added', async () => {
    const root = storage.folder()
    const file = join(root, 'tenant.db')
    withDatabase(file, (db) => db.exec(`${CREATE_KV}; CREATE TABLE journal (entry); PRAGMA user_version = 1`))
    const { job } = await storage.open({}, root)
    await job.close()
    expect(schemaOf(file)).toEqual([CREATE_KV, 'CREATE TABLE journal (entry)'])
  })

  test('is made when an empty file is there', async () => {
    const root = storage.folder()
    writeFileSync(join(root, 'tenant.db'), '')
    const { job, file } = await storage.open({}, root)
    await job.close()
    expect(schemaOf(file)).toEqual([CREATE_KV])
  })
})

describe('a file that somebody else has locked', () => {
  // Each lock is one that stops another statement of opening: the first look, or the change to WAL mode.
  test.each([
    ['exclusively', 'BEGIN EXCLUSIVE'],
    ['for reading', 'BEGIN; SELECT count(*) FROM kv'],
    ['for writing', 'BEGIN IMMEDIATE']
  ])('%s is waited for as long as busyTimeoutMs says', async (_, lock) => {
    const root = storage.folder()
    const file = join(root, 'tenant.db')
    makeFitting(file)
    const held = holdLock(file, lock)
    const persistency = storage.owner(root)
    const started = performance.now()
    const error = await errorOf(persistency.openJob('tenant', { busyTimeoutMs: SHORT_MS }))
    held.release()
    expect(error).toMatchObject({ code: 'ERR_OPEN', backendCode: 'SQLITE_BUSY' })
    expect(performance.now() - started).toBeGreaterThanOrEqual(SHORT_MS)
    expect(workers.alive).toBe(0)
    expect((await persistency.openJob('tenant')).isOk()).toBe(true)
  })

  test('opens once the lock is gone', async () => {
    const root = storage.folder()
    makeFitting(join(root, 'tenant.db'))
    const program = startProgram(
      root,
      `const db = new Database(root + '/tenant.db')
       db.exec('BEGIN EXCLUSIVE')
       console.log('locked')
       process.stdin.on('end', () => db.close()).resume()`
    )
    await program.printed('locked')
    const online = HAS_THREADS ? workers.nextOnline() : new Promise(setImmediate)
    const opening = storage.owner(root).openJob('tenant', { busyTimeoutMs: 20_000 })
    await online
    program.endInput()
    expect((await opening).isOk()).toBe(true)
    expect((await program.ended).code).toBe(0)
  })

  test('for writing in WAL mode opens at once and can be read', async () => {
    const { job, file, root } = await storage.open()
    await okOf(job.persistPut('c', key(1), utf8('x')))
    await okOf(job.close())
    const held = holdLock(file)
    const again = await storage.open({ busyTimeoutMs: 0 }, root)
    expect(textOf(await okOf(again.job.get('c', key(1))))).toBe('x')
    held.release()
  })
})

test('two owners that make one file at the same moment both open it', async () => {
  for (let round = 0; round < 5; round++) {
    const root = storage.folder()
    const owners = [storage.owner(root), storage.owner(root), storage.owner(root)]
    const jobs = await Promise.all(owners.map((owner) => okOf(owner.openJob('tenant'))))
    for (const [at, job] of jobs.entries()) await okOf(job.persistPut('c', key(at), utf8('x')))
    for (const job of jobs) await okOf(job.flush())
    expect(await Promise.all(jobs.map((job) => okOf(job.count('c', keyOf()))))).toEqual([3, 3, 3])
    // Those that close at the same moment may each take the other for the last one; then the log stays for the next.
    await Promise.all(owners.map((owner) => owner.close()))
    const last = storage.owner(root)
    expect(await okOf((await okOf(last.openJob('tenant'))).count('c', keyOf()))).toBe(3)
    await last.close()
    expect(filesIn(root)).toEqual(['tenant.db'])
  }
})
