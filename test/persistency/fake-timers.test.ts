import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, jest, test } from '@jest/globals'
import { key, Persistency, type PersistencyOptions } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { okOf, textOf, utf8 } from '../support/storage-results.js'

const holdLock = useLocks()
const storage = useStorage()

afterEach(() => {
  jest.useRealTimers()
})

const THREADS: [string, Pick<PersistencyOptions, 'threads'>][] = [
  ['of its own', {}],
  ['that is shared', { threads: { shared: 1 } }],
  ['of the caller', { threads: 'none' }]
]

test.each(THREADS)('a job on a thread %s goes on while the timers of a test are fake', async (_, options) => {
  const persistency = Persistency.open({ rootDir: ':memory:', ...options })._unsafeUnwrap()
  const job = await okOf(persistency.openJob('tenant'))
  jest.useFakeTimers()
  await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key('k'), payload: utf8('there') }))
  expect(textOf(await okOf(job.get('c', key('k'))))).toBe('there')
  for (let n = 0; n < 2000; n++) await okOf(job.persistPut('c', key(n), utf8('many')))
  await okOf(job.flush())
  await okOf(persistency.close())
})

test.each(THREADS)(
  'a write on a thread %s waits for a lock of another owner meanwhile',
  async (_, options) => {
    const rootDir = storage.folder()
    const persistency = storage.owner({ rootDir, ...options })
    const job = await okOf(persistency.openJob('tenant'))
    await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key('k'), payload: utf8('before') }))
    const lock = holdLock(join(rootDir, 'tenant.db'))
    jest.useFakeTimers()
    const written = job.persistAcked({ kind: 'put', category: 'c', key: key('k'), payload: utf8('after') })
    await delay(200)
    lock.release()
    await okOf(written)
    await okOf(persistency.close())
  }
)
