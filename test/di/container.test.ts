import 'reflect-metadata'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  defineEvent,
  defineRequest,
  EventBroker,
  type Job,
  JobClosed,
  JobOpened,
  key,
  MultiRequestBroker,
  PersistEvent,
  Persistency,
  RequestBroker
} from 'persistency'
import { tearDown } from 'persistency/brokers'
import {
  BROKER_CONTEXT,
  BROKER_HUB,
  bindHandlers,
  JOB,
  jobContainer,
  provides,
  registerBrokers,
  registerJob,
  registerPersistency
} from 'persistency/di'
import { container, type DependencyContainer, inject, injectable } from 'tsyringe'
import { useStorage } from '../support/storage-folder.js'
import { useLocks } from '../support/storage-locks.js'
import { useWorkers } from '../support/storage-process.js'
import { okOf } from '../support/storage-results.js'

const Greeting = defineEvent<string>('di.greeting')
const Name = defineRequest<void, string>('di.name')
const Nickname = defineRequest<void, string>('di.nickname')

const holdLock = useLocks()

let app: DependencyContainer
let root: string

beforeEach(() => {
  app = container.createChildContainer()
  root = storage.folder()
})

afterEach(async () => {
  await app.dispose()
})

// Behind the disposal of the container: what that closes must be there until then.
const storage = useStorage()
const workers = useWorkers()

describe('brokers of a container', () => {
  it('speak in the default context unless another is registered', () => {
    registerBrokers(app, new BrokerHub())
    expect(app.resolve(EventBroker).context).toBe(BrokerContext.default)
    expect(app.resolve(RequestBroker).context).toBe(BrokerContext.default)
  })

  it('speak in the context of the child container that resolves them', async () => {
    registerBrokers(app, new BrokerHub())
    const [a, b] = ['a', 'b'].map((label) => {
      const child = app.createChildContainer()
      child.register(BROKER_CONTEXT, { useValue: BrokerContext.create(label) })
      return child
    }) as [DependencyContainer, DependencyContainer]
    const heard: string[] = []
    a.resolve(EventBroker).listen(Greeting, (text) => heard.push(`a ${text}`))
    b.resolve(EventBroker).listen(Greeting, (text) => heard.push(`b ${text}`))
    a.resolve(EventBroker).emit(Greeting, 'hello')
    expect(heard).toEqual(['a hello'])
    a.resolve(RequestBroker).provide(Name, () => 'provider of a')
    expect((await a.resolve(RequestBroker).request(Name))._unsafeUnwrap()).toBe('provider of a')
    expect((await b.resolve(RequestBroker).request(Name))._unsafeUnwrapErr().kind).toBe('noProvider')
  })

  it('share the hub of their container', () => {
    const hub = new BrokerHub()
    registerBrokers(app, hub)
    const heard: string[] = []
    new EventBroker(hub, BrokerContext.default).listen(Greeting, (text) => heard.push(text))
    app.resolve(EventBroker).emit(Greeting, 'hello')
    expect(heard).toEqual(['hello'])
  })

  it('are not registered for what is no hub or no context', () => {
    const context = BrokerContext.create('swapped')
    expect(() => registerBrokers(app, context as never)).toThrow(/a context, which is the second argument/)
    expect(() => registerBrokers(app, new BrokerHub(), { context } as never)).toThrow(/pass its \.context/)
    expect(app.isRegistered(EventBroker)).toBe(false)
  })
})

@injectable()
class Ledger {
  constructor(
    @inject(JOB) readonly job: Job,
    @inject(EventBroker) readonly events: EventBroker
  ) {}
}

describe('the persistency of a container', () => {
  it('is the one that was registered', async () => {
    const registered = registerPersistency(app, root)._unsafeUnwrap()
    expect(app.resolve(Persistency)).toBe(registered)
    await registered.close()
  })

  it('joins the brokers that are there, in their context and on their hub', async () => {
    const hub = new BrokerHub()
    const shop = BrokerContext.create('shop')
    registerBrokers(app, hub, shop)
    const child = app.createChildContainer()
    const persistency = registerPersistency(child, root)._unsafeUnwrap()
    expect(child.resolve(EventBroker).context).toBe(shop)
    const opened: string[] = []
    new EventBroker(hub, persistency.context).listen(JobOpened, ({ jobId }) => opened.push(jobId))
    await jobContainer(child, 'alice')
    expect(opened).toEqual(['alice'])
    const { done } = await tearDown(new MultiRequestBroker(hub, shop))
    expect(done).toMatchObject([{ part: `persistency ${persistency.rootDir}` }])
  })

  it('speaks through a hub of its own where one is given, in the context that is registered', async () => {
    registerBrokers(app, new BrokerHub(), BrokerContext.create('shop'))
    const context = app.resolve(BROKER_CONTEXT)
    const hub = new BrokerHub()
    const persistency = registerPersistency(app, { rootDir: root, hub })._unsafeUnwrap()
    expect(app.resolve(BROKER_HUB)).toBe(hub)
    expect(app.resolve(EventBroker).context).toBe(context)
    await persistency.close()
  })

  it('tells with the disposal of the container what could not be closed', async () => {
    registerPersistency(app, { rootDir: root, busyTimeoutMs: 30_000 })._unsafeUnwrap()
    const job = (await jobContainer(app, 'alice'))._unsafeUnwrap().resolve(Ledger).job
    const put = { kind: 'put', category: 'c', key: key(1), payload: Uint8Array.of(1) } as const
    await job.persistAcked(put)
    const lock = holdLock(join(root, 'alice.db'))
    job.persist(put)
    const disposed = app.dispose() as Promise<void>
    await workers.killLast()
    const failure = await disposed.then(
      () => undefined,
      (thrown: unknown) => thrown
    )
    lock.release()
    expect(failure).toBeInstanceOf(AggregateError)
    expect((failure as AggregateError).errors).toMatchObject([{ code: 'ERR_STORAGE_DIED' }])
  })

  it('is not registered when it cannot be opened', () => {
    expect(registerPersistency(app, '')._unsafeUnwrapErr().code).toBe('ERR_ROOT_DIR')
    expect(app.isRegistered(EventBroker, true)).toBe(false)
  })

  it('is that of a directory that a URL names', () => {
    const persistency = registerPersistency(app, pathToFileURL(root))._unsafeUnwrap()
    expect([persistency.rootDir, app.resolve(Persistency)]).toEqual([root, persistency])
  })

  it('gives each job a container whose brokers speak in the context of the job', async () => {
    const persistency = registerPersistency(app, { rootDir: root, hub: new BrokerHub() })._unsafeUnwrap()
    const alice = (await jobContainer(app, 'alice'))._unsafeUnwrap().resolve(Ledger)
    const bob = (await jobContainer(app, 'bob'))._unsafeUnwrap().resolve(Ledger)
    expect(alice.job.id).toBe('alice')
    expect(alice.events.context).toBe(alice.job.context)
    const seen: string[] = []
    alice.events.on(PersistEvent).subscribe(({ jobId }) => seen.push(jobId))
    await alice.job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: Uint8Array.of(1) })
    await bob.job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: Uint8Array.of(2) })
    expect(seen).toEqual(['alice'])
    expect((await alice.job.get('c', key(1)))._unsafeUnwrap()).toEqual(Uint8Array.of(1))
    await persistency.close()
  })

  it('answers a job that cannot be opened with its error', async () => {
    const persistency = registerPersistency(app, root)._unsafeUnwrap()
    expect((await jobContainer(app, '../x'))._unsafeUnwrapErr().code).toBe('ERR_JOB_ID')
    await persistency.close()
  })

  it('is closed behind what came to its container later', async () => {
    class Early {
      @provides(Name)
      name(): string {
        return 'early'
      }
    }
    class Late {
      @provides(Nickname)
      nickname(): string {
        return 'late'
      }
    }
    const hub = new BrokerHub()
    const persistency = registerPersistency(app, { rootDir: root, hub })._unsafeUnwrap()
    bindHandlers(app, new Early())._unsafeUnwrap()
    const tenants = new Map<string, RequestBroker>()
    for (const id of ['alice', 'bob']) {
      const child = (await jobContainer(app, id))._unsafeUnwrap()
      bindHandlers(child, new Early())._unsafeUnwrap()
      tenants.set(id, child.resolve(RequestBroker))
    }
    bindHandlers(app, new Late())._unsafeUnwrap()
    const requests = app.resolve(RequestBroker)
    const left: unknown[] = []
    new EventBroker(hub, persistency.context).listen(JobClosed, ({ jobId }) => {
      const own = tenants.get(jobId)?.isProvided(Name)
      left.push({ jobId, own, early: requests.isProvided(Name), late: requests.isProvided(Nickname) })
    })
    await app.dispose()
    expect(left).toEqual([
      { jobId: 'bob', own: false, early: true, late: false },
      { jobId: 'alice', own: false, early: true, late: false }
    ])
    expect(requests.isProvided(Name)).toBe(false)
  })
})

describe('the container of a job that was opened elsewhere', () => {
  it('speaks in the context of the job, and closes it when it or its parent is disposed', async () => {
    const hub = new BrokerHub()
    registerBrokers(app, hub)
    const persistency = storage.owner({ rootDir: root, hub })
    const containerOf = async (id: string): Promise<DependencyContainer> =>
      registerJob(app, await okOf(persistency.openJob(id)))
    const [alice, bob] = [await containerOf('alice'), await containerOf('bob')]
    const { job, events } = alice.resolve(Ledger)
    expect(job).toBe(persistency.jobs.get('alice'))
    const seen: string[] = []
    events.listen(PersistEvent, ({ jobId }) => seen.push(jobId))
    await okOf(job.persistPut('c', key(1), Uint8Array.of(1)))
    await okOf(bob.resolve(Ledger).job.persistPut('c', key(1), Uint8Array.of(1)))
    expect(seen).toEqual(['alice'])
    await alice.dispose()
    expect([...persistency.jobs.keys()]).toEqual(['bob'])
    await app.dispose()
    expect([...persistency.jobs.keys()]).toEqual([])
    expect(() => bob.resolve(JOB)).toThrow(/disposed/)
    await okOf(persistency.openJob('alice'))
  })
})
