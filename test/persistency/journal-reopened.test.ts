import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { key } from 'persistency'
import { HAS_THREADS, useStorage } from '../support/storage-folder.js'
import { okOf, utf8 } from '../support/storage-results.js'
import { execute } from '../support/storage-sqlite.js'

const storage = useStorage()

/** An owner whose jobs take turns at the one place for an open file. */
function inTurns() {
  const rootDir = storage.folder()
  const threads = HAS_THREADS ? ({ shared: 1 } as const) : 'none'
  return { rootDir, turns: storage.owner({ rootDir, threads, maxOpenJobs: 1, whenIdle: 'close' }) }
}

test('a job whose file is opened again leaves the limits that another owner has given since', async () => {
  const { rootDir, turns } = inTurns()
  const first = await okOf(turns.openJob('tenant', { journal: { maxEvents: 10 } }))
  const other = await okOf(storage.owner({ rootDir }).openJob('tenant', { journal: true }))
  await okOf((await okOf(turns.openJob('second'))).stats())
  expect((await okOf(first.journalStatus())).limits).toEqual({})
  for (let n = 0; n < 20; n++) await okOf(other.append({ type: 'noted' }))
  expect(await okOf(other.journalStatus())).toMatchObject({ firstSeq: 1, lastSeq: 20 })
})

test('a job whose file is opened again goes on counting commits by others', async () => {
  const { rootDir, turns } = inTurns()
  const job = await okOf(turns.openJob('tenant', { journal: true }))
  const second = await okOf(turns.openJob('second'))
  const meddle = (key: string): void =>
    execute(join(rootDir, 'tenant.db'), `INSERT INTO kv VALUES (x'63', x'${key}', x'70')`)
  const counted = async (): Promise<number> => (await okOf(job.journalStatus())).outsideCommits
  await okOf(job.putAcked('c', key(1), utf8('x')))
  meddle('02')
  const before = await counted()
  expect(before).toBeGreaterThan(0)
  await okOf(second.stats())
  expect(await counted()).toBe(before)
  meddle('03')
  expect(await counted()).toBe(before + 1)
})
