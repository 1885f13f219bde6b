/** What `verify` says of files that took the place of the one that was opened, and what it takes for damage. */
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { isOfSurroundings } from '../../dist/persistency/storage/surroundings.js'
import { useStorage } from '../support/storage-folder.js'
import { okOf } from '../support/storage-results.js'
import { CREATE_KV, execute } from '../support/storage-sqlite.js'

const storage = useStorage()

test('verify reports a file that is not there any more', async () => {
  const { job, file } = await storage.open()
  rmSync(file)
  expect(await okOf(job.verify())).toMatchObject({
    ok: false,
    problems: [{ check: 'file', message: 'unable to open database file' }],
    rows: 0
  })
})

test('verify reports another text encoding', async () => {
  const { job, file, root } = await storage.open()
  const other = `${root}/other`
  execute(other, `PRAGMA encoding = 'UTF-16le'; ${CREATE_KV}; PRAGMA user_version = 1`)
  execute(file, 'PRAGMA wal_checkpoint(TRUNCATE)')
  renameSync(other, file)
  const { ok, problems } = await okOf(job.verify())
  expect(ok).toBe(false)
  expect(problems).toEqual([{ check: 'schema', message: 'text encoding is UTF-16le, expected UTF-8' }])
})

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('verify reports a file that the disk does not give back', async () => {
  const { job, file } = await storage.open()
  rmSync(file)
  // Nothing is at its beginning, which reading answers with EIO.
  symlinkSync('/proc/self/mem', file)
  const { problems } = await okOf(job.verify())
  expect(problems).toEqual([{ check: 'file', message: 'disk I/O error' }])
})

test.each([
  [
    'the surroundings',
    true,
    ['BUSY', 'BUSY_SNAPSHOT', 'LOCKED', 'FULL', 'NOMEM', 'CANTOPEN', 'CANTOPEN_ISDIR']
  ],
  [
    'the surroundings',
    true,
    ['IOERR_SHMSIZE', 'IOERR_SHMMAP', 'IOERR_NOMEM', 'IOERR_WRITE', 'READONLY_CANTINIT']
  ],
  ['the file', false, ['CORRUPT', 'CORRUPT_INDEX', 'NOTADB', 'ERROR', 'TOOBIG']],
  ['the file', false, ['IOERR_READ', 'IOERR_SHORT_READ', 'IOERR_CORRUPTFS', 'IOERR_DATA']]
])('is a failure of %s', (_, expected, codes) => {
  for (const code of codes) {
    const thrown = Object.assign(new Error(), { code: `SQLITE_${code}` })
    expect([code, isOfSurroundings(thrown)]).toEqual([code, expected])
  }
})

test.each([
  ['EMFILE', true],
  ['ENOSPC', true],
  ['ERR_INVALID_ARG_TYPE', false],
  [undefined, false]
])('the code %s is of the surroundings: %s', (code, expected) => {
  expect(isOfSurroundings(Object.assign(new Error(), { code }))).toBe(expected)
})
