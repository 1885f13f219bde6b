import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, describe, expect, test } from '@jest/globals'
import { err } from 'neverthrow'
import {
  BrokerError,
  EventBroker,
  type Job,
  type JobOptions,
  KvCount,
  key,
  PersistEvent,
  Persistency,
  PersistencyError,
  type PersistencyErrorCode,
  PersistFailed,
  RequestBroker,
  SubscriptionClaim
} from 'persistency'
import { runProgram } from '../support/storage-child.js'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWorkers } from '../support/storage-process.js'
import { type Answer, errorOf, keyOf, okOf, utf8 } from '../support/storage-results.js'
import { execute, refusePayload } from '../support/storage-sqlite.js'

const holdLock = useLocks()
const storage = useStorage()
const workers = useWorkers()

afterEach(() => Persistency.reset())

/** A way to a code: the call that fails, and what its message names. */
interface Way {
  readonly kind: string
  readonly names: string | RegExp
  provoke(scene: Scene): Answer<unknown>
}
interface Scene {
  readonly root: string
  readonly file: string
  readonly persistency: Persistency
  readonly job: Job
}

const k = key(1)
const put = { kind: 'put', category: 'c', key: k, payload: utf8('x') } as const
const wrong = (value: unknown): never => value as never

const journalled = (persistency: Persistency, journal: JobOptions['journal'] = true): Promise<Job> =>
  okOf(persistency.openJob('journalled', { journal }))

const WAYS: Record<PersistencyErrorCode, Way> = {
  ERR_ROOT_DIR: {
    kind: 'invalidArgument',
    names: 'tenant.db',
    provoke: ({ file }) => Persistency.open(file)
  },
  ERR_JOB_ID: {
    kind: 'invalidArgument',
    names: '"../x"',
    provoke: ({ persistency }) => persistency.openJob('../x')
  },
  ERR_CATEGORY: {
    kind: 'invalidArgument',
    names: 'the number 7',
    provoke: ({ job }) => job.persistPut(wrong(7), k, utf8('x'))
  },
  ERR_KEY: { kind: 'invalidArgument', names: '"text"', provoke: ({ job }) => job.get('c', wrong('text')) },
  ERR_PAYLOAD: {
    kind: 'invalidArgument',
    names: '"text"',
    provoke: ({ job }) => job.persistPut('c', k, wrong('text'))
  },
  ERR_OP: {
    kind: 'invalidArgument',
    names: '"upsert"',
    provoke: ({ job }) => job.persist({ ...put, kind: wrong('upsert') })
  },
  ERR_RANGE: {
    kind: 'invalidArgument',
    names: 'the number 5',
    provoke: ({ job }) => job.scan('c', wrong(5))
  },
  ERR_OPTION: {
    kind: 'invalidArgument',
    names: /"maxQueueOps".*-1/,
    provoke: ({ persistency }) => persistency.openJob('other', { maxQueueOps: -1 })
  },
  ERR_VALUE: {
    kind: 'invalidArgument',
    names: 'a Date',
    provoke: ({ job }) => job.persistEncoded('c', k, wrong(new Date()))
  },
  ERR_EVENT: {
    kind: 'invalidArgument',
    names: 'the number 7',
    provoke: ({ job }) => job.append({ type: wrong(7) })
  },
  ERR_SEQ: {
    kind: 'invalidArgument',
    names: /event 9 .* is 0/,
    provoke: async ({ persistency }) => (await journalled(persistency)).at(9).get('c', k)
  },
  ERR_KEY_REUSED: {
    kind: 'invalidArgument',
    names: '"twice"',
    provoke: async ({ persistency }) => {
      const job = await journalled(persistency)
      await okOf(job.append({ type: 'noted' }, { stream: 'a', idempotencyKey: 'twice' }))
      return job.append({ type: 'noted' }, { stream: 'b', idempotencyKey: 'twice' })
    }
  },
  ERR_NO_JOURNAL: {
    kind: 'invalidArgument',
    names: '"tenant"',
    provoke: ({ job }) => job.append({ type: 'noted' })
  },
  ERR_CONFLICT: {
    kind: 'conflict',
    names: '"c"',
    provoke: ({ job }) => job.persistAcked({ kind: 'check', category: 'c', key: k, equals: utf8('x') })
  },
  ERR_EVENTS_GONE: {
    kind: 'gone',
    names: /event 1 .* is 2/,
    provoke: async ({ persistency }) => {
      const journal = await journalled(persistency, { maxEvents: 1 })
      await okOf(journal.persistAcked(put))
      await okOf(journal.persistAcked(put))
      return journal.at(0).get('c', k)
    }
  },
  ERR_JOURNAL: {
    kind: 'backend',
    names: 'event 1',
    provoke: async ({ root, persistency }) => {
      const journal = await journalled(persistency)
      await okOf(journal.persistAcked(put))
      execute(join(root, 'journalled.db'), "UPDATE journal SET body = x'0000'")
      return journal.at(1).get('c', k)
    }
  },
  ERR_OTHER_INSTANCE: {
    kind: 'invalidArgument',
    names: 'elsewhere',
    provoke: ({ root }) => {
      Persistency.instance(root)._unsafeUnwrap()
      return Persistency.instance(join(root, 'elsewhere'))
    }
  },
  ERR_NOT_INITIALISED: {
    kind: 'closed',
    names: 'Persistency.instance',
    provoke: () => Persistency.instance()
  },
  ERR_PERSISTENCY_CLOSED: {
    kind: 'closed',
    names: 'persistency-',
    provoke: async ({ persistency }) => {
      await persistency.close()
      return persistency.openJob('tenant')
    }
  },
  ERR_JOB_CLOSED: {
    kind: 'closed',
    names: '"tenant"',
    provoke: async ({ job }) => {
      await job.close()
      return job.persist(put)
    }
  },
  ERR_JOB_NOT_FOUND: {
    kind: 'jobNotFound',
    names: '"other"',
    provoke: ({ persistency }) => persistency.get('other', 'c', k)
  },
  ERR_TIMEOUT: {
    kind: 'timeout',
    names: '20 ms',
    provoke: async ({ file, job }) => {
      const held = holdLock(file)
      const answer = await job.deleteAcked('c', k, { timeoutMs: 20 })
      held.release()
      return answer
    }
  },
  ERR_ABORTED: {
    kind: 'aborted',
    names: '"tenant"',
    provoke: ({ job }) => job.get('c', k, { signal: AbortSignal.abort() })
  },
  ERR_OVERLOADED: {
    kind: 'overloaded',
    names: /"tenant" has no room for 1 operations.*4 of 4/,
    provoke: ({ job }) => {
      for (let n = 0; n < 4; n++) void job.persist(put)
      return job.persist(put)
    }
  },
  ERR_TOO_MANY_JOBS: {
    kind: 'overloaded',
    names: /"second".*maxOpenJobs is 1/,
    provoke: async ({ root }) => {
      const crowded = storage.owner({ rootDir: join(root, 'crowded'), maxOpenJobs: 1 })
      await okOf(crowded.openJob('first'))
      return await crowded.openJob('second')
    }
  },
  ERR_JOB_IN_USE: {
    kind: 'inUse',
    names: 'tenant.db',
    provoke: ({ root }) => storage.owner(root).dropJob('tenant')
  },
  ERR_PATH: {
    kind: 'invalidArgument',
    names: '""',
    provoke: ({ job }) => job.backup('')
  },
  ERR_ROOT_IN_USE: {
    kind: 'inUse',
    names: `this process since `,
    provoke: async () => {
      const rootDir = storage.folder()
      await okOf(storage.owner({ rootDir, exclusive: true }).openJob('tenant'))
      return Persistency.open({ rootDir, exclusive: true })
    }
  },
  ERR_EXISTS: {
    kind: 'exists',
    names: 'tenant.copy',
    provoke: ({ root, job }) => {
      writeFileSync(join(root, 'tenant.copy'), '')
      return job.backup(join(root, 'tenant.copy'))
    }
  },
  ERR_BACKUP: {
    kind: 'backend',
    names: 'nowhere',
    provoke: ({ root, job }) => job.backup(join(root, 'nowhere', 'copy'))
  },
  ERR_RESTORE: {
    kind: 'backend',
    names: 'nowhere',
    provoke: ({ root, persistency }) => persistency.restore('other', join(root, 'nowhere'))
  },
  ERR_BACKUP_UNSOUND: {
    kind: 'backend',
    names: 'letter',
    provoke: ({ root, persistency }) => {
      writeFileSync(join(root, 'letter'), 'Dear reader,')
      return persistency.restore('other', join(root, 'letter'))
    }
  },
  ERR_SUBSCRIPTION_HELD: {
    kind: 'inUse',
    names: '"s" of job "journalled"',
    provoke: async ({ persistency }) => {
      const journal = await journalled(persistency)
      await okOf(journal.subscription('s', () => {}))
      return journal.subscription('s', () => {})
    }
  },
  ERR_SUBSCRIPTION_LOST: {
    kind: 'inUse',
    names: '"s" was taken over',
    provoke: async ({ persistency }) => {
      const journal = await journalled(persistency)
      const { ended } = await okOf(journal.subscription('s', () => {}))
      const claim = { name: 's', holder: 'rival', startAt: 'now', version: 0, clear: [] } as const
      await okOf(new RequestBroker(undefined, journal.context).request(SubscriptionClaim, claim))
      await okOf(journal.append({ type: 'noted' }))
      return ended
    }
  },
  ERR_SUBSCRIPTION_ENDED: {
    kind: 'closed',
    names: '"s"',
    provoke: async ({ persistency }) => {
      const subscription = await okOf((await journalled(persistency)).subscription('s', () => {}))
      await subscription.stop()
      return subscription.retryParked()
    }
  },
  ERR_HANDLER_FAILED: {
    kind: 'handlerFailed',
    names: /"s" failed 2 times on event 1: refused/,
    provoke: async ({ persistency }) => {
      const journal = await journalled(persistency)
      await okOf(journal.append({ type: 'noted' }))
      const retry = { attempts: 2, delayMs: 0 }
      return (await okOf(journal.subscription('s', () => err(new Error('refused')), { retry }))).ended
    }
  },
  ERR_CREATE_DIR: {
    kind: 'backend',
    names: 'later',
    provoke: ({ root }) => {
      const persistency = storage.owner(join(root, 'later'))
      writeFileSync(join(root, 'later'), '')
      return persistency.openJob('tenant')
    }
  },
  ERR_OPEN: {
    kind: 'backend',
    names: 'folder.db',
    provoke: ({ root, persistency }) => {
      mkdirSync(join(root, 'folder.db'))
      return persistency.openJob('folder')
    }
  },
  ERR_NOT_A_DATABASE: {
    kind: 'backend',
    names: 'letter.db',
    provoke: ({ root, persistency }) => {
      writeFileSync(join(root, 'letter.db'), 'a letter '.repeat(200))
      return persistency.openJob('letter')
    }
  },
  ERR_VERSION: {
    kind: 'backend',
    names: 'got 7',
    provoke: ({ root, persistency }) => {
      execute(join(root, 'later.db'), 'PRAGMA user_version = 7')
      return persistency.openJob('later')
    }
  },
  ERR_FOREIGN_SCHEMA: {
    kind: 'backend',
    names: 'notes.db',
    provoke: ({ root, persistency }) => {
      execute(join(root, 'notes.db'), 'CREATE TABLE notes (text)')
      return persistency.openJob('notes')
    }
  },
  ERR_STORAGE: {
    kind: 'backend',
    names: 'refused by trigger',
    provoke: ({ file, job }) => {
      refusePayload(file, utf8('bad'), 'ABORT')
      return job.persistAcked({ ...put, payload: utf8('bad') })
    }
  },
  ERR_STORAGE_DIED: {
    kind: 'backend',
    names: '"tenant"',
    provoke: async ({ job }) => {
      const killing = workers.killLast()
      const answer = job.get('c', k)
      await killing
      return answer
    }
  },
  ERR_WRITES_LOST: {
    kind: 'backend',
    names: /"tenant" lost 1 .*refused by trigger/,
    provoke: ({ file, job }) => {
      refusePayload(file, utf8('bad'), 'ABORT')
      new EventBroker(undefined, job.context).listen(PersistFailed, () => {})
      void job.persist({ ...put, payload: utf8('bad') })
      return job.flush()
    }
  },
  ERR_LIST: {
    kind: 'backend',
    names: 'later',
    provoke: ({ root }) => {
      const persistency = storage.owner(join(root, 'later'))
      writeFileSync(persistency.rootDir, 'a file')
      return persistency.listJobs()
    }
  },
  ERR_REMOVE: {
    kind: 'backend',
    names: 'folder.db',
    provoke: ({ root, persistency }) => {
      mkdirSync(join(root, 'folder.db'))
      return persistency.dropJob('folder')
    }
  },
  ERR_BROKER: {
    kind: 'backend',
    names: '"tenant"',
    // A storage of another sort, whose answer cannot be sent on.
    provoke: ({ job }) => {
      const unsendable = new BrokerError('notSendable', 'the answer cannot be sent')
      new RequestBroker(undefined, job.context).replace(KvCount, () => err(wrong(unsendable)))
      return job.count('c', keyOf())
    }
  }
}

describe('the catalogue', () => {
  test('holds the codes that are provoked here and no other', () => {
    const source = readFileSync(new URL('../../src/persistency/errors.ts', import.meta.url), 'utf8')
    const table = source.slice(source.indexOf('KIND_OF = {'), source.indexOf('} as const'))
    const kinds = [...table.matchAll(/(ERR_\w+): '(\w+)'/g)].map(([, code, kind]) => [code, kind])
    expect(Object.fromEntries(kinds)).toEqual(
      Object.fromEntries(Object.entries(WAYS).map(([code, { kind }]) => [code, kind]))
    )
  })

  test.each(Object.entries(WAYS))('%s', async (code, { kind, names, provoke }) => {
    const scene = await storage.open({ maxQueueOps: 4, whenFull: 'refuse' })
    const error = await errorOf(provoke(scene))
    if (scene.job.running) await scene.job.flush()
    expect(error).toBeInstanceOf(PersistencyError)
    expect(PersistencyError.is(error)).toBe(true)
    expect({ code: error.code, kind: error.kind }).toEqual({ code, kind })
    expect(error.message).toMatch(names)
    expect(scene.job.queued).toEqual({ bytes: 0, ops: 0 })
  })
})

const INVALID = Object.entries(WAYS).filter(([, { kind }]) => kind === 'invalidArgument')

test.each(INVALID)('%s leaves nothing queued, stored or emitted', async (_, { provoke }) => {
  const scene = await storage.open()
  let emitted = 0
  new EventBroker(undefined, scene.job.context).listen(PersistEvent, () => emitted++)
  await errorOf(provoke(scene))
  expect(scene.job.queued).toEqual({ bytes: 0, ops: 0 })
  expect(emitted).toBe(0)
  expect(await okOf(scene.job.count('c', keyOf()))).toBe(0)
})

describe('an error', () => {
  test('prints its kind, message and codes', () => {
    const plain = new PersistencyError('ERR_JOB_NOT_FOUND', 'no open job with id "x"')
    expect(String(plain)).toBe('PersistencyError(jobNotFound: no open job with id "x") [ERR_JOB_NOT_FOUND]')
    const full = new PersistencyError('ERR_STORAGE', 'disk', { backendCode: 'SQLITE_FULL', cause: 'why' })
    expect(String(full)).toBe('PersistencyError(backend: disk) [ERR_STORAGE, SQLITE_FULL]')
    expect(full).toMatchObject({ name: 'PersistencyError', cause: 'why', backendCode: 'SQLITE_FULL' })
    expect(inspect(plain)).not.toContain('undefined')
    expect(plain.backendCode).toBeUndefined()
    expect(String(new BrokerError('timeout', 'too long'))).toBe('BrokerError(timeout: too long)')
  })

  test('survives the way through plain data', () => {
    const error = new PersistencyError('ERR_STORAGE', 'disk', {
      backendCode: 'SQLITE_FULL',
      cause: new Error('why')
    })
    const back = PersistencyError.from(JSON.parse(JSON.stringify(error)))
    expect(back.toJSON()).toEqual(error.toJSON())
    expect(back).toMatchObject({ kind: 'backend', cause: 'Error: why' })
    expect(error.toJSON()).toMatchObject({ name: 'PersistencyError', kind: 'backend', message: 'disk' })
    const strange = PersistencyError.from({ ...error.toJSON(), code: wrong('toString') })
    expect([strange.code, strange.message]).toEqual(['ERR_STORAGE', 'disk'])
  })

  test('of the storage thread keeps the code of the storage', async () => {
    const { job, file } = await storage.open()
    execute(file, 'ALTER TABLE kv RENAME TO elsewhere')
    expect(await errorOf(job.get('c', k))).toMatchObject({ code: 'ERR_STORAGE', backendCode: 'SQLITE_ERROR' })
  })
})

test.each([
  ['get', (job: Job, signal: AbortSignal) => job.get('c', key(1), { signal })],
  ['flush', (job: Job, signal: AbortSignal) => job.flush({ signal })],
  ['persistAcked', (job: Job, signal: AbortSignal) => job.persistAcked(put, { signal })],
  ['stats', (job: Job, signal: AbortSignal) => job.stats({ signal })]
])('%s that is given up has the reason of its caller for a cause', async (_, call) => {
  const { job } = await storage.open()
  const reason = new Error('changed my mind')
  expect((await errorOf(call(job, AbortSignal.abort(reason)))).cause).toBe(reason)
})

test('an error whose cause has no text can be printed', () => {
  const error = new PersistencyError('ERR_ABORTED', 'given up', { cause: Object.create(null) as object })
  expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'ERR_ABORTED', message: 'given up' })
})

test('a path that leads nowhere, because the working directory has been removed, is an error', async () => {
  const { code, stdout, stderr } = await runProgram(
    storage.folder(),
    `import { mkdirSync, rmdirSync } from 'node:fs'
     const { Persistency } = persistency
     const job = (await Persistency.open(root + '/data')._unsafeUnwrap().openJob('tenant'))._unsafeUnwrap()
     mkdirSync(root + '/gone')
     process.chdir(root + '/gone')
     rmdirSync(root + '/gone')
     const opened = Persistency.open('here')
     const backup = await job.backup('here.db')
     console.log(opened.error.code, backup.error.code)
     process.chdir(root)
     await job.close()`
  )
  expect([code, stdout.trim(), stderr]).toEqual([0, 'ERR_ROOT_DIR ERR_PATH', ''])
})
