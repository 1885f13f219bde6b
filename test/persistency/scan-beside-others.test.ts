import { join } from 'node:path'
import { setImmediate as nextRound } from 'node:timers/promises'
import { expect } from '@jest/globals'
import Database from 'better-sqlite3'
import { key } from 'persistency'
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
    const other = new Database(join(root, 'tenant.db'))
    const ends = other.prepare('UPDATE kv SET payload = ? WHERE key = ? OR key = ?')
    let stop = false
    let commits = 0
    const writing = (async () => {
      while (!stop) {
        ends.run(Uint8Array.of(commits & 0xff, commits++ >> 8), key(0).bytes, key(ROWS - 1).bytes)
        await nextRound()
      }
      other.close()
    })()
    const seen: (string | undefined)[][] = []
    let between = 0
    while (seen.length < 5) {
      const before = commits
      const rows = await okOf(job.scan('c', keyOf()))
      between += commits - before
      seen.push([rows[0], rows[ROWS - 1]].map((row) => row && hexOf(row.payload)))
    }
    stop = true
    await writing
    expect(between).toBeGreaterThan(seen.length)
    for (const [first, last] of seen) expect(first).toBe(last)
  }
)
