/** What an opening that fails leaves: nothing that it has made, and everything that somebody else has a part in. */
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, describe, expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { DEFAULT_JOB_OPTIONS, key, type PersistencyOptions } from 'persistency'
import { takeBack } from '../../dist/persistency/storage/files/job-file.js'
import { OpenStores } from '../../dist/persistency/storage/open-stores.js'
import { StoreHolder } from '../../dist/persistency/storage/store-holder.js'
import { runProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'
import { CREATE_KV, execute, rowsIn } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
const onPosix = process.platform === 'win32' ? test.skip : test

onPosix.each<Pick<PersistencyOptions, 'threads'>>([
  { threads: 'dedicated' },
  { threads: { shared: 1 } },
  { threads: 'none' }
])('with %j a job for which there is no room leaves no file', async (options) => {
  const root = storage.folder()
  const { stdout, stderr } = await runProgram(
    root,
    `
    const { Persistency, unwrap } = persistency
    const owner = unwrap(Persistency.open({ rootDir: root + '/data', ...${JSON.stringify(options)} }))
    const { code, backendCode } = (await owner.openJob('tenant'))._unsafeUnwrapErr()
    await owner.close()
    console.log(code, backendCode)
  `,
    { maxFileKib: 16 }
  )
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^ERR_OPEN SQLITE_(IOERR|FULL)/)
  expect(filesIn(join(root, 'data'))).toEqual([])
})

describe.each<Pick<PersistencyOptions, 'threads'>>([{ threads: 'dedicated' }, { threads: { shared: 1 } }])(
  'with %j an opening that comes too late',
  (options) => {
    const tooLate = { openTimeoutMs: 1, journal: true, restart: true }

    test('leaves no file', async () => {
      const rootDir = storage.folder()
      const persistency = storage.owner({ rootDir, ...options })
      expect((await errorOf(persistency.openJob('tenant', tooLate))).code).toBe('ERR_TIMEOUT')
      expect(filesIn(rootDir)).toEqual([])
      await okOf(persistency.openJob('tenant'))
    })

    test('leaves a file that was there, empty as it is', async () => {
      const rootDir = storage.folder()
      const persistency = storage.owner({ rootDir, ...options })
      await okOf((await okOf(persistency.openJob('tenant'))).close())
      expect((await errorOf(persistency.openJob('tenant', tooLate))).code).toBe('ERR_TIMEOUT')
      expect(filesIn(rootDir)).toEqual(['tenant.db'])
    })
  }
)

test('an opening that comes too late on a thread with other jobs takes its file back', async () => {
  const rootDir = storage.folder()
  const persistency = storage.owner({ rootDir, threads: { shared: 1 } })
  const other = await okOf(persistency.openJob('other'))
  const tooLate = persistency.openJob('tenant', { openTimeoutMs: 1, journal: true })
  expect((await errorOf(tooLate)).code).toBe('ERR_TIMEOUT')
  await okOf(other.putAcked('c', key(1), utf8('x')))
  const there = (): boolean => existsSync(join(rootDir, 'tenant.db'))
  for (let wait = 0; wait < 100 && there(); wait++) await setTimeout(50)
  expect(there()).toBe(false)
  await okOf(persistency.openJob('tenant'))
})

describe('a file that was made in vain', () => {
  const connections: Database.Database[] = []
  afterEach(() => {
    for (const connection of connections.splice(0)) connection.close()
  })

  async function made(journal: boolean, rows = 0): Promise<string> {
    const { job, file } = await storage.open({ journal })
    for (let n = 0; n < rows; n++) await okOf(job.persistPut('c', key(n), utf8('x')))
    await okOf(job.close())
    return file
  }

  test.each([false, true])('is taken back, with its journal: %s', async (journal) => {
    const file = await made(journal)
    for (const suffix of ['-wal', '-shm']) writeFileSync(`${file}${suffix}`, '')
    takeBack(file)
    expect(filesIn(join(file, '..'))).toEqual([])
  })

  test('is left to whoever has stored something meanwhile', async () => {
    const file = await made(true, 1)
    takeBack(file)
    expect(existsSync(file)).toBe(true)
  })

  test('is left to whoever has it open', async () => {
    const file = await made(false)
    const other = new Database(file)
    connections.push(other)
    other.prepare('SELECT count(*) FROM kv').get()
    takeBack(file)
    expect(existsSync(file)).toBe(true)
  })

  test('is left to whoever holds a lock on it', async () => {
    const file = await made(false)
    holdLock(file)
    takeBack(file)
    expect(existsSync(file)).toBe(true)
  })
})

describe('a file that is taken away while it is being opened', () => {
  /** @param takeAway is called whenever the opening has found the file locked, and answers whether there is another now */
  function opening(file: string, create: boolean, takeAway: (time: number) => boolean): StoreHolder {
    writeFileSync(file, '')
    let lock = holdLock(file)
    let times = 0
    const urgent = (): boolean => {
      const held = lock
      if (takeAway(++times)) lock = holdLock(file)
      held.release()
      return false
    }
    const options = { ...DEFAULT_JOB_OPTIONS, create }
    const start = { task: 'serve', jobId: 'tenant', file, options, maxOpen: 1 } as const
    return new StoreHolder(new OpenStores(), start, { busyTimeoutMs: 5000, urgent }, false)
  }

  /** As a restore does, by a file with a row. */
  function replace(file: string, time: number): boolean {
    renameSync(file, `${file}.away${time}`)
    execute(file, `${CREATE_KV}; PRAGMA user_version = 1; INSERT INTO kv VALUES (x'00', x'00', x'00')`)
    return true
  }

  test('is opened anew', () => {
    const file = join(storage.folder(), 'tenant.db')
    const holder = opening(file, true, (time) => time <= 3 && replace(file, time))
    holder.open().apply([{ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }])
    holder.close()
    expect(rowsIn(file)).toHaveLength(2)
    const away = [1, 2, 3].map((time) => `tenant.db.away${time}`)
    expect(filesIn(join(file, '..'))).toEqual(['tenant.db', ...away])
  })

  test('and replaced has its rows: no log of the former file is taken for part of it', () => {
    const file = join(storage.folder(), 'tenant.db')
    const holder = opening(file, true, (time) => time === 1 && replace(file, time))
    holder.open()
    holder.close()
    expect([rowsIn(file).length, statSync(`${file}.away1`).size]).toEqual([1, 0])
  })

  test('is no job that is there, with create: false', () => {
    const file = join(storage.folder(), 'tenant.db')
    const holder = opening(file, false, () => {
      rmSync(file)
      return false
    })
    expect(() => holder.open()).toThrow(expect.objectContaining({ code: 'ERR_JOB_NOT_FOUND' }))
    expect([holder.isOpen, filesIn(join(file, '..'))]).toEqual([false, []])
  })

  test('again and again is no open job', () => {
    const file = join(storage.folder(), 'tenant.db')
    let taken = 0
    const holder = opening(file, true, (time) => {
      taken = time
      return replace(file, time)
    })
    expect(() => holder.open()).toThrow(
      expect.objectContaining({ code: 'ERR_OPEN', backendCode: 'SQLITE_READONLY_DBMOVED' })
    )
    expect([holder.isOpen, taken]).toEqual([false, 10])
  })
})

test('a file that SQLite cannot open, because its path is too long, is taken back', async () => {
  const rootDir = join(storage.folder(), 'x'.repeat(250), 'y'.repeat(250))
  const persistency = storage.owner({ rootDir })
  const error = await errorOf(persistency.openJob('tenant'))
  expect(error).toMatchObject({ code: 'ERR_OPEN', backendCode: 'SQLITE_CANTOPEN' })
  expect(error.message).toContain('fewer than 500 bytes')
  expect(filesIn(rootDir)).toEqual([])
})
