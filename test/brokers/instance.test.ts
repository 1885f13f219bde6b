import { beforeEach, describe, expect, it } from '@jest/globals'
import { err, ok } from 'neverthrow'
import {
  BrokerContext,
  BrokerHub,
  createInstance,
  defineInterface,
  defineRequest,
  EventBroker,
  type InstanceScope,
  implement,
  RequestBroker,
  SignalBroker
} from 'persistency/brokers'
import { Adjust, Changed, Read, Reset, Room, room, Thermostat } from '../shared/thermostat.js'

let hub: BrokerHub
beforeEach(() => {
  hub = new BrokerHub()
})

describe('a closed instance', () => {
  it('answers no request, handles no signal and hears no event, while others stay', async () => {
    const [gone, stays] = [room(hub, 18), room(hub, 19)]
    let heard = 0
    for (const { events } of [gone, stays]) events.listen(Changed, () => heard++)
    await gone.close()
    await gone.close()
    for (const { events } of [gone, stays]) events.emit(Changed, 1)
    expect(heard).toBe(1)
    expect((await gone.client.read())._unsafeUnwrapErr().kind).toBe('noProvider')
    expect(gone.client.unit()._unsafeUnwrapErr().kind).toBe('noProvider')
    expect(gone.client.reset()._unsafeUnwrapErr().kind).toBe('noHandler')
    expect((await stays.client.read())._unsafeUnwrap()).toBe(19)
    expect(stays.client.reset().isOk()).toBe(true)
  })

  it('leaves nothing behind in the hub', async () => {
    const instance = room(hub)
    instance.events.listen(Changed, () => {})
    await instance[Symbol.asyncDispose]()
    expect(hub.contextCount).toBe(0)
  })

  it('is never answered by somebody in the default context', async () => {
    const context = BrokerContext.default
    const inDefault = implement(Thermostat, new Room(1), { hub, context })._unsafeUnwrap()
    const gone = room(hub, 18)
    await gone.close()
    expect((await gone.client.read())._unsafeUnwrapErr().kind).toBe('noProvider')
    expect((await inDefault.client.read())._unsafeUnwrap()).toBe(1)
  })

  it('is closed in the default context too', async () => {
    const context = BrokerContext.default
    const instance = implement(Thermostat, new Room(1), { hub, context })._unsafeUnwrap()
    await instance.close()
    expect((await new RequestBroker(hub).request(Read))._unsafeUnwrapErr().kind).toBe('noProvider')
    expect(new SignalBroker(hub).has(Reset)).toBe(false)
    expect(implement(Thermostat, new Room(2), { hub, context }).isOk()).toBe(true)
  })

  it('makes room for the next one, which closing it again does not touch', async () => {
    const first = room(hub, 18)
    await first.close()
    const { context } = first
    const second = implement(Thermostat, new Room(19), { hub, context })._unsafeUnwrap()
    await first.close()
    expect((await second.client.read())._unsafeUnwrap()).toBe(19)
  })
})

describe('a second implementation in a context', () => {
  it.each([
    [
      'a request',
      (context: BrokerContext) => new RequestBroker(hub, context).provide(Adjust, (n) => ok(n)),
      'alreadyProvided'
    ],
    [
      'a signal',
      (context: BrokerContext) => new SignalBroker(hub, context).on(Reset, () => {}),
      'alreadyHandled'
    ]
  ])('is refused over %s that is taken, and nothing of it stays', async (_, take, kind) => {
    const context = BrokerContext.create()
    take(context)
    const refused = implement(Thermostat, new Room(), { hub, context })
    expect(refused._unsafeUnwrapErr()).toMatchObject({ name: 'BrokerError', kind })
    expect(new RequestBroker(hub, context).isProvided(Read)).toBe(false)
  })

  it('leaves the first one and its listeners intact', async () => {
    const first = room(hub, 18)
    const heard: number[] = []
    first.events.listen(Changed, (celsius) => heard.push(celsius))
    const refused = implement(Thermostat, new Room(19), { hub, context: first.context })
    expect(refused._unsafeUnwrapErr().kind).toBe('alreadyProvided')
    new EventBroker(hub, first.context).emit(Changed, 1)
    expect((await first.client.read())._unsafeUnwrap()).toBe(18)
    expect([first.client.reset().isOk(), heard]).toEqual([true, [1]])
  })

  it('is refused over events alone, until the first one is closed', async () => {
    const Weather = defineInterface('weather', { events: { changed: Changed } })
    const context = BrokerContext.create()
    const first = implement(Weather, {}, { hub, context })._unsafeUnwrap()
    const heard: number[] = []
    first.events.listen(Changed, (celsius) => heard.push(celsius))
    const refused = implement(Weather, {}, { hub, context })._unsafeUnwrapErr()
    expect(refused).toMatchObject({ name: 'BrokerError', kind: 'alreadyProvided' })
    expect(refused.message).toContain('"weather"')
    first.events.emit(Changed, 1)
    await first.close()
    expect([heard, hub.contextCount]).toEqual([[1], 0])
    const second = implement(Weather, {}, { hub, context })
    await first.close()
    expect([second.isOk(), implement(Weather, {}, { hub, context }).isErr()]).toEqual([true, true])
  })

  it('is welcome when it implements another interface', () => {
    const { context } = room(hub)
    const Weather = defineInterface('weather', { events: { changed: Changed } })
    expect(implement(Weather, {}, { hub, context }).isOk()).toBe(true)
  })
})

describe('creating an instance', () => {
  it.each([
    ['an object', () => new Room(18)],
    ['a promise', async () => new Room(18)],
    ['a result', () => ok(new Room(18))],
    ['a promise of a result', async () => ok(new Room(18))]
  ])('takes %s from the constructor', async (_, construct) => {
    const { client } = (await createInstance(Thermostat, construct, { hub }))._unsafeUnwrap()
    expect((await client.read())._unsafeUnwrap()).toBe(18)
  })

  it('gives the constructor the context of the instance, and wires after it', async () => {
    let wired: boolean | undefined
    const made = await createInstance(
      Thermostat,
      ({ context, events, requests }) => {
        wired = requests.isProvided(Read)
        expect([events.context, requests.context]).toEqual([context, context])
        return new Room()
      },
      { hub }
    )
    expect([wired, made._unsafeUnwrap().requests.isProvided(Read)]).toEqual([false, true])
  })

  it.each([
    ['an Err', () => err({ reason: 'no sensor' }), { reason: 'no sensor' }],
    ['a promise of an Err', async () => err({ reason: 'no sensor' }), { reason: 'no sensor' }],
    [
      'a throw',
      (): Room => {
        throw new Error('no sensor')
      },
      { kind: 'factoryFailed', cause: { message: 'no sensor' } }
    ],
    [
      'a rejection',
      () => Promise.reject<Room>(new Error('no sensor')),
      { kind: 'factoryFailed', cause: { message: 'no sensor' } }
    ]
  ])('answers %s of the constructor, wires nothing and leaves nothing', async (_, construct, expected) => {
    const listening = ({ events }: InstanceScope): Room => {
      events.listen(Changed, () => {})
      return construct() as Room
    }
    const made = await createInstance(Thermostat, listening, { hub })
    expect(made._unsafeUnwrapErr()).toMatchObject(expected)
    expect(hub.contextCount).toBe(0)
  })

  it('leaves the listeners in a given context alone when it fails', async () => {
    const { context, events } = room(hub)
    events.listen(Changed, () => {})
    const refused = await createInstance(Thermostat, () => new Room(), { hub, context })
    expect(refused._unsafeUnwrapErr()).toMatchObject({ kind: 'alreadyProvided' })
    expect(events.listenerCount(Changed)).toBe(1)
  })

  it('takes an implementation for what it is, also with the methods of a Result', async () => {
    const Verdict = defineInterface('verdict', {
      requests: {
        isOk: defineRequest<void, boolean>('verdict.isOk'),
        isErr: defineRequest<void, boolean>('verdict.isErr')
      }
    })
    const construct = () => ({ isOk: () => false, isErr: () => true })
    const { client } = (await createInstance(Verdict, construct, { hub }))._unsafeUnwrap()
    expect((await client.isErr())._unsafeUnwrap()).toBe(true)
  })
})
