import { afterEach, expect, jest, test } from '@jest/globals'
import { key, Persistency, type PersistencyOptions } from 'persistency'
import { okOf, textOf, utf8 } from '../support/storage-results.js'

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
