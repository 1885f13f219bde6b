import { describe, expect } from '@jest/globals'
import { key, type Persistency, rawKey, type WatchItem } from 'persistency'
import { put } from '../support/journal.js'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { okOf, textOf, utf8 } from '../support/storage-results.js'

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

describe('a watcher that began before there was a journal', () => {
  const slow = { initial: true, maxBufferBytes: 1 }

  testOnce.each([{ initial: true }, {}, slow])(
    'misses nothing once another owner has begun one: %j',
    async (how) => {
      const rootDir = storage.folder()
      const [ours, theirs] = [1, 2].map(() => storage.owner({ rootDir })) as [Persistency, Persistency]
      const job = await okOf(ours.openJob('tenant'))
      await okOf(job.putAcked('c', key(0), utf8('0')))
      const items = job.watch('c', rawKey(new Uint8Array(0)), how)[Symbol.asyncIterator]()
      const known = new Map<string, string>()
      const follow = async (until: string): Promise<void> => {
        while (!known.has(until)) {
          const { value } = (await items.next()) as { value: WatchItem }
          if (value.kind !== 'changes') known.clear()
          const rows = value.kind === 'changes' ? value.changes : value.rows
          for (const row of rows) {
            if ('payload' in row) known.set(row.key.toString(), textOf(row.payload) ?? '')
          }
        }
      }
      const followed = follow(key('last').toString())
      const other = await okOf(theirs.openJob('tenant', { journal: true }))
      await okOf(other.putAcked('c', key('theirs'), utf8('1')))
      await okOf(other.close())
      await okOf(job.append({ type: 'appended' }, { ops: put(1, 'appended') }))
      const subscription = await okOf(job.subscription('s', () => put(2, 'handled')))
      await okOf(subscription.caughtUp())
      await okOf(job.putAcked('c', key('last'), utf8('2')))
      await followed
      await items.return?.()
      const rows = await okOf(job.scan('c', rawKey(new Uint8Array(0))))
      const stored = new Map(rows.map((row) => [row.key.toString(), textOf(row.payload) ?? '']))
      expect(known).toEqual(stored)
      expect(stored.size).toBe(5)
    }
  )
})
