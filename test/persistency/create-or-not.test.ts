/** Jobs that are opened only if they are there, and the list of those that are. */
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { okAsync } from 'neverthrow'
import {
  BrokerHub,
  DEFAULT_JOB_OPTIONS,
  key,
  Persistency,
  type PersistencyOptions,
  type StorageEngine
} from 'persistency'
import { provideFile } from '../../dist/persistency/storage/files/job-file.js'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { useWarnings, useWorkers } from '../support/storage-process.js'
import { errorOf, okOf, textOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()
const warnings = useWarnings()
const workers = useWorkers()

const IF_THERE = { create: false } as const
const WAYS: [string, Pick<PersistencyOptions, 'threads'>][] = [
  ['a thread of its own', {}],
  ['a shared thread', { threads: { shared: 1 } }],
  ['no thread', { threads: 'none' }]
]

/** A persistency of a directory that is not there yet. */
const owner = (options: Partial<PersistencyOptions> = {}): Persistency =>
  storage.owner({ rootDir: join(storage.folder(), 'data'), ...options })

describe('create: false', () => {
  test.each(WAYS)('makes neither file nor directory nor thread, with %s', async (_, threads) => {
    const persistency = owner(threads)
    const { code, kind, message } = await errorOf(persistency.openJob('typo', IF_THERE))
    expect([code, kind]).toEqual(['ERR_JOB_NOT_FOUND', 'jobNotFound'])
    expect(message).toContain('"typo"')
    expect(filesIn(join(persistency.rootDir, '..'))).toEqual([])
    expect(workers.started).toEqual([])
    expect(persistency.hasJob('typo')).toBe(false)
  })

  test.each(WAYS)('opens what is there, with %s', async (_, threads) => {
    const persistency = owner(threads)
    const job = await okOf(persistency.openJob('tenant'))
    await okOf(job.persistPut('c', key(1), utf8('kept')))
    await okOf(job.close())
    const again = await okOf(persistency.openJob('tenant', IF_THERE))
    expect(textOf(await okOf(again.get('c', key(1))))).toBe('kept')
    expect(again.options.create).toBe(false)
    await okOf(persistency.dropJob('tenant'))
    expect((await errorOf(persistency.openJob('tenant', IF_THERE))).code).toBe('ERR_JOB_NOT_FOUND')
  })

  test('is answered with an open job, whatever that was opened with, and warns nobody', async () => {
    const persistency = owner()
    const job = await okOf(persistency.openJob('tenant'))
    expect(await okOf(persistency.openJob('tenant', IF_THERE))).toBe(job)
    expect(await okOf(persistency.openJob('tenant', { create: true }))).toBe(job)
    await new Promise((resolve) => setImmediate(resolve))
    expect(warnings.seen).toEqual([])
  })

  test('may be the rule of a persistency, and true the exception', async () => {
    const persistency = owner(IF_THERE)
    expect((await errorOf(persistency.openJob('tenant'))).code).toBe('ERR_JOB_NOT_FOUND')
    await okOf(persistency.openJob('tenant', { create: true }))
    expect(filesIn(persistency.rootDir)).toContain('tenant.db')
  })

  test('is no answer to a call at the same time that would have the job made', async () => {
    const persistency = owner()
    const calls = [IF_THERE, {}, IF_THERE, undefined].map((options) => persistency.openJob('tenant', options))
    const [first, ...others] = await Promise.all(calls)
    expect(first?._unsafeUnwrapErr().code).toBe('ERR_JOB_NOT_FOUND')
    const jobs = others.map((opened) => opened._unsafeUnwrap())
    expect(new Set(jobs)).toEqual(new Set([persistency.job('tenant')._unsafeUnwrap()]))
  })

  test('takes part in the opening of a call that has the job made', async () => {
    const persistency = owner()
    const [made, found] = await Promise.all([
      okOf(persistency.openJob('tenant')),
      okOf(persistency.openJob('tenant', IF_THERE))
    ])
    expect(found).toBe(made)
  })

  test('in memory finds open jobs only', async () => {
    const persistency = storage.owner(':memory:')
    expect((await errorOf(persistency.openJob('tenant', IF_THERE))).code).toBe('ERR_JOB_NOT_FOUND')
    const job = await okOf(persistency.openJob('tenant'))
    expect(await okOf(persistency.openJob('tenant', IF_THERE))).toBe(job)
    await okOf(job.close())
    expect((await errorOf(persistency.openJob('tenant', IF_THERE))).code).toBe('ERR_JOB_NOT_FOUND')
  })

  test('is not in the way of a database that is closed while it is idle, and takes no place under maxOpenJobs', async () => {
    const persistency = owner({ threads: { shared: 1 }, maxOpenJobs: 1, whenIdle: 'close' })
    for (const id of ['a', 'b']) {
      await okOf((await okOf(persistency.openJob(id))).persistAcked(put(id)))
      await okOf(persistency.closeJob(id))
    }
    const [a, b] = [
      await okOf(persistency.openJob('a', IF_THERE)),
      await okOf(persistency.openJob('b', IF_THERE))
    ]
    expect((await errorOf(persistency.openJob('c', IF_THERE))).code).toBe('ERR_JOB_NOT_FOUND')
    for (const job of [a, b, a]) expect(textOf(await okOf(job.get('c', key(1))))).toBe(job.id)
    renameSync(join(persistency.rootDir, 'b.db'), join(persistency.rootDir, 'away'))
    expect((await errorOf(b.get('c', key(1)))).message).toContain('was removed')
    expect(await okOf(persistency.listJobs())).toEqual(['a', 'b'])
  })

  test('is not in the way of a job that is taken up by another thread', async () => {
    const persistency = owner()
    await okOf((await okOf(persistency.openJob('tenant'))).close())
    const job = await okOf(persistency.openJob('tenant', { ...IF_THERE, restart: true }))
    await okOf(job.persistAcked(put('tenant')))
    await workers.killLast()
    expect(textOf(await okOf(job.get('c', key(1))))).toBe('tenant')
  })

  test('makes nothing either when the file goes as it is being opened', () => {
    const file = join(storage.folder(), 'data', 'tenant.db')
    expect(() => provideFile({ jobId: 'tenant', file, options: { durability: 'normal' } }, false)).toThrow(
      expect.objectContaining({ code: 'ERR_JOB_NOT_FOUND' })
    )
    expect(filesIn(join(file, '../..'))).toEqual([])
  })

  test('tells a file that cannot be looked at from one that is not there', async () => {
    const persistency = storage.owner()
    symlinkSync('tenant.db', join(persistency.rootDir, 'tenant.db'))
    expect(await errorOf(persistency.openJob('tenant', IF_THERE))).toMatchObject({
      code: 'ERR_OPEN',
      backendCode: 'ELOOP'
    })
  })
})

describe('listJobs', () => {
  test.each(WAYS)('tells of the jobs that have files, open or not, in order, with %s', async (_, threads) => {
    const persistency = owner(threads)
    for (const id of ['b', 'a.b', 'C', '10', '9', '-x']) await okOf(persistency.openJob(id))
    await okOf(persistency.closeJob('b'))
    await okOf(persistency.dropJob('9'))
    expect(await okOf(persistency.listJobs())).toEqual(['-x', '10', 'C', 'a.b', 'b'])
    expect(await okOf(storage.owner(persistency.rootDir).listJobs())).toEqual(['-x', '10', 'C', 'a.b', 'b'])
  })

  test('takes a directory that is not there for an empty one, and makes nothing', async () => {
    const persistency = owner()
    expect(await okOf(persistency.listJobs())).toEqual([])
    expect(filesIn(join(persistency.rootDir, '..'))).toEqual([])
  })

  test('leaves out what is no file of a job', async () => {
    const persistency = owner({ exclusive: true })
    await okOf((await okOf(persistency.openJob('tenant'))).persistAcked(put('x')))
    const at = (name: string): string => join(persistency.rootDir, name)
    for (const name of [
      '.db',
      '..db',
      '.x.db',
      'a b.db',
      'ä.db',
      'x.DB',
      'x.db.partial-1-a',
      `${'x'.repeat(129)}.db`
    ]) {
      writeFileSync(at(name), '')
    }
    mkdirSync(at('folder.db'))
    expect(await okOf(persistency.listJobs())).toEqual(['tenant'])
  })

  test('follows links, but for those that lead nowhere', async () => {
    const persistency = owner()
    await okOf(persistency.openJob('tenant'))
    symlinkSync('tenant.db', join(persistency.rootDir, 'link.db'))
    symlinkSync('nothing', join(persistency.rootDir, 'loose.db'))
    expect(await okOf(persistency.listJobs())).toEqual(['link', 'tenant'])
  })

  test('in memory, and with an engine that knows of none, tells of the open jobs', async () => {
    const engine: StorageEngine = {
      open: () => okAsync({ close: () => okAsync(undefined) }),
      remove: () => okAsync(undefined)
    }
    const parts = { rootDir: 'a box', hub: new BrokerHub(), engine, jobOptions: DEFAULT_JOB_OPTIONS }
    for (const persistency of [storage.owner(':memory:'), new Persistency(parts)]) {
      for (const id of ['c', 'b', 'a']) await okOf(persistency.openJob(id))
      await okOf(persistency.closeJob('b'))
      expect(await okOf(persistency.listJobs())).toEqual(['a', 'c'])
    }
  })

  test('tells what an engine of another make stores', async () => {
    const engine: StorageEngine = {
      open: () => okAsync({ close: () => okAsync(undefined) }),
      remove: () => okAsync(undefined),
      list: () => okAsync(['z', 'a'])
    }
    const parts = { rootDir: 'a box', hub: new BrokerHub(), engine, jobOptions: DEFAULT_JOB_OPTIONS }
    const persistency = new Persistency(parts)
    await okOf(persistency.openJob('m'))
    expect(await okOf(persistency.listJobs())).toEqual(['a', 'm', 'z'])
  })
})

function put(text: string) {
  return { kind: 'put', category: 'c', key: key(1), payload: utf8(text) } as const
}
