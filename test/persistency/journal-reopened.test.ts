import { expect, test } from '@jest/globals'
import { HAS_THREADS, useStorage } from '../support/storage-folder.js'
import { okOf } from '../support/storage-results.js'

const storage = useStorage()

test('a job whose file is opened again leaves the limits that another owner has given since', async () => {
  const rootDir = storage.folder()
  const turns = storage.owner({
    rootDir,
    threads: HAS_THREADS ? { shared: 1 } : 'none',
    maxOpenJobs: 1,
    whenIdle: 'close'
  })
  const first = await okOf(turns.openJob('tenant', { journal: { maxEvents: 10 } }))
  const other = await okOf(storage.owner({ rootDir }).openJob('tenant', { journal: true }))
  await okOf((await okOf(turns.openJob('second'))).stats())
  expect((await okOf(first.journalStatus())).limits).toEqual({})
  for (let n = 0; n < 20; n++) await okOf(other.append({ type: 'noted' }))
  expect(await okOf(other.journalStatus())).toMatchObject({ firstSeq: 1, lastSeq: 20 })
})
