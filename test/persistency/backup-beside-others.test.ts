import { join } from 'node:path'
import { setImmediate as nextRound } from 'node:timers/promises'
import { expect } from '@jest/globals'
import Database from 'better-sqlite3'
import { key } from 'persistency'
import { filesIn, testOnce, useStorage } from '../support/storage-folder.js'
import { okOf } from '../support/storage-results.js'
import { rowsIn } from '../support/storage-sqlite.js'

const storage = useStorage()

const ROWS = 1000
/** Where a backup that is begun again with each commit would be left. */
const MOST_COMMITS = 1000

testOnce('a backup completes although another owner commits between all of its steps', async () => {
  const root = storage.folder()
  // On this thread, so that somebody else's turn comes after each step.
  const job = await okOf(storage.owner({ rootDir: root, threads: 'none' }).openJob('tenant'))
  for (let n = 0; n < ROWS; n++) await okOf(job.persistPut('c', key(n), new Uint8Array(8192)))
  await okOf(job.flush())
  const other = new Database(join(root, 'tenant.db'))
  const ends = other.prepare('UPDATE kv SET payload = ? WHERE key = ? OR key = ?')
  let stop = false
  let commits = 0
  const writing = (async () => {
    while (!stop && commits < MOST_COMMITS) {
      ends.run(Uint8Array.of(commits & 0xff, commits++ >> 8), key(0).bytes, key(ROWS - 1).bytes)
      await nextRound()
    }
    other.close()
  })()
  const folder = storage.folder()
  const path = join(folder, 'backup.db')
  await okOf(job.backup(path))
  const atEnd = commits
  stop = true
  await writing
  expect(atEnd).toBeLessThan(MOST_COMMITS)
  const rows = rowsIn(path)
  expect(rows).toHaveLength(ROWS)
  expect(rows[0]?.payload).toBe(rows[ROWS - 1]?.payload)
  expect(filesIn(folder)).toEqual(['backup.db'])
})
