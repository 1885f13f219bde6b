import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from '@jest/globals'
import { GetPersistency, key, Persistency, RequestBroker } from 'persistency'
import { PACKAGE_URL } from '../support/storage-child.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

/** Runs a module on a thread of its own; resolves with the value it posts and once the thread has ended. */
async function onThread<T>(folder: string, data: unknown, body: string): Promise<T> {
  const script = join(folder, 'thread.mjs')
  writeFileSync(
    script,
    `import { parentPort, workerData } from 'node:worker_threads'
     import * as persistency from '${PACKAGE_URL}'
     const { Persistency, key, RequestBroker, BrokerContext, GetPersistency, KvGet } = persistency
     const tell = (value) => parentPort.postMessage(value)
     ${body}`
  )
  const thread = new Worker(script, { workerData: data, execArgv: [] })
  const [[told]] = await Promise.all([once(thread, 'message'), once(thread, 'exit')])
  return told as T
}

test('a thread that loads the package has jobs of its own, and ends by itself once they are closed', async () => {
  const folder = storage.folder()
  const { job, root, persistency } = await storage.open()
  await okOf(job.persistPut('c', key(1), utf8('main')))
  const told = await onThread(
    folder,
    { root: join(folder, 'own') },
    `const owner = Persistency.open(workerData.root)._unsafeUnwrap()
     const job = (await owner.openJob('tenant'))._unsafeUnwrap()
     for (let n = 0; n < 1000; n++) job.persistPut('c', key(n), new Uint8Array(n))
     const count = (await job.count('c', key()))._unsafeUnwrap()
     const singleton = Persistency.instance().isOk()
     await owner.close()
     tell({ count, singleton, running: job.running })`
  )
  expect(told).toEqual({ count: 1000, singleton: false, running: false })
  expect(filesIn(join(folder, 'own'))).toEqual(['tenant.db'])
  expect(persistency.jobs.size).toBe(1)
  expect(filesIn(root)).toContain('tenant.db')
  expect(textOf(await okOf(job.get('c', key(1))))).toBe('main')
})

test('two owners on two threads share a file through SQLite, not through the package', async () => {
  const { job, root } = await storage.open()
  await okOf(job.persistAcked({ kind: 'put', category: 'c', key: key('m'), payload: utf8('from main') }))
  const told = await onThread<{ read: Uint8Array }>(
    storage.folder(),
    { root },
    `const owner = Persistency.open(workerData.root)._unsafeUnwrap()
     const job = (await owner.openJob('tenant'))._unsafeUnwrap()
     const read = (await job.get('c', key('m')))._unsafeUnwrap()
     await job.persistPut('c', key('t'), new TextEncoder().encode('from thread'))
     await owner.close()
     tell({ read })`
  )
  expect(textOf(told.read)).toBe('from main')
  expect(textOf(await okOf(job.get('c', key('t'))))).toBe('from thread')
  expect(await okOf(job.count('c', keyOf()))).toBe(2)
})

test('the instance, its provider and the storage of a job cannot be reached from another thread by context alone', async () => {
  const { job } = await storage.open()
  const persistency = Persistency.instance(storage.folder())._unsafeUnwrap()
  const requests = new RequestBroker(undefined, job.context)
  requests.provide(GetPersistency, () => persistency)._unsafeUnwrap()
  expect(requests.requestSync(GetPersistency).isOk()).toBe(true)
  const told = await onThread(
    storage.folder(),
    { context: job.context.toJSON() },
    `const requests = new RequestBroker(undefined, BrokerContext.from(workerData.context))
     const got = requests.requestSync(GetPersistency)
     const read = await requests.request(KvGet, { category: 'c', key: key(1) })
     const instance = Persistency.instance()
     tell([got.error?.kind, read.error?.kind, instance.error?.code])`
  )
  await Persistency.reset()
  expect(told).toEqual(['noProvider', 'noProvider', 'ERR_NOT_INITIALISED'])
})

test.each([
  ['that comes to its end', ''],
  ['that calls process.exit()', 'process.exit()']
])('a thread %s without closing its jobs loses no accepted write', async (_, ending) => {
  const folder = storage.folder()
  const root = join(folder, 'own')
  await onThread(
    folder,
    { root },
    `const owner = Persistency.open(workerData.root)._unsafeUnwrap()
     const job = (await owner.openJob('tenant'))._unsafeUnwrap()
     for (let n = 0; n < 1000; n++) job.persistPut('c', key(n), new Uint8Array(1))
     tell('done')
     ${ending}`
  )
  const { job } = await storage.open({}, root)
  expect(await okOf(job.count('c', keyOf()))).toBe(1000)
})

test('two instances with directories of their own work side by side in one thread', async () => {
  const owners = [storage.owner(), storage.owner()]
  const jobs = await Promise.all(owners.map((owner) => okOf(owner.openJob('tenant'))))
  for (const [at, job] of jobs.entries()) await okOf(job.persistPut('c', key(at), utf8('x')))
  await okOf(owners[0]!.close())
  expect(await okOf(jobs[1]!.exists('c', key(1)))).toBe(true)
  expect(await okOf(jobs[1]!.exists('c', key(0)))).toBe(false)
})
