import { describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  clientOf,
  defineEvent,
  defineInterface,
  EventBroker,
  implement,
  MultiRequestBroker,
  RequestBroker,
  SignalBroker
} from 'persistency/brokers'

const hub = new BrokerHub()
const context = BrokerContext.create('place')

/** What has a hub and a context, as a job does, and is neither. */
class Tenant {
  readonly id = 'tenant-1'
  readonly hub = hub
  readonly context = context
}
const tenant = new Tenant()

const notAContext = [
  ['a string', 'tenant-1', 'got tenant-1'],
  ['a job', tenant, 'got a Tenant: pass its .context'],
  ['an object with a context', { context }, 'got an object: pass its .context'],
  ['an id', { id: 'tenant-1' }, 'got { id: "tenant-1" }']
] as const

const notAHub = [
  ['a context', context, 'got a context, which is the second argument'],
  ['a job', tenant, 'got a Tenant: pass its .hub'],
  ['an object', { emit() {} }, 'got {'],
  ['a string', 'hub', 'got hub']
] as const

describe.each([
  ['EventBroker', EventBroker],
  ['RequestBroker', RequestBroker],
  ['MultiRequestBroker', MultiRequestBroker],
  ['SignalBroker', SignalBroker]
])('%s', (_, Broker) => {
  it.each(notAContext)('refuses as its context: %s', (_name, wrong, got) => {
    const message = `the context of a broker must be a BrokerContext; ${got}`
    expect(() => new Broker(hub, wrong as never)).toThrow(new TypeError(message))
    expect(() => new Broker().in(wrong as never)).toThrow(new TypeError(message))
  })

  it('refuses to speak in no context at all when it is asked for one', () => {
    expect(() => new Broker().in(undefined as never)).toThrow(TypeError)
    expect(() => new Broker().in(null as never)).toThrow(TypeError)
  })

  it.each(notAHub)('refuses as its hub: %s', (_name, wrong, got) => {
    expect(() => new Broker(wrong as never)).toThrow(TypeError)
    expect(() => new Broker(wrong as never)).toThrow(`the hub of a broker must be a BrokerHub; ${got}`)
  })

  it('follows the current context and the hub of the thread when it is given none', () => {
    for (const none of [undefined, null as never]) {
      const broker = new Broker(none, none)
      expect(context.run(() => broker.context)).toBe(context)
      expect(broker.context).toBe(BrokerContext.default)
    }
  })
})

it('an interface refuses a place that is none', () => {
  const Door = defineInterface('wrong-place.door', { events: { opened: defineEvent('wrong-place.opened') } })
  expect(() => clientOf(Door, tenant as never)).toThrow(/pass its \.context/)
  expect(() => implement(Door, {}, { context: 'hall' as never })).toThrow(TypeError)
  // What has both is a place.
  expect(implement(Door, {}, tenant).isOk()).toBe(true)
})
