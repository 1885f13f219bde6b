import 'reflect-metadata'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { err, ok } from 'neverthrow'
import {
  BrokerContext,
  BrokerHub,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  EventBroker,
  Job,
  key,
  MultiRequestBroker,
  RequestBroker,
  SignalBroker,
  unwrap
} from 'persistency'
import { tearDown } from 'persistency/brokers'
import {
  answers,
  BROKER_CONTEXT,
  bindHandlers,
  handles,
  JOB,
  jobContainer,
  listens,
  provides,
  registerBrokers,
  registerPersistency
} from 'persistency/di'
import { container, type DependencyContainer } from 'tsyringe'
import { useStorage } from '../support/storage-folder.js'

const Sold = defineEvent<number>('bind.sold')
const Price = defineRequest<string, number, { reason: string }>('bind.price')
const Health = defineMultiRequest<void, string>('bind.health')
const Restock = defineSignal<number>('bind.restock')

class Shop {
  readonly name: string
  sold = 0
  stock = 0

  constructor(name = 'shop') {
    this.name = name
  }

  @listens(Sold)
  onSold(count: number): void {
    this.sold += count
  }

  @provides(Price)
  price(item: string) {
    return item === '' ? err({ reason: 'nothing asked' }) : item.length
  }

  @answers(Health)
  async health(): Promise<string> {
    return `${this.name} is fine`
  }

  @handles(Restock)
  restock(count: number): void {
    this.stock += count
  }
}

let app: DependencyContainer
let hub: BrokerHub

beforeEach(() => {
  app = container.createChildContainer()
  hub = new BrokerHub()
  registerBrokers(app, hub, BrokerContext.create('app'))
})

afterEach(async () => {
  await app.dispose()
})

// Behind the disposal of the container: what that closes must be there until then.
const storage = useStorage()

/** A child container that speaks in a context of its own. */
function childOf(parent: DependencyContainer, label: string): DependencyContainer {
  const child = parent.createChildContainer()
  child.register(BROKER_CONTEXT, { useValue: BrokerContext.create(label) })
  return child
}

describe('binding an object', () => {
  it('connects each marked method with its broker, with the object as this', async () => {
    const shop = new Shop()
    const binding = bindHandlers(app, shop)._unsafeUnwrap()
    app.resolve(EventBroker).emit(Sold, 3)
    expect((await app.resolve(RequestBroker).request(Price, 'pear'))._unsafeUnwrap()).toBe(4)
    expect((await app.resolve(RequestBroker).request(Price, ''))._unsafeUnwrapErr()).toEqual({
      reason: 'nothing asked'
    })
    expect((await app.resolve(MultiRequestBroker).request(Health))._unsafeUnwrap()).toEqual(['shop is fine'])
    expect(app.resolve(SignalBroker).signal(Restock, 5).isOk()).toBe(true)
    await binding.close()
    expect([shop.sold, shop.stock]).toEqual([3, 5])
  })

  it('connects it in the context of the container only', async () => {
    const [a, b] = [childOf(app, 'a'), childOf(app, 'b')]
    const shops = [new Shop('a'), new Shop('b')] as const
    bindHandlers(a, shops[0])._unsafeUnwrap()
    bindHandlers(b, shops[1])._unsafeUnwrap()
    a.resolve(EventBroker).emit(Sold, 1)
    expect(shops.map(({ sold }) => sold)).toEqual([1, 0])
    expect((await b.resolve(MultiRequestBroker).request(Health))._unsafeUnwrap()).toEqual(['b is fine'])
    expect(app.resolve(RequestBroker).isProvided(Price)).toBe(false)
  })

  it('is undone by closing, once and for all, and makes room for the next', async () => {
    const first = new Shop('first')
    const binding = bindHandlers(app, first)._unsafeUnwrap()
    await binding.close()
    expect(hub.contextCount).toBe(0)
    const second = new Shop('second')
    bindHandlers(app, second)._unsafeUnwrap()
    await binding[Symbol.asyncDispose]()
    app.resolve(EventBroker).emit(Sold, 1)
    expect([first.sold, second.sold]).toEqual([0, 1])
  })

  it.each([
    ['a request', 'alreadyProvided', () => void app.resolve(RequestBroker).provide(Price, () => 1)],
    ['a signal', 'alreadyHandled', () => void app.resolve(SignalBroker).on(Restock, () => {})]
  ])('is refused over %s that is taken, and nothing stays connected', async (_, kind, take) => {
    take()
    const shop = new Shop()
    expect(bindHandlers(app, shop)._unsafeUnwrapErr()).toMatchObject({ name: 'BrokerError', kind })
    app.resolve(EventBroker).emit(Sold, 1)
    expect(shop.sold).toBe(0)
    expect((await app.resolve(MultiRequestBroker).request(Health))._unsafeUnwrap()).toEqual([])
    expect(app.resolve(EventBroker).listenerCount(Sold)).toBe(0)
  })

  it('throws a TypeError over an object without a marked method', () => {
    expect(() => bindHandlers(app, new Date())).toThrow(/Date has no method marked/)
  })

  it('throws a TypeError over a class, which says that an instance is wanted', () => {
    const message =
      'bindHandlers takes an instance; got the class Shop: write bindHandlers(container, container.resolve(Shop))'
    expect(() => bindHandlers(app, Shop)).toThrow(new TypeError(message))
  })

  it('connects the methods of a base class before those of the class', () => {
    const heard: string[] = []
    class Base {
      @listens(Sold)
      base(): void {
        heard.push('base')
      }
    }
    class Derived extends Base {
      @listens(Sold)
      derived(): void {
        heard.push('derived')
      }
    }
    bindHandlers(app, new Derived())._unsafeUnwrap()
    app.resolve(EventBroker).emit(Sold, 1)
    expect(heard).toEqual(['base', 'derived'])
  })

  it('connects an overridden method that is marked again once', () => {
    const heard: string[] = []
    class Base {
      @listens(Sold)
      onSold(): void {
        heard.push('base')
      }
    }
    class Derived extends Base {
      @listens(Sold)
      override onSold(): void {
        heard.push('derived')
      }
    }
    bindHandlers(app, new Derived())._unsafeUnwrap()
    app.resolve(EventBroker).emit(Sold, 1)
    expect(heard).toEqual(['derived'])
  })
})

describe('disposing a container', () => {
  it('disconnects the objects that were bound to it', async () => {
    const shop = new Shop()
    bindHandlers(app, shop)._unsafeUnwrap()
    const events = app.resolve(EventBroker)
    await app.dispose()
    events.emit(Sold, 1)
    expect([shop.sold, hub.contextCount]).toEqual([0, 0])
  })

  it('waits for the runs of listeners in flight', async () => {
    let go = (): void => {}
    const steps: string[] = []
    class Slow {
      @listens(Sold)
      async onSold(): Promise<void> {
        await new Promise<void>((resolve) => {
          go = resolve
        })
        steps.push('listener finished')
      }
    }
    bindHandlers(app, new Slow())._unsafeUnwrap()
    app.resolve(EventBroker).emit(Sold, 1)
    const disposed = app.dispose()?.then(() => steps.push('container disposed'))
    go()
    await disposed
    expect(steps).toEqual(['listener finished', 'container disposed'])
  })

  it('leaves the objects of its parent alone, also those bound after the child was made', async () => {
    const child = childOf(app, 'child')
    const [outer, inner] = [new Shop('outer'), new Shop('inner')]
    bindHandlers(app, outer)._unsafeUnwrap()
    bindHandlers(child, inner)._unsafeUnwrap()
    const inChild = child.resolve(EventBroker)
    await child.dispose()
    inChild.emit(Sold, 1)
    app.resolve(EventBroker).emit(Sold, 1)
    expect([outer.sold, inner.sold]).toEqual([1, 0])
  })
})

it('leaves nothing connected in a container that has only some of the brokers', () => {
  const few = container.createChildContainer()
  const hub = new BrokerHub()
  const events = new EventBroker(hub).in(BrokerContext.create('few'))
  few.registerInstance(EventBroker, events)
  const shop = new Shop()
  expect(() => bindHandlers(few, shop)).toThrow()
  events.emit(Sold, 3)
  expect(shop.sold).toBe(0)
})

describe('disposing a container with storage', () => {
  let root: string
  beforeEach(() => {
    root = storage.folder()
  })

  it('closes its jobs and disposes their containers', async () => {
    const persistency = registerPersistency(app, { rootDir: root, hub })._unsafeUnwrap()
    const child = (await jobContainer(app, 'alice'))._unsafeUnwrap()
    const shop = new Shop()
    bindHandlers(child, shop)._unsafeUnwrap()
    const events = child.resolve(EventBroker)
    await app.dispose()
    events.emit(Sold, 1)
    expect([shop.sold, persistency.hasJob('alice')]).toEqual([0, false])
    expect(() => child.resolve(EventBroker)).toThrow(/disposed/)
    expect((await persistency.openJob('bob'))._unsafeUnwrapErr().code).toBe('ERR_PERSISTENCY_CLOSED')
  })

  it.each(['the job', 'the application'])('of %s lets a provider answer that is in flight', async (whose) => {
    registerPersistency(app, { rootDir: root, hub })._unsafeUnwrap()
    const child = (await jobContainer(app, 'alice'))._unsafeUnwrap()
    const job = child.resolve<Job>(JOB)
    expect(child.resolve(Job)).toBe(job)
    class Archive {
      @provides(Price)
      async price(item: string): Promise<number> {
        await job.persistPut('c', key(item), new Uint8Array(1))
        await setImmediate()
        return unwrap(await job.count('c', key()))
      }
    }
    bindHandlers(child, new Archive())._unsafeUnwrap()
    const asked = child.resolve(RequestBroker).request(Price, 'apple')
    await (whose === 'the job' ? child : app).dispose()
    expect(await asked).toEqual(ok(1))
  })

  it('of one job closes that job only', async () => {
    const persistency = registerPersistency(app, { rootDir: root, hub })._unsafeUnwrap()
    const alice = (await jobContainer(app, 'alice'))._unsafeUnwrap()
    await jobContainer(app, 'bob')
    await alice.dispose()
    expect([persistency.hasJob('alice'), persistency.hasJob('bob')]).toEqual([false, true])
  })

  it('takes the storage out of the teardown, which tells what it stopped before', async () => {
    const persistency = registerPersistency(app, { rootDir: root, hub })._unsafeUnwrap()
    await jobContainer(app, 'alice')
    const broker = app.resolve(MultiRequestBroker)
    const { done, failed } = await tearDown(broker)
    expect(done.map(({ part }) => part)).toEqual([`persistency ${persistency.rootDir}`])
    expect([failed, persistency.hasJob('alice')]).toEqual([[], false])
    await app.dispose()
    expect(await tearDown(broker)).toEqual({ done: [], failed: [] })
  })
})
