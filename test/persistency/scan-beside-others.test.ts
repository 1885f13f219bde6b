import { join } from 'node:path'
import { expect } from '@jest/globals'
import { key } from 'persistency'
import { keepWritingBoth } from '../support/other-owner.js'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { hexOf, keyOf, okOf } from '../support/storage-results.js'

const storage = useStorage()

const ROWS = 40_000

testOnce(
  'a scan in slices is as of one moment although another owner commits between all of them',
  async () => {
    const root = storage.folder()
    // On this thread, so that somebody else's turn comes after each slice.
    const job = await okOf(storage.owner({ rootDir: root, threads: 'none' }).openJob('tenant'))
    for (let n = 0; n < ROWS; n++) await okOf(job.persistPut('c', key(n), new Uint8Array(16)))
    await okOf(job.flush())
    const other = keepWritingBoth(join(root, 'tenant.db'), key(0), key(ROWS - 1))
    const seen: (string | undefined)[][] = []
    let between = 0
    while (seen.length < 5) {
      const before = other.commits
      const rows = await okOf(job.scan('c', keyOf()))
      between += other.commits - before
      seen.push([rows[0], rows[ROWS - 1]].map((row) => row && hexOf(row.payload)))
    }
    await other.stop()
    expect(between).toBeGreaterThan(seen.length)
    for (const [first, last] of seen) expect(first).toBe(last)
  }
)
