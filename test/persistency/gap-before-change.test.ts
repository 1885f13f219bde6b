/** A file that is dropped or replaced is locked until that is done: nobody opens it in between, and loses what he writes. */
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { key } from 'persistency'
import { takeBack } from '../../dist/persistency/storage/files/job-file.js'
import { removeFiles } from '../../dist/persistency/storage/files/remove-files.js'
import { restoreFile } from '../../dist/persistency/storage/files/restore.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { okOf, utf8 } from '../support/storage-results.js'
import { CREATE_KV } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
/** On Windows a file that is open can neither be deleted nor replaced: the lock has to go first. */
const onPosix = process.platform === 'win32' ? test.skip : test
/** Called while a call waits for a lock. */
let waitingFor = (): void => {}
const patient = {
  busyTimeoutMs: 200,
  urgent: () => {
    waitingFor()
    return false
  }
}
const others: Database.Database[] = []

afterEach(() => {
  jest.restoreAllMocks()
  for (const other of others.splice(0)) other.close()
})

/** The file of a closed job with a row, or without one, and a backup of it. */
async function closed(rows: number): Promise<{ file: string; backup: string }> {
  const { job, file } = await storage.open()
  for (let n = 0; n < rows; n++) await okOf(job.persistPut('c', key(n), utf8('x')))
  await okOf(job.close())
  const backup = join(storage.folder(), 'backup')
  copyFileSync(file, backup)
  return { file, backup }
}

/** What another owner does: opens the file, or makes it, and stores something. */
function storeInto(file: string): void {
  const other = new Database(file)
  others.push(other)
  other.pragma('journal_mode = WAL')
  other.exec(CREATE_KV.replace('TABLE', 'TABLE IF NOT EXISTS'))
  other.exec("INSERT INTO kv VALUES ('other', 'k', 'kept'); PRAGMA user_version = 1")
}

/** Has `act` done once, right before or after the connection is closed that has the file for itself. */
function whenLetGo(file: string, when: 'before' | 'after', act: () => void): void {
  const { close } = Database.prototype
  let done = false
  const actOnce = (db: Database.Database): void => {
    if (done || db.name !== file) return
    done = true
    act()
  }
  jest.spyOn(Database.prototype, 'close').mockImplementation(function (this: Database.Database) {
    if (when === 'before') actOnce(this)
    close.call(this)
    if (when === 'after') actOnce(this)
    return this
  })
}

function stored(file: string): unknown {
  const db = new Database(file, { readonly: true, fileMustExist: true })
  others.push(db)
  return db.prepare("SELECT payload FROM kv WHERE category = 'other'").pluck().get()
}

interface Change {
  readonly what: string
  /** How many rows a file has with which it is done. */
  readonly rows: number
  readonly code?: string
  change(file: string, from: string): void | Promise<void>
}

const of = { jobId: 'tenant', overwrite: true }
const inUse = 'ERR_JOB_IN_USE'
const changes: Change[] = [
  {
    what: 'dropped',
    rows: 1,
    code: inUse,
    change: (file) => removeFiles({ ...of, task: 'remove', file }, patient)
  },
  {
    what: 'replaced',
    rows: 1,
    code: inUse,
    change: (file, from) => restoreFile({ ...of, task: 'restore', file, from }, patient)
  },
  { what: 'taken back', rows: 0, change: (file) => takeBack(file) }
]

describe.each(changes)('a file that is $what', ({ what, rows, code, change }) => {
  onPosix.each(['before', 'after'] as const)(
    'leaves what another owner stores right %s the lock is let go',
    async (when) => {
      const { file, backup } = await closed(rows)
      let there: boolean | undefined
      whenLetGo(file, when, () => {
        there = existsSync(file)
        storeInto(file)
      })
      await change(file, backup)
      expect(there).toBe(what === 'replaced')
      // Its log is still there, too, with all that it has.
      expect(filesIn(join(file, '..'))).toEqual(['tenant.db', 'tenant.db-shm', 'tenant.db-wal'])
      expect(stored(file)).toBe('kept')
    }
  )

  test('is left alone when somebody else has it open', async () => {
    const { file, backup } = await closed(rows)
    storeInto(file)
    const failure = await (async () => change(file, backup))().catch((thrown: unknown) => thrown)
    expect((failure as { code?: string } | undefined)?.code).toBe(code)
    expect(stored(file)).toBe('kept')
  })
})

onPosix.each(changes.filter(({ code }) => code !== undefined))(
  'a file that another owner drops and makes anew, while this one waits for it, is not $what',
  async ({ change }) => {
    const { file, backup } = await closed(1)
    const lock = holdLock(file, 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    waitingFor = () => {
      waitingFor = () => {}
      rmSync(file)
      rmSync(`${file}-wal`, { force: true })
      storeInto(file)
      lock.release()
    }
    await expect((async () => change(file, backup))()).rejects.toMatchObject({ code: 'ERR_JOB_IN_USE' })
    expect(stored(file)).toBe('kept')
  }
)

test('a file that is damaged is dropped, and what was beside it', async () => {
  const { file } = await closed(1)
  writeFileSync(file, 'no database '.repeat(200))
  writeFileSync(`${file}-wal`, 'no log')
  await removeFiles({ task: 'remove', jobId: 'tenant', file }, patient)
  expect(filesIn(join(file, '..'))).toEqual([])
})
