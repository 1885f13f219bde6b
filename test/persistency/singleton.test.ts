import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from '@jest/globals'
import {
  BrokerContext,
  GetPersistency,
  key,
  Persistency,
  type PersistencyOptions,
  RequestBroker
} from 'persistency'
import { filesIn, useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

const storage = useStorage()

afterEach(() => Persistency.reset())

describe('the instance of the process', () => {
  test('is not there before it was given a directory', () => {
    const error = Persistency.instance()._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'closed', code: 'ERR_NOT_INITIALISED' })
    expect(error.message).toContain('not initialised')
  })

  test('is made once and is the same for everybody', () => {
    const root = storage.folder()
    const made = Persistency.instance(root)._unsafeUnwrap()
    expect(made.rootDir).toBe(root)
    expect(Persistency.instance()._unsafeUnwrap()).toBe(made)
    expect(Persistency.instance(root)._unsafeUnwrap()).toBe(made)
    expect(Persistency.instance({ rootDir: root })._unsafeUnwrap()).toBe(made)
    expect(filesIn(root)).toEqual([])
  })

  test('refuses another directory while it lives, and stays', () => {
    const [root, other] = [storage.folder(), storage.folder()]
    const made = Persistency.instance(root)._unsafeUnwrap()
    for (const asked of [other, { rootDir: other }]) {
      const error = Persistency.instance(asked)._unsafeUnwrapErr()
      expect(error).toMatchObject({ kind: 'invalidArgument', code: 'ERR_OTHER_INSTANCE' })
      expect(error.message).toContain(root)
      expect(error.message).toContain(other)
    }
    expect(Persistency.instance()._unsafeUnwrap()).toBe(made)
  })

  test('is the same by way of a link, before its directory is there and afterwards', async () => {
    const root = storage.folder()
    const link = join(storage.folder(), 'link')
    symlinkSync(root, link)
    const made = Persistency.instance(join(root, 'data'))._unsafeUnwrap()
    expect(Persistency.instance(join(link, 'data'))._unsafeUnwrap()).toBe(made)
    await okOf(made.openJob('tenant'))
    expect(Persistency.instance(join(link, 'data'))._unsafeUnwrap()).toBe(made)
    expect(Persistency.instance(link)._unsafeUnwrapErr().code).toBe('ERR_OTHER_INSTANCE')
  })

  test('checks options also when it is there', () => {
    const root = storage.folder()
    Persistency.instance(root)._unsafeUnwrap()
    const options = { rootDir: root, bogus: 1 } as PersistencyOptions
    expect(Persistency.instance(options)._unsafeUnwrapErr().code).toBe('ERR_OPTION')
    expect(Persistency.instance(null as never)._unsafeUnwrapErr().code).toBe('ERR_ROOT_DIR')
  })

  test('is not made from a directory that is refused', () => {
    expect(Persistency.instance('')._unsafeUnwrapErr().code).toBe('ERR_ROOT_DIR')
    expect(Persistency.instance()._unsafeUnwrapErr().code).toBe('ERR_NOT_INITIALISED')
  })

  test('is closed with its jobs by reset, and another directory may follow', async () => {
    const [root, other] = [storage.folder(), storage.folder()]
    const made = Persistency.instance(root)._unsafeUnwrap()
    const job = await okOf(made.openJob('tenant'))
    await okOf(job.persistPut('c', key(1), utf8('x')))
    await Promise.all([Persistency.reset(), Persistency.reset()])
    await Persistency.reset()
    expect([job.running, made.jobs.size]).toEqual([false, 0])
    expect((await errorOf(made.openJob('tenant'))).code).toBe('ERR_PERSISTENCY_CLOSED')
    expect(filesIn(root)).toEqual(['tenant.db'])
    expect(Persistency.instance(other)._unsafeUnwrap()).not.toBe(made)
    await Persistency.reset()
    const again = await okOf(Persistency.instance(root)._unsafeUnwrap().openJob('tenant'))
    expect(await okOf(again.exists('c', key(1)))).toBe(true)
  })

  test('is not what open makes: that is a new one at every call, of one directory too', async () => {
    const root = storage.folder()
    const made = Persistency.instance(root)._unsafeUnwrap()
    const [a, b] = [storage.owner(root), storage.owner(root)]
    expect(new Set([made, a, b]).size).toBe(3)
    const jobs = await Promise.all([a, b, made].map((owner) => okOf(owner.openJob('tenant'))))
    expect(new Set(jobs.map((job) => job.context.id)).size).toBe(3)
    await okOf(a.close())
    expect(jobs.map((job) => job.running)).toEqual([false, true, true])
  })
})

describe('GetPersistency', () => {
  test('answers whatever the context provides, at once, and nothing once that is withdrawn', () => {
    const requests = new RequestBroker(undefined, BrokerContext.create('app'))
    expect(requests.requestSync(GetPersistency)._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
    const persistency = storage.owner()
    const provided = requests.provide(GetPersistency, () => persistency)._unsafeUnwrap()
    expect(requests.requestSync(GetPersistency)._unsafeUnwrap()).toBe(persistency)
    provided.remove()
    expect(requests.requestSync(GetPersistency)._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
  })

  test('keeps the instances of two contexts apart', async () => {
    const root = storage.folder()
    const worlds = ['a', 'b'].map((name) => {
      const requests = new RequestBroker(undefined, BrokerContext.create(name))
      const persistency = storage.owner(join(root, name))
      requests.provide(GetPersistency, () => persistency)._unsafeUnwrap()
      return { requests, persistency }
    })
    for (const { requests, persistency } of worlds) {
      expect(requests.requestSync(GetPersistency)._unsafeUnwrap()).toBe(persistency)
      expect(await okOf(requests.request(GetPersistency))).toBe(persistency)
    }
  })

  test('follows the current context', () => {
    const context = BrokerContext.create('app')
    const requests = new RequestBroker()
    const persistency = storage.owner()
    context.run(() => requests.provide(GetPersistency, () => persistency))
    expect(context.run(() => requests.requestSync(GetPersistency))._unsafeUnwrap()).toBe(persistency)
    expect(requests.requestSync(GetPersistency).isErr()).toBe(true)
  })
})
