import { expect } from '@jest/globals'
import { type Job, key } from 'persistency'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

const ROWS = 10_000
/** Where a comparison that never gains on the writer would be left. */
const MOST_WRITES = 400_000

/** Writes as fast as it can until it is stopped; answers how many times. */
async function write(job: Job, stopped: () => boolean, row: (n: number) => number): Promise<number> {
  let n = 0
  while (!stopped() && n < MOST_WRITES) await okOf(job.persistPut('c', key(row(n++)), utf8('y')))
  return n
}

testOnce.each([
  ['compareWithJournal', 'of the rows that are there', (n: number) => n % ROWS],
  ['compareWithJournal', 'of new rows at the end', (n: number) => ROWS + n],
  ['rebuild', 'of the rows that are there', (n: number) => n % ROWS]
] as const)(
  '%s ends beside a writer %s that never rests, and the limits hold again',
  async (call, _, row) => {
    const { job } = await storage.open({ journal: { maxEvents: 100 } })
    for (let n = 0; n < ROWS; n++) await okOf(job.persistPut('c', key(n), utf8('x')))
    await okOf(job.flush())
    let stop = false
    const written = write(job, () => stop, row)
    expect(await okOf(job[call]({ timeoutMs: Number.POSITIVE_INFINITY }))).toMatchObject({ differing: 0 })
    stop = true
    expect(await written).toBeLessThan(MOST_WRITES)
    const kept = async (): Promise<number> => {
      const { firstSeq, lastSeq } = await okOf(job.journalStatus())
      return lastSeq - firstSeq + 1
    }
    // At most so many fall off at a time.
    const most = Math.ceil((await kept()) / 1024) + 1
    for (let n = 0; n < most; n++)
      await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key(0), payload: utf8('z') }))
    expect(await kept()).toBe(100)
  }
)
