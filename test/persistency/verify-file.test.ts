/** A file is verified where it lies: nothing is changed, and nothing is made beside it. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { key, Persistency, type Progress } from 'persistency'
import { runProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWarnings, useWorkers } from '../support/storage-process.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'
import { execute } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()
const warnings = useWarnings()

const ROWS = 2000

/** A backup in a folder of its own. */
async function backup(journal = false): Promise<string> {
  const { job } = await storage.open({ journal })
  for (let n = 0; n < ROWS; n++) await okOf(job.persistPut('c', key(n), new Uint8Array(100)))
  const path = join(storage.folder(), 'backup')
  await okOf(job.backup(path))
  await okOf(job.close())
  return path
}

const checksOf = async (path: string, quick = false): Promise<string[]> => {
  const { ok, problems } = await okOf(Persistency.verifyFile(path, { quick }))
  expect(ok).toBe(problems.length === 0)
  return [...new Set(problems.map(({ check }) => check))]
}

describe('a backup', () => {
  test.each([false, true])('that is sound has no problems; with a journal: %s', async (journal) => {
    const path = await backup(journal)
    expect(await okOf(Persistency.verifyFile(path))).toEqual({
      ...{ ok: true, problems: [], rows: ROWS },
      durationMs: expect.any(Number)
    })
    expect(workers.started.length).toBe(2)
  })

  test('that cannot be written to is read as it is, and nothing is left beside it', async () => {
    const path = await backup(true)
    const before = readFileSync(path)
    chmodSync(path, 0o400)
    chmodSync(join(path, '..'), 0o500)
    const { mtimeMs } = statSync(path)
    expect(await checksOf(path)).toEqual([])
    expect(filesIn(join(path, '..'))).toEqual(['backup'])
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(statSync(path).mtimeMs).toBe(mtimeMs)
    chmodSync(join(path, '..'), 0o700)
  })

  test('keeps the locks that somebody has on it', async () => {
    const path = await backup()
    holdLock(path, 'BEGIN; SELECT count(*) FROM kv')
    expect(await checksOf(path)).toEqual([])
    const { stdout } = await runProgram(
      storage.folder(),
      `const db = new Database(${JSON.stringify(path)}, { timeout: 0 })
       try { db.exec('BEGIN EXCLUSIVE; COMMIT') } catch ({ code }) { console.log(code) }`
    )
    expect(stdout).toBe('SQLITE_BUSY\n')
  })

  test('that is damaged is told as such', async () => {
    const path = await backup()
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.subarray(0, bytes.length / 2))
    expect(await checksOf(path)).toContain('integrity')
    writeFileSync(path, bytes.fill(0xff, 4096, 3 * 4096))
    expect(await checksOf(path)).toContain('integrity')
    expect(filesIn(join(path, '..'))).toEqual(['backup'])
  })

  test('whose rows are not what its journal says is told as such, unless the check is to be quick', async () => {
    const path = await backup(true)
    execute(path, "DELETE FROM kv WHERE key = x'8000000000000007'")
    execute(path, "INSERT INTO kv VALUES (x'63', x'00', x'00')")
    const { problems } = await okOf(Persistency.verifyFile(path))
    expect(problems.map(({ check, message }) => [check, /missing|extra/.exec(message)?.[0]])).toEqual([
      ['journal', 'extra'],
      ['journal', 'missing']
    ])
    expect(await checksOf(path, true)).toEqual([])
  })

  test.each([
    ['is missing an event', 'DELETE FROM journal WHERE seq = 1', 'has no event 1 '],
    ['is cut short', "UPDATE journal SET body = x'0000' WHERE seq = 1", 'event 1 is cut short'],
    [
      'cannot be read',
      "UPDATE journal SET body = x'0000000163', events = 1 WHERE seq = 1",
      'event 1 of the journal'
    ]
  ])('whose journal %s is told as such, and so is a job', async (_, damage, told) => {
    const path = await backup(true)
    execute(path, damage)
    const { problems } = await okOf(Persistency.verifyFile(path))
    expect(problems).toEqual([{ check: 'journal', message: expect.stringContaining(told) }])
    expect(problems[0]?.message).toContain('opened with journal: true')
    const persistency = storage.owner({ rootDir: storage.folder() })
    copyFileSync(path, join(persistency.rootDir, 'copy.db'))
    const job = await okOf(persistency.openJob('copy'))
    expect(await okOf(job.verify())).toMatchObject({ ok: false, problems: [{ check: 'journal' }] })
  })

  test('whose journal is damaged takes writes when it is opened without limits', async () => {
    const { job, file, persistency } = await storage.open({ journal: { maxEvents: 20 } })
    for (let n = 0; n < 30; n++) await okOf(job.putAcked('c', key(n), utf8('x')))
    await okOf(job.close())
    execute(file, 'DELETE FROM journal WHERE seq = 20')
    const limited = await okOf(persistency.openJob('tenant'))
    const writes = async () => {
      for (let n = 0; n < 30; n++) {
        const written = await limited.putAcked('c', key(n), utf8('x'))
        if (written.isErr()) return written.error
      }
      throw new Error('every write was taken')
    }
    const { code, message } = await writes()
    expect([code, message]).toEqual([
      'ERR_JOURNAL',
      expect.stringContaining(`${file}: the journal is damaged`)
    ])
    await okOf(limited.close())
    const unlimited = await okOf(persistency.openJob('tenant', { journal: true }))
    for (let n = 0; n < 30; n++) await okOf(unlimited.putAcked('c', key(n), utf8('y')))
  })

  test.each([
    ['is empty', ''],
    ['is something else', 'a text, and not a short one: it goes on and on']
  ])('that %s has problems', async (_, text) => {
    const path = join(storage.folder(), 'backup')
    writeFileSync(path, text)
    expect(await checksOf(path)).toEqual(expect.arrayContaining(['version', 'schema']))
  })
})

test.each([false, true])(
  'a backup that somebody has a lock on is waited for; with a journal: %s',
  async (journal) => {
    const path = await backup(journal)
    const lock = holdLock(path, 'BEGIN EXCLUSIVE')
    const verifying = Persistency.verifyFile(path)
    await delay(400)
    lock.release()
    expect(await okOf(verifying)).toMatchObject({ ok: true, problems: [], rows: ROWS })
  }
)

describe('what cannot be checked is an error:', () => {
  test('the file of a job, open or closed', async () => {
    const { job, file, root } = await storage.open()
    await okOf(job.persistPut('c', key(1), utf8('x')))
    await okOf(job.flush())
    expect((await errorOf(Persistency.verifyFile(file))).code).toBe('ERR_JOB_IN_USE')
    await okOf(job.close())
    const copy = join(storage.folder(), 'copy')
    copyFileSync(file, copy)
    for (const closed of [file, copy]) {
      const { code, message } = await errorOf(Persistency.verifyFile(closed))
      expect([code, message]).toEqual(['ERR_OPEN', expect.stringContaining('file of a job')])
    }
    expect([filesIn(root), filesIn(join(copy, '..'))]).toEqual([['tenant.db'], ['copy']])
  })

  test('what is not there, or no file', async () => {
    const folder = storage.folder()
    mkdirSync(join(folder, 'folder'))
    const errors = [await errorOf(Persistency.verifyFile(join(folder, 'none')))]
    errors.push(await errorOf(Persistency.verifyFile(join(folder, 'folder'))))
    expect(errors.map(({ code, backendCode }) => [code, backendCode])).toEqual([
      ['ERR_OPEN', 'ENOENT'],
      ['ERR_OPEN', 'EISDIR']
    ])
    expect(filesIn(folder)).toEqual(['folder'])
  })

  test('a journal of a later release', async () => {
    const path = await backup(true)
    execute(path, "UPDATE journal_meta SET value = 99 WHERE name = 'format'")
    expect((await errorOf(Persistency.verifyFile(path))).code).toBe('ERR_VERSION')
  })

  test.each([
    ['no path', '', {}, 'ERR_PATH'],
    ['a path that ends in white space', 'x ', {}, 'ERR_PATH'],
    ['an option of no known name', 'x', { fast: true }, 'ERR_OPTION'],
    ['a signal that has fired', 'x', { signal: AbortSignal.abort('enough') }, 'ERR_ABORTED']
  ])('%s', async (_, path, options, code) => {
    expect((await errorOf(Persistency.verifyFile(path, options as object))).code).toBe(code)
    expect(workers.started).toEqual([])
  })
})

test('progress is told, and whoever hears of it may give up', async () => {
  const path = await backup()
  const told: Progress[] = []
  await okOf(Persistency.verifyFile(path, { onProgress: (progress) => void told.push(progress) }))
  expect(told.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['file', 'rows']))
  expect(told.at(-1)).toEqual({ phase: 'rows', done: ROWS })
  const giveUp = new AbortController()
  const { code, cause } = await errorOf(
    Persistency.verifyFile(path, { signal: giveUp.signal, onProgress: () => giveUp.abort('enough') })
  )
  expect([code, cause]).toEqual(['ERR_ABORTED', 'enough'])
  while (workers.alive > 0) await new Promise((resolve) => setImmediate(resolve))
})

test('what onProgress throws is the failure of a listener', async () => {
  const path = await backup()
  const warned = warnings.next()
  const report = await okOf(
    Persistency.verifyFile(path, {
      onProgress: () => {
        throw new Error('not now')
      }
    })
  )
  expect([report.ok, (await warned).code]).toEqual([true, 'PERSISTENCY_LISTENER_FAILED'])
})
