/** What the sampler of the observatory tells of jobs. */
import { rmSync } from 'node:fs'
import { afterEach, expect, test } from '@jest/globals'
import {
  EventBroker,
  key,
  PersistEvent,
  type Persistency,
  PersistencyError,
  PersistFailed
} from 'persistency'
import { Sampled, Sampler } from '../../examples/observatory/sampler.js'
import type { Happening, Update } from '../../examples/observatory/wire.js'
import { useStorage } from '../support/storage-folder.js'
import { okOf, utf8 } from '../support/storage-results.js'

const { folder, owner } = useStorage()
const samplers: Sampler[] = []
afterEach(() => {
  for (const sampler of samplers.splice(0)) sampler.close()
})

function sample(persistency: Persistency) {
  const sampler = new Sampler(persistency, { intervalMs: 20 })
  samplers.push(sampler)
  const updates: Update[] = []
  sampler.events.listen(Sampled, (update) => updates.push(update))
  const happened = (): Happening[] => updates.flatMap(({ happenings }) => happenings)
  /** Waits until what was told so far passes. */
  const until = async (wanted: () => boolean): Promise<void> => {
    while (!wanted()) await new Promise((resolve) => sampler.events.on(Sampled).subscribe(resolve))
  }
  return { sampler, updates, happened, until }
}

test('counts every committed operation once', async () => {
  const persistency = owner()
  const { sampler, updates, happened, until } = sample(persistency)
  const job = await okOf(persistency.openJob('acme'))
  for (let n = 0; n < 300; n++) await okOf(job.persistPut('c', key(n), utf8('v')))
  await okOf(job.flush())
  const ops = (): number =>
    happened().reduce((sum, happening) => sum + (happening.kind === 'commits' ? happening.ops : 0), 0)
  await until(() => ops() >= 300)
  expect(ops()).toBe(300)
  const frames = updates.flatMap(({ frame }) => frame.tenants)
  expect(Math.max(...frames.map(({ queuedOps }) => queuedOps))).toBeGreaterThan(1)
  expect(frames.some(({ medianCommitMs }) => medianCommitMs !== null && medianCommitMs > 0)).toBe(true)
  expect(sampler.snapshot.tenants).toEqual([{ id: 'acme', state: 'open', categories: ['c'] }])
})

test('tells of jobs that open, close and open again, and of files that go', async () => {
  const root = folder()
  const earlier = owner(root)
  await okOf((await okOf(earlier.openJob('stored'))).close())
  const persistency = owner(root)
  const { sampler, updates, happened, until } = sample(persistency)
  await until(() => sampler.snapshot.tenants.some(({ id }) => id === 'stored'))
  expect(sampler.snapshot.tenants).toEqual([{ id: 'stored', state: 'closed', categories: [] }])
  expect(persistency.jobs.size).toBe(0)

  await okOf((await okOf(persistency.openJob('nova'))).close())
  const again = await okOf(persistency.openJob('nova'))
  await okOf(again.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('v') }))
  await until(() => happened().some(({ kind }) => kind === 'commits'))
  expect(happened().map(({ kind }) => kind)).toEqual(['opened', 'closed', 'opened', 'commits'])

  for (const end of ['', '-wal', '-shm']) rmSync(`${root}/stored.db${end}`, { force: true })
  await until(() => updates.some(({ gone }) => gone.includes('stored')))
  expect(sampler.snapshot.tenants.map(({ id }) => id)).toEqual(['nova'])
})

test('tells each kind of failure once per interval, with how many there were', async () => {
  const persistency = owner()
  const { happened, updates, until } = sample(persistency)
  const job = await okOf(persistency.openJob('acme'))
  const events = new EventBroker().in(job.context)
  for (let n = 0; n < 100; n++) {
    const error = new PersistencyError('ERR_STORAGE', n < 50 ? 'full\u202e' : `number ${n}`)
    events.emit(PersistFailed, { jobId: 'acme', seq: 0, ops: [], error })
  }
  await until(() => happened().some(({ kind }) => kind === 'moreFailures'))
  const told = happened().filter(({ kind }) => kind !== 'opened')
  expect(told).toHaveLength(6)
  expect(told[0]).toMatchObject({ kind: 'failure', count: 50, code: 'ERR_STORAGE', message: 'full\\u{202e}' })
  expect(told.at(-1)).toMatchObject({ kind: 'moreFailures', count: 46 })
  expect(updates.flatMap(({ frame }) => frame.tenants).map(({ failures }) => failures)).toEqual([100])
})

test('lets go of every listener', async () => {
  const persistency = owner()
  const job = await okOf(persistency.openJob('acme'))
  const events = new EventBroker().in(job.context)
  const { sampler } = sample(persistency)
  expect(events.listenerCount(PersistEvent)).toBe(1)
  sampler.close()
  expect(events.listenerCount(PersistEvent)).toBe(0)
})
