import { expect } from '@jest/globals'
import { key, type Persistency, rawKey, type WatchItem } from 'persistency'
import { put } from '../support/journal.js'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { okOf, textOf } from '../support/storage-results.js'

const storage = useStorage()

const ROWS = 20_000
/** Where a watcher that needs a pause between two commits would be left. */
const MOST_COMMITS = 3000

testOnce(
  'the rows come with their place in the journal although another owner commits all the time',
  async () => {
    const rootDir = storage.folder()
    // Both on this thread, so that the other one's turn comes while the rows are read.
    const [ours, theirs] = [1, 2].map(() => storage.owner({ rootDir, threads: 'none' })) as [
      Persistency,
      Persistency
    ]
    const job = await okOf(ours.openJob('tenant', { journal: true }))
    for (let n = 0; n < ROWS; n++) await okOf(job.persist(put(n, '0')))
    const { lastSeq } = await okOf(job.journalStatus())
    const other = await okOf(theirs.openJob('tenant'))
    let stop = false
    let commits = 0
    const writing = (async () => {
      while (!stop && commits < MOST_COMMITS) await okOf(other.persistAcked(put(ROWS - 1, `${++commits}`)))
    })()
    const items = job.watch('c', rawKey(new Uint8Array(0)), { initial: true })[Symbol.asyncIterator]()
    const { value: first } = (await items.next()) as { value: WatchItem }
    const atFirst = commits
    // What others commit comes with the next commit of this job.
    await okOf(job.persistAcked(put(key(0), 'mine')))
    const { value: second } = (await items.next()) as { value: WatchItem }
    stop = true
    await writing
    await items.return?.()
    expect(atFirst).toBeLessThan(MOST_COMMITS)
    if (first.kind === 'changes') throw new Error('the rows come first')
    expect(textOf(first.rows[ROWS - 1]?.payload)).toBe(`${(first.journalSeq ?? 0) - lastSeq}`)
    expect(second).toMatchObject({ kind: 'changes', journalSeq: (first.journalSeq ?? 0) + 1 })
  }
)
