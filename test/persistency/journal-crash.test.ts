import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import type { JobOptions } from 'persistency'
import { journalOf, requireGapless } from '../support/journal.js'
import { startProgram } from '../support/storage-child.js'
import { THREADS, useStorage } from '../support/storage-folder.js'
import { keyOf, okOf } from '../support/storage-results.js'

const storage = useStorage()

const ROUNDS = 4

/** Writes, appends and deletes without end, and prints the number of each append once it is acknowledged. */
const program = (journal: NonNullable<JobOptions['journal']>): string => `
  const { Persistency, key } = persistency
  const owner = Persistency.open({ rootDir: root + '/data', ...${JSON.stringify(THREADS)} })._unsafeUnwrap()
  const job = (await owner.openJob('tenant', { journal: ${JSON.stringify(journal)} }))._unsafeUnwrap()
  for (let n = 0; ; n++) {
    for (let i = 0; i < 200; i++) await job.persistPut('c', key(n, i), new Uint8Array(100))
    job.persist([{ kind: 'delete', category: 'c', key: key(n, 0) }, { kind: 'deletePrefix', category: 'c', prefix: key(n - 1) }])
    const ops = { kind: 'put', category: 'acked', key: key(n), payload: new Uint8Array(8) }
    const appended = (await job.append({ type: 'round' }, { stream: 's', ops }))._unsafeUnwrap()
    console.log('acked ' + appended.lastSeq + ' ' + appended.streamSeq + '.')
  }
`

test.each<[string, NonNullable<JobOptions['journal']>]>([
  ['that keeps everything', true],
  ['that keeps a hundred events', { maxEvents: 100 }]
])(
  'after SIGKILL a journal %s and the rows agree, and nothing acknowledged is missing',
  async (_, journal) => {
    const folder = storage.folder()
    let lastSeq = 0
    let lastStreamSeq = 0
    for (let round = 0; round < ROUNDS; round++) {
      const child = startProgram(folder, program(journal))
      await child.printed('.')
      // Some time within the rounds that follow.
      await new Promise((resolve) => setTimeout(resolve, round * 37))
      child.kill('SIGKILL')
      const { stdout, signal } = await child.ended
      expect(signal).toBe('SIGKILL')
      const acked = [...stdout.matchAll(/acked (\d+) (\d+)\./g)].at(-1) as RegExpExecArray
      const owner = storage.owner(join(folder, 'data'))
      const job = await okOf(owner.openJob('tenant'))
      const events = await journalOf(job)
      const status = await okOf(job.journalStatus())
      requireGapless(events, status.firstSeq)
      expect(events.at(-1)?.seq).toBe(status.lastSeq)
      expect(status.lastSeq).toBeGreaterThanOrEqual(Number(acked[1]))
      expect(status.lastSeq).toBeGreaterThan(lastSeq)
      expect((await okOf(job.compareWithJournal())).differing).toBe(0)
      const streamSeq = await okOf(job.append({ type: 'after the end' }, { stream: 's' }))
      expect(streamSeq.streamSeq).toBeGreaterThan(Math.max(lastStreamSeq, Number(acked[2])))
      expect(await okOf(job.count('acked', keyOf()))).toBeGreaterThan(0)
      lastSeq = streamSeq.lastSeq
      lastStreamSeq = streamSeq.streamSeq
      await okOf(owner.close())
    }
  }
)
