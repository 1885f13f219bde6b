import { expect, test } from '@jest/globals'
import type { JobOptions } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { useWarnings } from '../support/storage-process.js'
import { errorOf, okOf } from '../support/storage-results.js'

const storage = useStorage()
const warnings = useWarnings()

const inMemory = () => storage.owner({ rootDir: ':memory:', threads: 'none' })

/** Warnings are told in a tick of their own. */
const told = () => new Promise((resolve) => setImmediate(resolve))

test('other options than those of an open job are a warning, which names them', async () => {
  const persistency = inMemory()
  const job = await okOf(persistency.openJob('names-them', { maxQueueOps: 7 }))
  const warned = warnings.next()
  const same = await okOf(
    persistency.openJob('names-them', { journal: true, maxQueueOps: 7, whenFull: 'refuse' })
  )
  expect(same).toBe(job)
  const { code, message } = await warned
  expect(code).toBe('PERSISTENCY_OPTIONS_IGNORED')
  expect(message).toContain(`job "names-them" (:memory:)`)
  expect(message).toContain("whenFull is 'wait', not 'refuse', journal is false, not true")
  expect(message).not.toContain('maxQueueOps')
})

test('they are told to a call that takes part in an opening, too', async () => {
  const persistency = inMemory()
  const warned = warnings.next()
  await Promise.all([
    okOf(persistency.openJob('takes-part')),
    okOf(persistency.openJob('takes-part', { journal: true }))
  ])
  expect((await warned).code).toBe('PERSISTENCY_OPTIONS_IGNORED')
})

test('a job id that is asked for again and again is not told each time', async () => {
  const persistency = inMemory()
  await okOf(persistency.openJob('again'))
  for (let i = 0; i < 9; i++) await okOf(persistency.openJob('again', { journal: true }))
  await told()
  expect(warnings.seen).toHaveLength(1)
})

test.each<[string, JobOptions, JobOptions | undefined]>([
  ['none', { journal: true }, undefined],
  ['undefined ones', { journal: true }, { journal: undefined }],
  ['the same', { journal: true, durability: 'full' }, { durability: 'full' }],
  ['the same limits', { journal: { maxEvents: 5 } }, { journal: { maxEvents: 5 } }]
])('no warning comes with %s', async (what, first, second) => {
  const persistency = inMemory()
  await okOf(persistency.openJob(what.replaceAll(' ', '-'), first))
  await okOf(persistency.openJob(what.replaceAll(' ', '-'), second))
  await told()
  expect(warnings.seen).toEqual([])
})

test('a job without a journal says that the options of later calls do not count', async () => {
  const persistency = inMemory()
  await okOf(persistency.openJob('late'))
  const job = await okOf(persistency.openJob('late', { journal: true }))
  const { code, message } = await errorOf(job.append({ type: 'noted' }))
  expect(code).toBe('ERR_NO_JOURNAL')
  expect(message).toContain('the options of later calls do not count')
})
