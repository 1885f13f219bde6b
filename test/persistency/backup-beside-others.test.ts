import { join } from 'node:path'
import { expect } from '@jest/globals'
import { key } from 'persistency'
import { keepWritingBoth } from '../support/other-owner.js'
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
  const other = keepWritingBoth(join(root, 'tenant.db'), key(0), key(ROWS - 1), MOST_COMMITS)
  const folder = storage.folder()
  const path = join(folder, 'backup.db')
  await okOf(job.backup(path))
  const { commits } = other
  await other.stop()
  expect(commits).toBeLessThan(MOST_COMMITS)
  const rows = rowsIn(path)
  expect(rows).toHaveLength(ROWS)
  expect(rows[0]?.payload).toBe(rows[ROWS - 1]?.payload)
  expect(filesIn(folder)).toEqual(['backup.db'])
})
