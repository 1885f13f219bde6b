/** Backups and what is restored from them: online, complete, atomic, and nothing replaced unasked. */
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Job, key, Persistency, type Progress } from 'persistency'
import { copySource } from '../../dist/persistency/storage/files/restore-source.js'
import { runProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { errorOf, hexOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute, rowsIn, schemaOf } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()

async function fill(job: Job, rows: number, bytes = 1000): Promise<void> {
  for (let i = 0; i < rows; i++) await job.persistPut('c', key(i), new Uint8Array(bytes).fill(i))
}

describe('a backup', () => {
  test('holds everything accepted before, in one plain file', async () => {
    const { job, file } = await storage.open()
    const path = join(storage.folder(), 'copy.db')
    void fill(job, 100)
    await fill(job, 100)
    const backup = await okOf(job.backup(path))
    expect(backup).toEqual({ path, bytes: statSync(path).size, durationMs: expect.any(Number) })
    expect(filesIn(join(path, '..'))).toEqual(['copy.db'])
    expect(rowsIn(path)).toEqual(rowsIn(file))
    expect(schemaOf(path)).toEqual(schemaOf(file))
  })

  test('is consistent while writes go on: no batch is in it in part', async () => {
    const { job } = await storage.open()
    const path = join(storage.folder(), 'copy.db')
    await fill(job, 4000)
    const writePair = async (round: number): Promise<void> => {
      const payload = utf8(`${round}`)
      const put = (n: number) => ({ kind: 'put' as const, category: 'pair', key: key(n), payload })
      await okOf(job.persistAcked([put(1), put(2)]))
    }
    await writePair(0)
    let done = false
    const backup = okOf(job.backup(path)).then(() => {
      done = true
    })
    let round = 0
    while (!done) await writePair(++round)
    await backup
    expect(round).toBeGreaterThan(1)
    const pair = rowsIn(path).filter(({ category }) => category === 'pair')
    expect(pair).toHaveLength(2)
    expect(new Set(pair.map(({ payload }) => payload)).size).toBe(1)
    expect(rowsIn(path).filter(({ category }) => category === 'c')).toHaveLength(4000)
  })

  test('tells how far it has come', async () => {
    const { job } = await storage.open()
    await fill(job, 3000)
    const told: Progress[] = []
    const onProgress = (progress: Progress): void => void told.push(progress)
    const { bytes } = await okOf(job.backup(join(storage.folder(), 'copy.db'), { onProgress }))
    expect(told.at(-1)).toEqual({ phase: 'copying', done: bytes, total: bytes })
    const done = told.map((progress) => progress.done)
    expect(done).toEqual([...done].sort((a, b) => a - b))
  })

  test('of a job in memory can be made', async () => {
    const job = await okOf(storage.owner(':memory:').openJob('m'))
    await fill(job, 10)
    const path = join(storage.folder(), 'copy.db')
    await okOf(job.backup(path))
    expect(rowsIn(path)).toHaveLength(10)
  })

  test('does not replace a file unless asked to', async () => {
    const { job } = await storage.open()
    const path = join(storage.folder(), 'copy.db')
    writeFileSync(path, 'precious')
    const error = await errorOf(job.backup(path))
    expect(error).toMatchObject({ code: 'ERR_EXISTS', kind: 'exists' })
    expect(error.message).toContain(path)
    expect(readFileSync(path, 'utf8')).toBe('precious')
    await okOf(job.backup(path, { overwrite: true }))
    expect(rowsIn(path)).toEqual([])
  })

  test('never replaces a database that is in use, its own least of all', async () => {
    const { job, file } = await storage.open()
    await fill(job, 3)
    expect(await errorOf(job.backup(file, { overwrite: true }))).toMatchObject({ code: 'ERR_JOB_IN_USE' })
    expect(await okOf(job.count('c', key()))).toBe(3)
  })

  test('that cannot be written is an error, and leaves nothing behind', async () => {
    const { job } = await storage.open()
    const folder = storage.folder()
    const nowhere = join(folder, 'missing', 'copy.db')
    expect(await errorOf(job.backup(nowhere))).toMatchObject({ code: 'ERR_BACKUP', backendCode: 'ENOENT' })
    mkdirSync(join(folder, 'directory'))
    for (const overwrite of [false, true]) {
      const inTheWay = await errorOf(job.backup(join(folder, 'directory'), { overwrite }))
      expect(inTheWay).toMatchObject({ code: 'ERR_BACKUP', backendCode: 'EISDIR' })
      expect(inTheWay.message).toContain('choose another name')
    }
    expect(filesIn(folder)).toEqual(['directory'])
  })

  test.each(['', '  ', 'a\0b', 'kept ', '\nkept', 7, undefined])('refuses the path %j', async (path) => {
    const { job } = await storage.open()
    expect(await errorOf(job.backup(path as never))).toMatchObject({
      code: 'ERR_PATH',
      kind: 'invalidArgument'
    })
  })

  test('that is given up leaves nothing behind', async () => {
    const { job } = await storage.open()
    await fill(job, 8000)
    const folder = storage.folder()
    const giveUp = new AbortController()
    const options = { signal: giveUp.signal, onProgress: () => giveUp.abort('enough') }
    const error = await errorOf(job.backup(join(folder, 'copy.db'), options))
    expect(error).toMatchObject({ code: 'ERR_ABORTED' })
    expect(await okOf(job.count('c', key()))).toBe(8000)
    await okOf(job.close())
    expect(filesIn(folder)).toEqual([])
  })

  test('of the same job wait for each other', async () => {
    const { job } = await storage.open()
    await fill(job, 2000)
    const folder = storage.folder()
    const names = ['a', 'b', 'c']
    const told: string[] = []
    const backUp = (name: string) => job.backup(join(folder, name), { onProgress: () => told.push(name) })
    await Promise.all(names.map((name) => okOf(backUp(name))))
    await okOf(job.compact())
    expect(told).toEqual([...told].sort())
    expect(told.length).toBeGreaterThan(names.length)
    expect(filesIn(folder)).toEqual(names)
    for (const name of names) expect(rowsIn(join(folder, name))).toHaveLength(2000)
  })
})

describe('restoring', () => {
  /** A backup with the row `c/1 = text`. */
  async function backedUp(text: string): Promise<string> {
    const { job } = await storage.open()
    await okOf(job.persistPut('c', key(1), utf8(text)))
    const path = join(storage.folder(), 'copy.db')
    await okOf(job.backup(path))
    return path
  }

  /** The file of a closed job, alone in a folder. */
  async function copyOfClosed(rows: number): Promise<{ folder: string; copied: string }> {
    const { job, file } = await storage.open()
    await fill(job, rows)
    await okOf(job.close())
    const folder = storage.folder()
    const copied = join(folder, 'copied.db')
    copyFileSync(file, copied)
    return { folder, copied }
  }

  const read = async (persistency: Persistency, id: string): Promise<string | undefined> => {
    const job = await okOf(persistency.openJob(id))
    return textOf(await okOf(job.get('c', key(1))))
  }

  test('makes a job of a backup, which stays as it is', async () => {
    const path = await backedUp('one')
    const root = join(storage.folder(), 'made')
    const persistency = storage.owner(root)
    const before = readFileSync(path)
    await okOf(persistency.restore('again', path))
    expect(filesIn(root)).toEqual(['again.db'])
    expect(await read(persistency, 'again')).toBe('one')
    expect(readFileSync(path)).toEqual(before)
    expect(filesIn(join(path, '..'))).toEqual(['copy.db'])
  })

  test('takes the file of a job that was closed, too', async () => {
    const { job, file } = await storage.open()
    await okOf(job.persistPut('c', key(1), utf8('closed')))
    await okOf(job.close())
    const copied = join(storage.folder(), 'copied.db')
    copyFileSync(file, copied)
    const persistency = storage.owner()
    await okOf(persistency.restore('again', copied))
    expect(await read(persistency, 'again')).toBe('closed')
  })

  test('replaces what a job has stored only when asked to', async () => {
    const path = await backedUp('old')
    const { job, persistency, root } = await storage.open()
    await okOf(job.persistPut('c', key(1), utf8('new')))
    await okOf(job.close())
    expect(await errorOf(persistency.restore('tenant', path))).toMatchObject({ code: 'ERR_EXISTS' })
    expect(await read(persistency, 'tenant')).toBe('new')
    await okOf(persistency.closeJob('tenant'))
    await okOf(persistency.restore('tenant', path, { overwrite: true }))
    expect(await read(persistency, 'tenant')).toBe('old')
    await okOf(persistency.close())
    expect(filesIn(root)).toEqual(['tenant.db'])
  })

  test('replaces a damaged file, log and all', async () => {
    const path = await backedUp('sound')
    const { root, file, job, persistency } = await storage.open()
    await okOf(job.close())
    writeFileSync(file, 'no database at all, but long enough to be looked at'.repeat(40))
    writeFileSync(`${file}-wal`, 'nor this')
    await okOf(persistency.restore('tenant', path, { overwrite: true }))
    expect(filesIn(root)).toEqual(['tenant.db'])
    expect(await read(persistency, 'tenant')).toBe('sound')
  })

  test('is refused while the job is open, here or elsewhere', async () => {
    const path = await backedUp('old')
    const { persistency, job, root } = await storage.open()
    await okOf(job.persistPut('c', key(1), utf8('new')))
    const overwrite = { overwrite: true }
    expect(await errorOf(persistency.restore('tenant', path, overwrite))).toMatchObject({
      code: 'ERR_JOB_IN_USE'
    })
    expect(await errorOf(storage.owner(root).restore('tenant', path, overwrite))).toMatchObject({
      code: 'ERR_JOB_IN_USE'
    })
    expect(textOf(await okOf(job.get('c', key(1))))).toBe('new')
  })

  test('is refused from a database that is in use', async () => {
    const { persistency, file } = await storage.open()
    const own = await errorOf(persistency.restore('other', file))
    expect([own.code, own.message]).toEqual([
      'ERR_JOB_IN_USE',
      expect.stringContaining('job "tenant", which is open')
    ])
    const elsewhere = await errorOf(storage.owner().restore('other', file))
    expect([elsewhere.code, elsewhere.message]).toEqual([
      'ERR_JOB_IN_USE',
      expect.stringContaining('write-ahead log')
    ])
  })

  test('is refused from the file of an open job whose database is closed as idle, however it is called', async () => {
    const rootDir = storage.folder()
    const limits = { threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' } as const
    const persistency = storage.owner({ rootDir, ...limits })
    const job = await okOf(persistency.openJob('idle'))
    await okOf(job.putAcked('c', key(1), utf8('x')))
    await okOf(persistency.openJob('other'))
    expect(filesIn(rootDir)).not.toContain('idle.db-wal')
    const link = join(storage.folder(), 'link')
    symlinkSync(join(rootDir, 'idle.db'), link)
    for (const from of [join(rootDir, 'idle.db'), link]) {
      expect(await errorOf(persistency.restore('again', from))).toMatchObject({ code: 'ERR_JOB_IN_USE' })
    }
    expect(textOf(await okOf(job.get('c', key(1))))).toBe('x')
  })

  test('leaves the locks on what it reads, and that to whoever has it open', async () => {
    const path = await backedUp('one')
    holdLock(path, 'BEGIN; SELECT count(*) FROM kv')
    const persistency = storage.owner()
    await okOf(persistency.restore('again', path))
    const { stdout } = await runProgram(
      storage.folder(),
      `const db = new Database(${JSON.stringify(path)}, { timeout: 0 })
       try { db.exec('BEGIN EXCLUSIVE; COMMIT') } catch ({ code }) { console.log(code) }`
    )
    expect(stdout).toBe('SQLITE_BUSY\n')
  })

  test('copies what it reads as of one moment, while others write there', async () => {
    const { job, file } = await storage.open()
    await fill(job, 3000)
    await okOf(job.close())
    execute(file, "UPDATE kv SET payload = 'before'")
    const to = join(storage.folder(), 'copy.db')
    writeFileSync(to, '')
    const copying = copySource(file, to, { busyTimeoutMs: 0, urgent: () => false })
    execute(file, "UPDATE kv SET payload = 'after'; PRAGMA wal_checkpoint")
    await copying
    expect(filesIn(join(file, '..'))).toEqual(['tenant.db'])
    expect([...new Set(rowsIn(to).map(({ payload }) => payload))]).toEqual([hexOf(utf8('before'))])
  })

  test('of the file of a closed job, some at once, all get it, and leave nothing beside it', async () => {
    const { folder, copied } = await copyOfClosed(300)
    const before = readFileSync(copied)
    const persistency = storage.owner()
    const ids = ['a', 'b', 'c']
    await Promise.all(ids.map((id) => okOf(persistency.restore(id, copied))))
    for (const id of ids) expect(rowsIn(join(persistency.rootDir, `${id}.db`))).toHaveLength(300)
    expect([filesIn(folder), readFileSync(copied).equals(before)]).toEqual([['copied.db'], true])
  })

  test('of the file of a closed job, where nothing may be written, reads it all the same', async () => {
    const { folder, copied } = await copyOfClosed(300)
    chmodSync(copied, 0o400)
    chmodSync(folder, 0o500)
    const { mtimeMs } = statSync(copied)
    const persistency = storage.owner()
    await okOf(persistency.restore('again', copied))
    chmodSync(folder, 0o700)
    expect(rowsIn(join(persistency.rootDir, 'again.db'))).toHaveLength(300)
    expect([filesIn(folder), statSync(copied).mtimeMs]).toEqual([['copied.db'], mtimeMs])
  })

  test('two jobs of each other at once is one after the other', async () => {
    const persistency = storage.owner()
    const fileOf = (id: string): string => join(persistency.rootDir, `${id}.db`)
    for (const id of ['a', 'b']) {
      const job = await okOf(persistency.openJob(id))
      await okOf(job.putAcked('c', key(1), utf8(id)))
      await okOf(job.close())
    }
    const overwrite = { overwrite: true }
    const restored = [
      persistency.restore('a', fileOf('b'), overwrite),
      persistency.restore('b', fileOf('a'), overwrite)
    ]
    const opened = ['a', 'b'].map((id) => read(persistency, id))
    for (const one of restored) await okOf(one)
    expect(await Promise.all(opened)).toEqual(['b', 'b'])
  })

  describe('is refused, and changes nothing, from', () => {
    test.each([
      ['a text', (path: string) => writeFileSync(path, 'a text'), 'ERR_BACKUP_UNSOUND'],
      ['an empty file', (path: string) => writeFileSync(path, ''), 'ERR_BACKUP_UNSOUND'],
      [
        'the database of another program',
        (path: string) => execute(path, 'CREATE TABLE notes (text)'),
        'ERR_BACKUP_UNSOUND'
      ],
      ['a file that is not there', () => {}, 'ERR_RESTORE'],
      ['a directory', (path: string) => mkdirSync(path), 'ERR_RESTORE']
    ])('%s', async (_, make, code) => {
      const path = join(storage.folder(), 'copy.db')
      make(path)
      const { job, persistency, root } = await storage.open()
      await okOf(job.persistPut('c', key(1), utf8('new')))
      await okOf(job.close())
      const error = await errorOf(persistency.restore('tenant', path, { overwrite: true }))
      expect(error).toMatchObject({ code })
      expect(error.message).toContain(path)
      expect(filesIn(root)).toEqual(['tenant.db'])
      expect(await read(persistency, 'tenant')).toBe('new')
    })

    test('a backup that was cut off', async () => {
      const { job } = await storage.open()
      await fill(job, 300)
      const path = join(storage.folder(), 'copy.db')
      const { bytes } = await okOf(job.backup(path))
      truncateSync(path, bytes / 2)
      const error = await errorOf(storage.owner().restore('again', path))
      expect(error).toMatchObject({ code: 'ERR_BACKUP_UNSOUND' })
    })
  })

  test('over the database of another program is refused', async () => {
    const path = await backedUp('one')
    const root = storage.folder()
    execute(join(root, 'notes.db'), 'CREATE TABLE notes (text)')
    const error = await errorOf(storage.owner(root).restore('notes', path, { overwrite: true }))
    expect(error).toMatchObject({ code: 'ERR_FOREIGN_SCHEMA' })
    expect(schemaOf(join(root, 'notes.db'))).toEqual(['CREATE TABLE notes (text)'])
    expect(filesIn(root)).toEqual(['notes.db'])
  })

  test('checks what it is given first', async () => {
    const persistency = storage.owner()
    expect(await errorOf(persistency.restore('../x', '/tmp/y'))).toMatchObject({ code: 'ERR_JOB_ID' })
    expect(await errorOf(persistency.restore('x', ''))).toMatchObject({ code: 'ERR_PATH' })
    expect(await errorOf(persistency.restore('x', '/y '))).toMatchObject({ code: 'ERR_PATH' })
    expect(await errorOf(persistency.restore('x', '/y', { over: 1 } as never))).toMatchObject({
      code: 'ERR_OPTION'
    })
    expect(await errorOf(storage.owner(':memory:').restore('x', '/y'))).toMatchObject({ code: 'ERR_RESTORE' })
    await okOf(persistency.close())
    expect(await errorOf(persistency.restore('x', '/y'))).toMatchObject({ code: 'ERR_PERSISTENCY_CLOSED' })
  })

  test('waits for an opening that was asked for before, and is refused then', async () => {
    const path = await backedUp('one')
    const persistency = Persistency.open(storage.folder())._unsafeUnwrap()
    const opening = persistency.openJob('x')
    expect(await errorOf(persistency.restore('x', path, { overwrite: true }))).toMatchObject({
      code: 'ERR_JOB_IN_USE'
    })
    expect((await opening).isOk()).toBe(true)
    await okOf(persistency.close())
  })

  test('gives up on a file that somebody keeps locked', async () => {
    const path = await backedUp('one')
    const { job, file, persistency } = await storage.open()
    await okOf(job.close())
    const lock = holdLock(file)
    const error = await errorOf(persistency.restore('tenant', path, { overwrite: true }))
    lock.release()
    expect(error).toMatchObject({ code: 'ERR_JOB_IN_USE' })
  })
})
