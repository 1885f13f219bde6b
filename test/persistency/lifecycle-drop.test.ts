import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { key, type Persistency } from 'persistency'
import { startProgram } from '../support/storage-child.js'
import { filesIn, threads, useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { errorOf, keyOf, okOf, textOf, utf8 } from '../support/storage-results.js'
import { execute } from '../support/storage-sqlite.js'

const storage = useStorage()
const workers = useWorkers()

describe('dropping a job', () => {
  test('closes it and deletes its files and no other', async () => {
    const { job, root, persistency } = await storage.open()
    const sibling = await okOf(persistency.openJob('tenant2'))
    writeFileSync(join(root, 'tenant.db.bak'), 'mine')
    await okOf(job.persistPut('c', key(1), utf8('x')))
    await okOf(persistency.dropJob('tenant'))
    expect([job.running, persistency.hasJob('tenant'), workers.alive]).toEqual([false, false, threads(1)])
    expect(filesIn(root).filter((name) => !name.startsWith('tenant2'))).toEqual(['tenant.db.bak'])
    expect(sibling.running).toBe(true)
    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.count('c', keyOf()))).toBe(0)
  })

  test('that is closed, or was never stored, is ok', async () => {
    const { job, root, persistency } = await storage.open()
    await okOf(job.close())
    await okOf(persistency.dropJob('tenant'))
    await okOf(persistency.dropJob('tenant'))
    await okOf(persistency.dropJob('unknown'))
    expect([filesIn(root), workers.alive]).toEqual([[], 0])
  })

  test('removes what a crash left beside the file', async () => {
    const root = storage.folder()
    for (const suffix of ['-wal', '-shm', '-journal']) writeFileSync(join(root, `tenant.db${suffix}`), '')
    await okOf(storage.owner(root).dropJob('tenant'))
    expect(filesIn(root)).toEqual([])
  })

  test('removes a file of that name that is no database', async () => {
    const root = storage.folder()
    writeFileSync(join(root, 'tenant.db'), 'a letter '.repeat(200))
    await okOf(storage.owner(root).dropJob('tenant'))
    expect(filesIn(root)).toEqual([])
  })

  test.each([
    ['of another program', 'CREATE TABLE notes (text)', 'ERR_FOREIGN_SCHEMA'],
    ['of a later version', 'PRAGMA user_version = 7', 'ERR_VERSION']
  ])('leaves a database %s as it is', async (_, sql, code) => {
    const root = storage.folder()
    const file = join(root, 'tenant.db')
    execute(file, sql)
    const before = readFileSync(file)
    expect(await errorOf(storage.owner(root).dropJob('tenant'))).toMatchObject({ kind: 'backend', code })
    expect(readFileSync(file).equals(before)).toBe(true)
    expect([filesIn(root), workers.alive]).toEqual([['tenant.db'], 0])
  })

  test('whose file is a directory fails and leaves it', async () => {
    const root = storage.folder()
    mkdirSync(join(root, 'tenant.db'))
    const error = await errorOf(storage.owner(root).dropJob('tenant'))
    expect(error).toMatchObject({ kind: 'backend', code: 'ERR_REMOVE' })
    expect(error.message).toContain(join(root, 'tenant.db'))
    expect(existsSync(join(root, 'tenant.db'))).toBe(true)
    expect(workers.alive).toBe(0)
  })

  test('in memory forgets its rows and touches no file', async () => {
    const { job, persistency } = await storage.open({}, ':memory:')
    await okOf(job.persistPut('c', key(1), utf8('x')))
    await okOf(persistency.dropJob('tenant'))
    const again = await okOf(persistency.openJob('tenant'))
    expect(await okOf(again.count('c', keyOf()))).toBe(0)
    expect(existsSync(':memory:')).toBe(false)
  })

  test.each(['../victim', '..', 'a/../../victim', '/victim', 'victim\0', '', '.victim', 'sub\\victim'])(
    'of the hostile id %j touches nothing',
    async (id) => {
      const folder = storage.folder()
      const root = join(folder, 'root')
      mkdirSync(root)
      writeFileSync(join(folder, 'victim.db'), 'mine')
      writeFileSync(join(root, 'victim.db'), 'mine')
      const error = await errorOf(storage.owner(root).dropJob(id))
      expect(error).toMatchObject({ kind: 'invalidArgument', code: 'ERR_JOB_ID' })
      expect(error.message).toContain(JSON.stringify(id))
      for (const dir of [folder, root]) expect(readFileSync(join(dir, 'victim.db'), 'utf8')).toBe('mine')
      expect(workers.started).toHaveLength(0)
    }
  )

  test('waits for an opening under way', async () => {
    const { root, persistency } = await storage.open()
    const opening = persistency.openJob('late')
    await okOf(persistency.dropJob('late'))
    expect((await okOf(opening)).running).toBe(false)
    expect(filesIn(root).filter((name) => name.startsWith('late'))).toEqual([])
  })

  test('twice at once is the same work', async () => {
    const { root, persistency } = await storage.open()
    const both = [persistency.dropJob('tenant'), persistency.dropJob('tenant')]
    await Promise.all(both.map((answer) => okOf(answer)))
    expect(filesIn(root)).toEqual([])
  })

  test('comes before an opening that is asked for later', async () => {
    for (let round = 0; round < 5; round++) {
      const { job, persistency } = await storage.open()
      await okOf(job.persistPut('c', key('old'), utf8('x')))
      await okOf(job.close())
      const dropping = persistency.dropJob('tenant')
      const opening = persistency.openJob('tenant')
      expect((await dropping).isOk()).toBe(true)
      const again = await okOf(opening)
      expect(await okOf(again.exists('c', key('old')))).toBe(false)
      await okOf(again.persistPut('c', key('new'), utf8('x')))
      await okOf(again.close())
      const reopened = await okOf(persistency.openJob('tenant'))
      expect(await okOf(reopened.exists('c', key('new')))).toBe(true)
    }
  })

  test('after an opening of the same turn drops what was opened', async () => {
    const { root, persistency } = await storage.open()
    const first = persistency.dropJob('tenant')
    const opening = persistency.openJob('tenant')
    const second = persistency.dropJob('tenant')
    await okOf(first)
    await opening
    await okOf(second)
    expect([persistency.hasJob('tenant'), filesIn(root)]).toEqual([false, []])
  })

  test('is finished when the owner is closed', async () => {
    const { root, persistency } = await storage.open()
    const dropping = persistency.dropJob('tenant')
    await okOf(persistency.close())
    expect([filesIn(root), workers.alive]).toEqual([[], 0])
    await okOf(dropping)
  })
})

describe('two owners of one directory', () => {
  const both = async (): Promise<{ root: string; owners: [Persistency, Persistency] }> => {
    const root = storage.folder()
    return { root, owners: [storage.owner(root), storage.owner(root)] }
  }

  test('see each other’s rows', async () => {
    const { owners } = await both()
    const [a, b] = await Promise.all(owners.map((owner) => okOf(owner.openJob('tenant'))))
    await okOf(a!.persistAcked({ kind: 'put', category: 'c', key: key('a'), payload: utf8('of a') }))
    await okOf(b!.persistAcked({ kind: 'put', category: 'c', key: key('b'), payload: utf8('of b') }))
    expect(textOf(await okOf(b!.get('c', key('a'))))).toBe('of a')
    expect(textOf(await okOf(a!.get('c', key('b'))))).toBe('of b')
    expect(a!.context.id).not.toBe(b!.context.id)
  })

  test('both write at full speed without losing a write', async () => {
    const { owners } = await both()
    const jobs = await Promise.all(owners.map((owner) => okOf(owner.openJob('tenant'))))
    for (let n = 0; n < 500; n++) {
      for (const [at, job] of jobs.entries()) void job.persistPut('c', key(at, n), utf8('x'))
    }
    await Promise.all(jobs.map((job) => okOf(job.flush())))
    expect(await okOf(jobs[0]!.count('c', keyOf()))).toBe(1000)
  })

  test('neither can drop what the other has open', async () => {
    const { root, owners } = await both()
    const [a, b] = owners
    await okOf(a.openJob('tenant'))
    const used = await okOf(b.openJob('tenant'))
    await okOf(used.persistPut('c', key(1), utf8('x')))
    const error = await errorOf(a.dropJob('tenant'))
    expect(error).toMatchObject({ kind: 'inUse', code: 'ERR_JOB_IN_USE' })
    expect(error.message).toContain(join(root, 'tenant.db'))
    await okOf(used.persistPut('c', key(2), utf8('x')))
    await okOf(used.close())
    const again = await okOf(a.openJob('tenant'))
    expect(await okOf(again.count('c', keyOf()))).toBe(2)
    await okOf(a.dropJob('tenant'))
    expect(filesIn(root)).toEqual([])
  })

  test('closing one leaves the other at work', async () => {
    const { owners } = await both()
    const [a, b] = owners
    await okOf(a.openJob('tenant'))
    const used = await okOf(b.openJob('tenant'))
    await okOf(a.close())
    await okOf(used.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: utf8('x') }))
    expect(await okOf(used.exists('c', key(1)))).toBe(true)
  })
})

test('a job that another process has open cannot be dropped until it is closed there', async () => {
  const root = storage.folder()
  const program = startProgram(
    root,
    `const owner = persistency.Persistency.open(root)._unsafeUnwrap()
     const job = (await owner.openJob('tenant'))._unsafeUnwrap()
     console.log('open')
     process.stdin.on('end', () => owner.close()).resume()`
  )
  await program.printed('open')
  const persistency = storage.owner(root)
  expect((await errorOf(persistency.dropJob('tenant'))).code).toBe('ERR_JOB_IN_USE')
  program.endInput()
  expect((await program.ended).code).toBe(0)
  await okOf(persistency.dropJob('tenant'))
  expect(filesIn(root).filter((name) => name.startsWith('tenant'))).toEqual([])
})
