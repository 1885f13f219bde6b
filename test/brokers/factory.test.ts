import { beforeEach, describe, expect, it } from '@jest/globals'
import { err, type Result } from 'neverthrow'
import {
  BrokerContext,
  BrokerError,
  BrokerHub,
  createFromFactory,
  createInstance,
  defineInterface,
  defineRequest,
  type Instance,
  implement,
  provideFactory,
  RequestBroker
} from 'persistency/brokers'
import type { Deadlines } from '../../dist/runtime/deadlines.js'
import { gate, isPending } from '../support/brokers-async.js'

const Area = defineRequest<void, number>('shape.area')
const Shape = defineInterface('shape', { requests: { area: Area } })
const Other = defineInterface('other', { requests: {} })
type Made = Result<Instance<typeof Shape>, BrokerError>

let hub: BrokerHub
let options: { hub: BrokerHub; context: BrokerContext }
const square = (side: number): Made => implement(Shape, { area: () => side * side }, { hub })

beforeEach(() => {
  hub = new BrokerHub()
  options = { hub, context: BrokerContext.create('here') }
})

describe('a factory', () => {
  it('makes an instance from a configuration, each in a context of its own', async () => {
    provideFactory<typeof Shape, number>(Shape, square, options)
    const [two, three] = [
      (await createFromFactory(Shape, 2, options))._unsafeUnwrap(),
      (await createFromFactory(Shape, 3, options))._unsafeUnwrap()
    ]
    expect((await two.client.area())._unsafeUnwrap()).toBe(4)
    expect((await three.client.area())._unsafeUnwrap()).toBe(9)
    await two.close()
    expect((await three.client.area())._unsafeUnwrap()).toBe(9)
  })

  it('may be asynchronous, and without a configuration', async () => {
    provideFactory(Shape, () => createInstance(Shape, async () => ({ area: () => 1 }), { hub }), options)
    const made = await createFromFactory(Shape, undefined, options)
    expect((await made._unsafeUnwrap().client.area())._unsafeUnwrap()).toBe(1)
  })

  it('gives way to the next one, which a stale handle does not remove', async () => {
    const first = provideFactory(Shape, () => square(1), options)
    const second = provideFactory(Shape, () => square(2), options)
    first.remove()
    expect([first.active, second.active]).toEqual([false, true])
    const made = (await createFromFactory(Shape, undefined, options))._unsafeUnwrap()
    expect((await made.client.area())._unsafeUnwrap()).toBe(4)
    second.remove()
    expect((await createFromFactory(Shape, undefined, options))._unsafeUnwrapErr().kind).toBe('noFactory')
  })

  it('serves its interface and its context only', async () => {
    provideFactory(Shape, () => square(1), options)
    const elsewhere = { hub, context: BrokerContext.create('elsewhere') }
    expect((await createFromFactory(Shape, undefined, elsewhere))._unsafeUnwrapErr().kind).toBe('noFactory')
    expect((await createFromFactory(Other, undefined, options))._unsafeUnwrapErr().kind).toBe('noFactory')
  })

  it('is looked for in the current context when none is named', async () => {
    options.context.run(() => provideFactory(Shape, () => square(3), { hub }))
    expect((await createFromFactory(Shape, undefined, { hub }))._unsafeUnwrapErr().kind).toBe('noFactory')
    const made = await options.context.run(() => createFromFactory(Shape, undefined, { hub }))
    expect(made.isOk()).toBe(true)
  })
})

describe('a factory that takes its time', () => {
  it('is waited for without a limit', async () => {
    const limits: number[] = []
    const { deadlines } = hub as BrokerHub & { readonly deadlines: Deadlines }
    const add = deadlines.add.bind(deadlines)
    deadlines.add = (entry, timeoutMs) => {
      limits.push(timeoutMs)
      add(entry, timeoutMs)
    }
    const ready = gate()
    provideFactory(Shape, () => ready.opened.then(() => square(1)), options)
    const made = createFromFactory(Shape, undefined, options)
    expect(await isPending(made)).toBe(true)
    expect(limits).toEqual([Number.POSITIVE_INFINITY])
    ready.open()
    expect((await made).isOk()).toBe(true)
  })

  it('may be replaced meanwhile, and still makes what it was asked for', async () => {
    const ready = gate()
    provideFactory(Shape, () => ready.opened.then(() => square(1)), options)
    const first = createFromFactory(Shape, undefined, options)
    provideFactory(Shape, () => square(2), options)
    const second = (await createFromFactory(Shape, undefined, options))._unsafeUnwrap()
    expect(await isPending(first)).toBe(true)
    ready.open()
    const areas = await Promise.all(
      [(await first)._unsafeUnwrap(), second].map(({ client }) => client.area())
    )
    expect(areas.map((area) => area._unsafeUnwrap())).toEqual([1, 4])
  })
})

describe('creating without success', () => {
  it('answers noFactory when there is none', async () => {
    const error = (await createFromFactory(Shape, undefined, options))._unsafeUnwrapErr()
    expect(error).toBeInstanceOf(BrokerError)
    expect([error.kind, error.message]).toEqual(['noFactory', expect.stringContaining('"shape"')])
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new RangeError('no room')
      }
    ],
    ['rejects', () => Promise.reject(new RangeError('no room'))],
    ['answers an error', () => err(new RangeError('no room'))]
  ])('answers factoryFailed with the cause when the factory %s', async (_, factory) => {
    provideFactory(Shape, factory, options)
    const error = (await createFromFactory(Shape, undefined, options))._unsafeUnwrapErr()
    expect(error.kind).toBe('factoryFailed')
    expect(error.cause).toBeInstanceOf(RangeError)
  })

  it('answers factoryFailed when the factory could not wire its instance', async () => {
    new RequestBroker(hub, options.context).provide(Area, () => 7)
    provideFactory(Shape, () => implement(Shape, { area: () => 8 }, options), options)
    const error = (await createFromFactory(Shape, undefined, options))._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'factoryFailed', cause: { kind: 'alreadyProvided' } })
  })

  it('answers factoryFailed when the factory itself found nobody to ask', async () => {
    const Paper = defineRequest<void, number>('shape.paper')
    const requests = new RequestBroker(hub, options.context)
    provideFactory(Shape, () => requests.request(Paper).andThen(square), options)
    const error = (await createFromFactory(Shape, undefined, options))._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'factoryFailed', cause: { kind: 'noProvider' } })
  })
})
