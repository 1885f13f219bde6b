import { beforeEach, describe, expect, it } from '@jest/globals'
import { err, ok, okAsync } from 'neverthrow'
import {
  BrokerContext,
  type BrokerError,
  BrokerHub,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  EventBroker,
  MultiRequestBroker,
  RequestBroker
} from 'persistency/brokers'

const Health = defineMultiRequest<void, string, { reason: string }>('multi.health')
const Scale = defineMultiRequest<number, number>('multi.scale')

let hub: BrokerHub
let context: BrokerContext
let multi: MultiRequestBroker

beforeEach(() => {
  hub = new BrokerHub()
  context = BrokerContext.create('here')
  multi = new MultiRequestBroker(hub, context)
})

describe('providing a multi-request', () => {
  it('answers a handle that is active until it is removed', () => {
    const handle = multi.provide(Health, () => 'well')._unsafeUnwrap()
    expect([handle.active, multi.providerCount(Health)]).toEqual([true, 1])
    handle.remove()
    handle.remove()
    expect([handle.active, multi.providerCount(Health)]).toEqual([false, 0])
  })

  it('answers the same handle for the same function', async () => {
    const provider = (): string => 'well'
    const first = multi.provide(Health, provider)._unsafeUnwrap()
    expect(multi.provide(Health, provider)._unsafeUnwrap()).toBe(first)
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual(['well'])
  })

  it('keeps the same function in two contexts', async () => {
    const provider = (): string => 'well'
    const there = multi.in(BrokerContext.create('there'))
    multi.provide(Health, provider)
    there.provide(Health, provider)
    multi.clear(Health)
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual([])
    expect((await there.request(Health))._unsafeUnwrap()).toEqual(['well'])
  })

  it('keeps the order of those who stay when one in the middle is removed', async () => {
    multi.provide(Health, () => 'a')
    const b = multi.provide(Health, () => 'b')._unsafeUnwrap()
    multi.provide(Health, () => 'c')
    b.remove()
    multi.provide(Health, () => 'd')
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual(['a', 'c', 'd'])
  })

  it('is not undone by a handle from before everything was cleared', async () => {
    const stale = multi.provide(Health, () => 'old')._unsafeUnwrap()
    multi.clear(Health)
    multi.clear(Health)
    multi.provide(Health, () => 'new')
    stale.remove()
    expect(stale.active).toBe(false)
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual(['new'])
  })

  it('leaves nothing behind in the hub once everybody is removed, however often', () => {
    for (let round = 0; round < 100; round++)
      multi
        .provide(Health, () => 'well')
        ._unsafeUnwrap()
        .remove()
    expect([multi.providerCount(Health), hub.contextCount]).toEqual([0, 0])
  })

  it('is withdrawn at the end of a using block', () => {
    const handle = multi.provide(Health, () => 'well')._unsafeUnwrap()
    handle[Symbol.dispose]()
    expect(multi.providerCount(Health)).toBe(0)
  })

  it('throws a TypeError over what is no function', () => {
    expect(() => multi.provide(Health, undefined as unknown as () => string)).toThrow(TypeError)
  })
})

describe('a multi-request', () => {
  it('gives its payload to every provider and collects values, promises and results', async () => {
    multi.provide(Scale, (n) => n)
    multi.provide(Scale, async (n) => n * 2)
    multi.provide(Scale, (n) => ok(n * 3))
    multi.provide(Scale, (n) => okAsync(n * 4))
    expect((await multi.request(Scale, 10))._unsafeUnwrap()).toEqual([10, 20, 30, 40])
  })

  it('starts all providers in the turn of the call', async () => {
    const started: string[] = []
    for (const name of ['a', 'b', 'c']) {
      multi.provide(Health, async () => {
        started.push(name)
        return name
      })
    }
    const call = multi.request(Health)
    expect(started).toEqual(['a', 'b', 'c'])
    await call
  })

  it('answers an empty list with nobody there', async () => {
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual([])
  })

  it('answers the first failure in the order of registration, not of time', async () => {
    let failFirst = (): void => {}
    multi.provide(Health, async () => {
      await new Promise<void>((resolve) => {
        failFirst = resolve
      })
      return err({ reason: 'first' })
    })
    multi.provide(Health, () => err({ reason: 'second' }))
    const call = multi.request(Health)
    failFirst()
    expect((await call)._unsafeUnwrapErr()).toEqual({ reason: 'first' })
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new RangeError('boom')
      }
    ],
    ['rejects', () => Promise.reject(new RangeError('boom'))]
  ])('answers providerFailed with the cause when a provider %s', async (_, failing) => {
    multi.provide(Health, () => 'well')
    multi.provide(Health, failing)
    const error = (await multi.request(Health))._unsafeUnwrapErr() as BrokerError
    expect(error.kind).toBe('providerFailed')
    expect(error.cause).toBeInstanceOf(RangeError)
  })

  it('tells all outcomes in order when asked for them, with failures of every kind', async () => {
    multi.provide(Health, () => err({ reason: 'ill' }))
    multi.provide(Health, () => 'well')
    multi.provide(Health, () => Promise.reject(new Error('gone')))
    multi.provide(Health, () => new Promise<never>(() => {}))
    expect(await multi.requestSettled(Health, undefined, { timeoutMs: 20 })).toMatchObject([
      { status: 'rejected', error: { reason: 'ill' } },
      { status: 'fulfilled', value: 'well' },
      { status: 'rejected', error: { kind: 'providerFailed' } },
      { status: 'rejected', error: { kind: 'timeout' } }
    ])
  })

  it('times out when a provider never settles, and tells that provider', async () => {
    let told = false
    multi.provide(Health, (_, { signal }) => {
      signal.addEventListener('abort', () => {
        told = true
      })
      return new Promise<never>(() => {})
    })
    const error = (await multi.request(Health, undefined, { timeoutMs: 20 }))._unsafeUnwrapErr()
    expect([error, told]).toMatchObject([{ kind: 'timeout' }, true])
  })

  it('has the time limit of its definition', async () => {
    const Brief = defineMultiRequest<void, string>('multi.brief', { timeoutMs: 10 })
    multi.provide(Brief, () => new Promise<never>(() => {}))
    expect((await multi.request(Brief))._unsafeUnwrapErr()).toMatchObject({ kind: 'timeout' })
  })

  it('starts nobody when its caller has aborted before', async () => {
    let asked = 0
    multi.provide(Health, () => `asked ${++asked} times`)
    const result = await multi.request(Health, undefined, { signal: AbortSignal.abort('late') })
    expect(result._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted', cause: 'late' })
    expect(asked).toBe(0)
  })

  it('asks those who were there when it was made', async () => {
    const late = (): string => 'late'
    const first = multi
      .provide(Health, () => {
        first.remove()
        second.remove()
        multi.provide(Health, late)
        return 'first'
      })
      ._unsafeUnwrap()
    const second = multi.provide(Health, () => 'second')._unsafeUnwrap()
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual(['first', 'second'])
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual(['late'])
  })

  it('may be made by a provider of another one', async () => {
    multi.provide(Scale, (n) => n + 1)
    multi.provide(Health, () =>
      multi
        .request(Scale, 1)
        .map(String)
        .mapErr(() => ({ reason: 'scale' }))
    )
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual(['2'])
  })

  it('is isolated from a request and an event of the same name', async () => {
    const Twin = defineMultiRequest<number, number>('multi.health')
    const asked: string[] = []
    multi.provide(Health, () => {
      asked.push('all')
      return 'same name and kind'
    })
    expect((await multi.request(Twin, 1))._unsafeUnwrap()).toEqual(['same name and kind'])
    const [events, requests] = [new EventBroker(hub, context), new RequestBroker(hub, context)]
    const [Healed, Ask] = [defineEvent('multi.health'), defineRequest<void, string>('multi.health')]
    expect((await requests.request(Ask))._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
    events.listen(Healed, () => void asked.push('listener'))
    requests.provide(Ask, () => 'one')
    events.emit(Healed)
    expect((await requests.request(Ask))._unsafeUnwrap()).toBe('one')
    expect(asked).toEqual(['all', 'listener'])
    expect((await multi.request(Health))._unsafeUnwrap()).toEqual(['same name and kind'])
    expect(asked).toEqual(['all', 'listener', 'all'])
  })

  it('speaks in the current context without one of its own', async () => {
    const ambient = new MultiRequestBroker(hub)
    context.run(() => ambient.provide(Health, () => 'here'))
    expect((await ambient.request(Health))._unsafeUnwrap()).toEqual([])
    expect((await context.run(() => ambient.request(Health)))._unsafeUnwrap()).toEqual(['here'])
  })

  it.each([0, -1, Number.NaN])('throws a RangeError over a time limit of %d', (timeoutMs) => {
    expect(() => multi.request(Health, undefined, { timeoutMs })).toThrow(RangeError)
    expect(() => defineMultiRequest('multi.bad', { timeoutMs })).toThrow(RangeError)
  })
})
