import 'reflect-metadata'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  defineEvent,
  EventBroker,
  type Job,
  key,
  PersistEvent,
  Persistency
} from 'persistency'
import { MultiRequestBroker, RequestBroker, SignalBroker } from 'persistency/brokers'
import {
  BROKER_CONTEXT,
  bindHandlers,
  JOB,
  jobContainer,
  listens,
  registerBrokers,
  registerJob
} from 'persistency/di'
import {
  container,
  type DependencyContainer,
  inject,
  injectable,
  Lifecycle,
  scoped,
  singleton
} from 'tsyringe'

const Secret = defineEvent<string>('job-container.secret')

class Ear {
  readonly heard: string[] = []

  @listens(Secret)
  hear(text: string): void {
    this.heard.push(text)
  }
}

let app: DependencyContainer
let hub: BrokerHub
let persistency: Persistency

beforeEach(() => {
  app = container.createChildContainer()
  hub = new BrokerHub()
  persistency = Persistency.open({ rootDir: ':memory:', threads: 'none', hub })._unsafeUnwrap()
})

afterEach(async () => {
  await persistency.close()
})

/** A class whose objects tell when their container disposes them. */
const disposable = (tell: () => void) =>
  class {
    dispose(): void {
      tell()
    }
  }

const openJob = async (id: string) => (await persistency.openJob(id))._unsafeUnwrap()

describe('the container of a job', () => {
  it('is refused, with what to call, by a container without a persistency', () => {
    const bare = container.createChildContainer()
    expect(() => jobContainer(bare, 'acme')).toThrow(TypeError)
    expect(() => jobContainer(bare, 'acme')).toThrow('registerPersistency')
  })

  it('has brokers of its own where the parent has none', async () => {
    const [acme, globex] = [await openJob('acme'), await openJob('globex')]
    const children = [acme, globex].map((job) => registerJob(app, job))
    const ears = children.map((child) => {
      const ear = new Ear()
      bindHandlers(child, ear)._unsafeUnwrap()
      return ear
    })
    expect(children.map((child) => child.resolve(EventBroker).context)).toEqual([
      acme.context,
      globex.context
    ])
    children[1]?.resolve(EventBroker).emit(Secret, 'of globex')
    expect(ears.map(({ heard }) => heard)).toEqual([[], ['of globex']])
    await app.dispose()
  })

  it('speaks through the hub of the job, also where the parent has another', async () => {
    registerBrokers(app, new BrokerHub(), BrokerContext.create('elsewhere'))
    const job = await openJob('acme')
    const child = registerJob(app, job)
    const written: string[] = []
    child.resolve(EventBroker).listen(PersistEvent, ({ jobId }) => written.push(jobId))
    await job.persistAcked({ kind: 'put', category: 'c', key: key(1), payload: Uint8Array.of(1) })
    expect(written).toEqual(['acme'])
    expect(app.resolve(EventBroker).context.label).toBe('elsewhere')
    await app.dispose()
  })

  it('is not made when the parent is disposed meanwhile, and the job is closed', async () => {
    app.register(Persistency, { useValue: persistency })
    const opening = jobContainer(app, 'acme')
    const disposed = app.dispose()
    const error = (await opening)._unsafeUnwrapErr()
    expect(error).toMatchObject({ name: 'PersistencyError', code: 'ERR_JOB_CLOSED' })
    expect([error.message, (error.cause as Error).message]).toEqual([
      expect.stringContaining('disposed'),
      expect.stringContaining('disposed')
    ])
    expect(persistency.hasJob('acme')).toBe(false)
    await disposed
  })

  it('is the same one for every call, until it is disposed', async () => {
    app.register(Persistency, { useValue: persistency })
    const child = (await jobContainer(app, 'acme'))._unsafeUnwrap()
    expect((await jobContainer(app, 'acme'))._unsafeUnwrap()).toBe(child)
    expect((await jobContainer(app, 'globex'))._unsafeUnwrap()).not.toBe(child)
    const other = app.createChildContainer()
    expect((await jobContainer(other, 'acme'))._unsafeUnwrap()).not.toBe(child)
    // What is bound in it is closed first, and the job is still open meanwhile.
    bindHandlers(child, new Ear())._unsafeUnwrap()
    const disposed = child.dispose()
    const next = (await jobContainer(app, 'acme'))._unsafeUnwrap()
    expect(next).not.toBe(child)
    await disposed
    expect((await next.resolve(JOB).putAcked('c', key(1), new Uint8Array(1))).isOk()).toBe(true)
    await app.dispose()
  })

  it('is none when the container above is disposed while the former one still is', async () => {
    app.register(Persistency, { useValue: persistency })
    const child = (await jobContainer(app, 'acme'))._unsafeUnwrap()
    bindHandlers(child, new Ear())._unsafeUnwrap()
    const disposed = child.dispose()
    const next = jobContainer(app, 'acme')
    await app.dispose()
    expect((await next)._unsafeUnwrapErr().code).toBe('ERR_JOB_CLOSED')
    await disposed
    expect(persistency.hasJob('acme')).toBe(false)
  })

  it.each(['closeJob', 'close of its job'])(
    'is disposed by %s, and another one comes with the next opening',
    async (how) => {
      app.register(Persistency, { useValue: persistency })
      const child = (await jobContainer(app, 'acme'))._unsafeUnwrap()
      const disposed = new Promise<void>((resolve) => {
        child.register('service', { useClass: disposable(resolve) }, { lifecycle: Lifecycle.ContainerScoped })
      })
      child.resolve('service')
      const job = child.resolve(JOB)
      await (how === 'closeJob' ? persistency.closeJob('acme') : job.close())
      await disposed
      expect(() => child.resolve(JOB)).toThrow('disposed')
      const next = (await jobContainer(app, 'acme'))._unsafeUnwrap()
      expect(next).not.toBe(child)
      expect(next.resolve(JOB).running).toBe(true)
      await app.dispose()
    }
  )

  it('shares its job with the other containers of that job', async () => {
    const job = await openJob('acme')
    const [one, two] = [registerJob(app, job), registerJob(app, job)]
    expect([one.resolve(JOB), two.resolve(JOB)]).toEqual([job, job])
    await one.dispose()
    expect((await job.get('c', key(1)))._unsafeUnwrapErr().code).toBe('ERR_JOB_CLOSED')
    await app.dispose()
  })
})

describe('a service that takes the job and a broker', () => {
  @scoped(Lifecycle.ContainerScoped)
  class PerTenant {
    constructor(
      @inject(JOB) readonly job: Job,
      @inject(EventBroker) readonly events: EventBroker
    ) {}
  }

  @injectable()
  class Anew {
    constructor(
      @inject(JOB) readonly job: Job,
      @inject(EventBroker) readonly events: EventBroker
    ) {}
  }

  @singleton()
  class Shared {
    constructor(
      @inject(JOB) readonly job: Job,
      @inject(EventBroker) readonly events: EventBroker
    ) {}
  }

  async function tenants(): Promise<DependencyContainer[]> {
    app.register(Persistency, { useValue: persistency })
    const opened = [await jobContainer(app, 'acme'), await jobContainer(app, 'globex')]
    return opened.map((child) => child._unsafeUnwrap())
  }

  it.each([PerTenant, Anew])('is of the tenant that resolves it: %p', async (Service) => {
    const services = (await tenants()).map((tenant) => tenant.resolve(Service as typeof Anew))
    expect(services.map(({ job }) => job.id)).toEqual(['acme', 'globex'])
    expect(services.map(({ events }) => events.context.label)).toEqual(['acme', 'globex'])
    await app.dispose()
  })

  it('is one for each tenant when it is scoped to the container', async () => {
    const [acme] = await tenants()
    expect(acme?.resolve(PerTenant)).toBe(acme?.resolve(PerTenant))
    expect(acme?.resolve(Anew)).not.toBe(acme?.resolve(Anew))
    await app.dispose()
  })

  it('is of the tenant that was first, for all, when it is a singleton', async () => {
    const services = (await tenants()).map((tenant) => tenant.resolve(Shared))
    expect(services.map(({ job }) => job.id)).toEqual(['acme', 'acme'])
    await app.dispose()
  })
})

describe('a container that was told of no brokers', () => {
  it.each([EventBroker, RequestBroker, MultiRequestBroker, SignalBroker])(
    'makes none in the default context: %p',
    (Broker) => {
      expect(() => app.resolve<unknown>(Broker)).toThrow(Broker.name)
    }
  )

  it('binds nothing, whatever context it has', () => {
    app.register(BROKER_CONTEXT, { useValue: BrokerContext.create('acme') })
    expect(() => bindHandlers(app, new Ear())).toThrow('EventBroker')
  })
})
