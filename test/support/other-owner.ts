/** Another owner of a file, on the thread of the tests: it has its turn between the steps of whatever runs there. */
import { setImmediate as nextRound } from 'node:timers/promises'
import Database from 'better-sqlite3'
import type { Key } from 'persistency'

export interface OtherOwner {
  /** How many transactions it has committed. */
  readonly commits: number
  stop(): Promise<void>
}

/** Gives two rows the same new payload, in one transaction in each round of the event loop, `most` times. */
export function keepWritingBoth(
  file: string,
  first: Key,
  last: Key,
  most = Number.POSITIVE_INFINITY
): OtherOwner {
  const db = new Database(file)
  const update = db.prepare('UPDATE kv SET payload = ? WHERE key = ? OR key = ?')
  let stopped = false
  let commits = 0
  const writing = (async () => {
    while (!stopped && commits < most) {
      update.run(Uint8Array.of(commits & 0xff, commits++ >> 8), first.bytes, last.bytes)
      await nextRound()
    }
    db.close()
  })()
  return {
    get commits() {
      return commits
    },
    async stop() {
      stopped = true
      await writing
    }
  }
}
