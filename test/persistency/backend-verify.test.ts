/** What `verify` says of files that took the place of the one that was opened. */
import { renameSync, rmSync } from 'node:fs'
import { expect, test } from '@jest/globals'
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
