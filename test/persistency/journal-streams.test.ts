import { expect, jest, test } from '@jest/globals'
import type { Job } from 'persistency'
// How the journal is gone through cannot be told from what is found.
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { JournalReader } from '../../dist/persistency/storage/journal/journal-reader.js'
import { Statements } from '../../dist/persistency/storage/statements.js'
import { all, ownEvents } from '../support/journal.js'
import { testOnce, useStorage } from '../support/storage-folder.js'
import { okOf, textOf, utf8 } from '../support/storage-results.js'
import { withDatabase } from '../support/storage-sqlite.js'

const storage = useStorage()

const STREAMS = 5
const EVENTS = 80

/** Events of some streams, one of each after the other, in rows of many. */
async function interleave(job: Job): Promise<void> {
  const appends = Array.from({ length: STREAMS * EVENTS }, (_, n) =>
    okOf(job.append({ type: 'noted', data: utf8(`${n}`) }, { stream: `s${n % STREAMS}` }))
  )
  await Promise.all(appends)
}

test.each([1, 7, 80, 2048])('a stream among others is read in pages of %d', async (pageSize) => {
  const { job } = await storage.open({ journal: true })
  await interleave(job)
  for (let stream = 0; stream < STREAMS; stream++) {
    const events = ownEvents(await all(job.events({ stream: `s${stream}`, pageSize })))
    const expected = Array.from({ length: EVENTS }, (_, n) => ({
      seq: 1 + n * STREAMS + stream,
      streamSeq: n + 1,
      text: `${n * STREAMS + stream}`
    }))
    const found = events.map(({ seq, streamSeq, data }) => ({ seq, streamSeq, text: textOf(data) }))
    expect(found).toEqual(expected)
  }
})

testOnce(
  'each row of the journal is looked up once for a page of a stream, and gone through once',
  async () => {
    const { file, job } = await storage.open({ journal: true })
    await interleave(job)
    await okOf(job.close())
    withDatabase(file, (db) => {
      const rows = db.prepare('SELECT count(*) FROM journal').pluck().get() as number
      const statements = new Statements(db)
      const looks = jest.spyOn(statements, 'get')
      const lengths = jest.spyOn(ByteReader.prototype, 'u32')
      const found = [...new JournalReader(statements, file).ofStream('s4', 1, STREAMS * EVENTS, 2048)]
      const counts = { looks: looks.mock.calls.length, lengths: lengths.mock.calls.length }
      lengths.mockRestore()
      expect(found).toHaveLength(EVENTS)
      expect(counts.looks).toBe(1 + rows)
      expect(counts.lengths).toBeLessThanOrEqual(STREAMS * EVENTS)
    })
  }
)
