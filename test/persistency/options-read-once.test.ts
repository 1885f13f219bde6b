import { expect, test } from '@jest/globals'
import { type JobOptions, Persistency, type PersistencyOptions } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf } from '../support/storage-results.js'

const storage = useStorage()

/** An object with a getter that answers once, and throws after that. */
function once<Name extends string>(name: Name, value: unknown): Record<Name, never> {
  let reads = 0
  return Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      if (++reads > 1) throw new Error(`${name} was read again`)
      return value
    }
  }) as Record<Name, never>
}

const throwing = (name: string): object =>
  Object.defineProperty({}, name, {
    enumerable: true,
    get: () => {
      throw new Error('of a getter')
    }
  })

test.each(['rootDir', 'threads', 'durability', 'hub'])(
  'a getter of %s that throws is ERR_OPTION of open',
  (name) => {
    const options = Object.defineProperties(
      { rootDir: storage.folder() },
      Object.getOwnPropertyDescriptors(throwing(name))
    )
    expect(Persistency.open(options)._unsafeUnwrapErr().code).toBe('ERR_OPTION')
  }
)

test('open and openJob read each option once, also those within others', async () => {
  const options = Object.defineProperties(
    { threads: once('shared', 1), journal: once('maxEvents', 100) },
    Object.getOwnPropertyDescriptors(once('rootDir', storage.folder()))
  ) as unknown as PersistencyOptions
  const persistency = storage.owner(options)
  const asked = Object.defineProperties(
    { journal: once('maxEvents', 7) },
    Object.getOwnPropertyDescriptors(once('maxQueueOps', 5))
  ) as unknown as JobOptions
  const job = await okOf(persistency.openJob('tenant', asked))
  expect(job.options).toMatchObject({ maxQueueOps: 5, journal: { maxEvents: 7 } })
  const other = await okOf(persistency.openJob('other'))
  expect(other.options.journal).toEqual({ maxEvents: 100 })
})

test('verify reads each option once', async () => {
  const { job } = await storage.open({ journal: true })
  expect((await okOf(job.verify(once('quick', false)))).ok).toBe(true)
})

test.each([
  ['an option', throwing('maxQueueOps')],
  ['a limit of the journal', { journal: throwing('maxEvents') }]
])('a getter of %s that throws is ERR_OPTION of openJob', async (_, options) => {
  const answer = storage.owner().openJob('tenant', options)
  expect((await errorOf(answer)).code).toBe('ERR_OPTION')
})
