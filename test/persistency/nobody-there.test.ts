/** What is done to a job without a file leaves alone what another owner makes in that moment. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { key } from 'persistency'
import { runProgram } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'
import { CREATE_KV } from '../support/storage-sqlite.js'

const storage = useStorage()
/** On Windows the lock has to go before a file is deleted or replaced. */
const onPosix = process.platform === 'win32' ? test.skip : test

/** Another owner makes the job right before a file is removed, or put in its place. */
const program = (call: string): string => `
  const { default: fs } = await import('node:fs')
  const { syncBuiltinESMExports } = await import('node:module')
  const file = root + '/data/tenant.db'
  let other
  const first = (name) => {
    const real = fs[name]
    fs[name] = (path, ...rest) => {
      if (other === undefined && (name === 'linkSync' || path.startsWith(file))) {
        other = new Database(file)
        other.pragma('journal_mode = WAL')
        other.exec(${JSON.stringify(`${CREATE_KV}; PRAGMA user_version = 1`)})
        other.exec("INSERT INTO kv VALUES ('c', 'k', 'kept')")
      }
      return real(path, ...rest)
    }
  }
  const { Persistency, key } = persistency
  const backups = Persistency.open({ rootDir: root, threads: 'none' })._unsafeUnwrap()
  const job = (await backups.openJob('source'))._unsafeUnwrap()
  ;(await job.backup(root + '/backup'))._unsafeUnwrap()
  fs.mkdirSync(root + '/data')
  const jobs = Persistency.open({ rootDir: root + '/data', threads: 'none' })._unsafeUnwrap()
  first('rmSync')
  first('linkSync')
  syncBuiltinESMExports()
  const done = await jobs.${call}
  const rows = other?.prepare('SELECT CAST(payload AS TEXT) AS kept FROM kv').pluck().all()
  const files = fs.readdirSync(root + '/data').sort()
  console.log(JSON.stringify({ code: done.isErr() ? done.error.code : 'ok', rows, files }))
  other?.close()
  await backups.close()
  await jobs.close()`

describe('a job without a file', () => {
  const theirs = { rows: ['kept'], files: ['tenant.db', 'tenant.db-shm', 'tenant.db-wal'] }

  onPosix.each([
    ['is dropped', "dropJob('tenant')", { code: 'ok', files: [] }],
    ['is restored', "restore('tenant', root + '/backup')", { code: 'ERR_EXISTS', ...theirs }],
    [
      'is restored over what may be there',
      "restore('tenant', root + '/backup', { overwrite: true })",
      { code: 'ERR_JOB_IN_USE', ...theirs }
    ]
  ])('%s while another owner makes it', async (_, call, expected) => {
    const { stdout, stderr } = await runProgram(storage.folder(), program(call))
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual(expected)
  })
})

describe('what a file has left behind that is gone', () => {
  const leftBehind = ['-wal', '-shm', '-journal']

  test('goes with the job that is dropped', async () => {
    const persistency = storage.owner()
    for (const suffix of leftBehind) writeFileSync(join(persistency.rootDir, `tenant.db${suffix}`), 'left')
    await okOf(persistency.dropJob('tenant'))
    expect(filesIn(persistency.rootDir)).toEqual([])
  })

  test.each([false, true])('is not taken for part of a backup, with overwrite: %s', async (overwrite) => {
    const { job, root } = await storage.open()
    await okOf(job.putAcked('c', key('a'), utf8('of the backup')))
    const backup = join(storage.folder(), 'backup')
    await okOf(job.backup(backup))
    const persistency = storage.owner(root)
    await okOf(persistency.restore('other', backup))
    for (const suffix of leftBehind) writeFileSync(join(root, `again.db${suffix}`), 'left')
    await okOf(persistency.restore('again', backup, { overwrite }))
    const again = await okOf(persistency.openJob('again'))
    expect(await okOf(again.count('c', key()))).toBe(1)
    expect((await errorOf(persistency.restore('other', backup))).code).toBe('ERR_EXISTS')
  })
})
