import { beforeEach, describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  clientOf,
  defineInterface,
  implement,
  RequestBroker
} from 'persistency/brokers'
import { Adjust, Changed, Read, Reset, Room, room, Thermostat, Unit } from '../shared/thermostat.js'

let hub: BrokerHub
beforeEach(() => {
  hub = new BrokerHub()
})

describe('an interface', () => {
  it('groups messages under the names of its methods', () => {
    expect(Thermostat).toMatchObject({
      name: 'thermostat',
      requests: { read: Read, set: Adjust },
      signals: { reset: Reset },
      events: { changed: Changed }
    })
  })

  it('may have no parts', () => {
    expect(defineInterface('empty', {})).toEqual({ name: 'empty', requests: {}, signals: {}, events: {} })
  })

  it('is refused without a name, or with a request and a signal of one name', () => {
    expect(() => defineInterface('', {})).toThrow(TypeError)
    expect(() => defineInterface('twice', { requests: { reset: Read }, signals: { reset: Reset } })).toThrow(
      TypeError
    )
  })

  it('is refused with a method "then", which would make its client look like a promise', () => {
    const method = 'then'
    expect(() => defineInterface('later', { requests: { [method]: Read } })).toThrow(TypeError)
    expect(() => defineInterface('later', { signals: { [method]: Reset } })).toThrow(TypeError)
  })
})

describe('an instance', () => {
  it('lives in a new context unless told otherwise', () => {
    const [a, b] = [room(hub), room(hub)]
    expect(a.context.equals(b.context)).toBe(false)
    expect(a.context.equals(BrokerContext.default)).toBe(false)
    const context = BrokerContext.create('mine')
    expect(implement(Thermostat, new Room(), { hub, context })._unsafeUnwrap().context).toBe(context)
  })

  it('answers its client, with its own errors and at once where the request is synchronous', async () => {
    const { client } = room(hub)
    expect((await client.set(25))._unsafeUnwrap()).toBe(25)
    expect((await client.read())._unsafeUnwrap()).toBe(25)
    expect((await client.set(99))._unsafeUnwrapErr()).toEqual({ reason: 'too hot' })
    expect(client.unit()._unsafeUnwrap()).toBe('°C')
  })

  it('answers a client that was made from its context, and calls through the brokers', async () => {
    const { context } = room(hub, 18)
    expect((await clientOf(Thermostat, context, hub).read())._unsafeUnwrap()).toBe(18)
    expect((await new RequestBroker(hub, context).request(Read))._unsafeUnwrap()).toBe(18)
    expect((await clientOf(Thermostat, BrokerContext.create(), hub).read())._unsafeUnwrapErr().kind).toBe(
      'noProvider'
    )
  })

  it('handles its signals, through its client and through the broker', async () => {
    const implementation = new Room()
    const { client, signals, close } = implement(Thermostat, implementation, { hub })._unsafeUnwrap()
    expect(client.reset().isOk()).toBe(true)
    expect(signals.signal(Reset).isOk()).toBe(true)
    await close()
    expect(implementation.resets).toBe(2)
  })

  it('emits and hears events in its own context', () => {
    const [a, b] = [room(hub), room(hub)]
    const heard: number[] = []
    a.events.listen(Changed, (celsius) => heard.push(celsius))
    b.events.emit(Changed, 1)
    a.events.emit(Changed, 2)
    expect(heard).toEqual([2])
  })

  it('has clients which honour a provider that is in its place, there and nowhere else', async () => {
    const [a, b] = [room(hub, 18), room(hub, 19)]
    const during = await a.requests.withProvider(
      Read,
      () => 99,
      async () => [await a.client.read(), await b.client.read()].map((read) => read._unsafeUnwrap())
    )
    expect(during).toEqual([99, 19])
    expect((await a.client.read())._unsafeUnwrap()).toBe(18)
    const unit = await a.requests.withProvider(
      Unit,
      () => '°F',
      () => a.client.unit()
    )
    expect([unit._unsafeUnwrap(), a.client.unit()._unsafeUnwrap()]).toEqual(['°F', '°C'])
  })

  it('has clients which honour a handler that is in its place', async () => {
    const implementation = new Room()
    const { client, signals, close } = implement(Thermostat, implementation, { hub })._unsafeUnwrap()
    let mocked = 0
    await signals.withHandler(
      Reset,
      () => mocked++,
      () => client.reset()
    )
    client.reset()
    await close()
    expect([mocked, implementation.resets]).toEqual([1, 1])
  })

  it('makes another one in a context derived from its own, which closes alone', async () => {
    const parent = room(hub, 18)
    const context = parent.context.child('annex')
    const annex = implement(Thermostat, new Room(5), { hub, context })._unsafeUnwrap()
    expect(annex.context.root).toBe(parent.context)
    expect((await annex.client.read())._unsafeUnwrap()).toBe(5)
    await annex.close()
    expect((await annex.client.read())._unsafeUnwrapErr().kind).toBe('noProvider')
    expect((await parent.client.read())._unsafeUnwrap()).toBe(18)
  })

  it('refuses an object that lacks a method, and wires nothing', () => {
    const half = { read: () => 1, set: () => 1, unit: () => '' } as unknown as Room
    expect(() => implement(Thermostat, half, { hub })).toThrow(/"reset"/)
    expect(hub.contextCount).toBe(0)
  })
})
