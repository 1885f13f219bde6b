/** Another owner of the file lets events fall off, whatever this one still needs them for. */
import { expect } from '@jest/globals'
import { type Job, key } from 'persistency'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute } from '../support/storage-sqlite.js'

const storage = useStorage()

const ROWS = 20_000
/** Where work that is begun again with each commit would be left. */
const MOST_COMMITS = 5000

const put = (job: Job, n: number) => job.persistPut('d', key(n % 50), utf8('y'))

/** Does something while another owner, on a thread of its own, commits all the time and lets as many events fall off. */
async function besideAnother<T>(
  maxEvents: number,
  work: (job: Job, file: string) => Promise<T>
): Promise<{ readonly done: T; readonly commits: number }> {
  const { job: plain, root, file, persistency } = await storage.open()
  for (let n = 0; n < ROWS; n++) await okOf(plain.persistPut('c', key(n), utf8('x')))
  await okOf(plain.close())
  const job = await okOf(persistency.openJob('tenant', { journal: { maxEvents } }))
  for (let n = 0; n < maxEvents + 50; n++) await okOf(put(job, n))
  await okOf(job.flush())
  const other = await okOf(storage.owner({ rootDir: root, threads: 'dedicated' }).openJob('tenant'))
  let stop = false
  let commits = 0
  const writing = (async () => {
    while (!stop && commits < MOST_COMMITS) {
      await okOf(put(other, commits++))
      await okOf(other.flush())
    }
  })()
  try {
    return { done: await work(job, file), commits }
  } finally {
    stop = true
    await writing
  }
}

const UNHURRIED = { timeoutMs: Number.POSITIVE_INFINITY }

testOnce.each(['compareWithJournal', 'rebuild'] as const)('%s ends, and misses nothing', async (call) => {
  const { done, commits } = await besideAnother(10, async (job, file) => {
    execute(file, "UPDATE kv SET payload = x'7a' WHERE category = x'63' AND key = (SELECT max(key) FROM kv)")
    const found = await okOf(job[call](UNHURRIED))
    return { ...found, last: textOf(await okOf(job.get('c', key(ROWS - 1)))) }
  })
  expect(done).toMatchObject({ rows: ROWS + 50, differing: 1, last: call === 'rebuild' ? 'x' : 'z' })
  expect(commits).toBeLessThan(MOST_COMMITS)
})

testOnce('a past state comes', async () => {
  const { done, commits } = await besideAnother(2000, async (job) => {
    const { lastSeq } = await okOf(job.journalStatus())
    return okOf(job.at(lastSeq).count('c', keyOf(), UNHURRIED))
  })
  expect(done).toBe(ROWS)
  expect(commits).toBeLessThan(MOST_COMMITS)
})
