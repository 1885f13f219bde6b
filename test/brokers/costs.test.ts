/** What one more costs where there are many already. */
import { expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  defineEvent,
  defineMultiRequest,
  defineSignal,
  EventBroker,
  MultiRequestBroker,
  SignalBroker
} from 'persistency/brokers'
import { gate } from '../support/brokers-async.js'
import { CONSTANT, cost, growth, LINEAR } from '../support/growth.js'

const Note = defineEvent('costs.note')
const Ask = defineMultiRequest<void, number>('costs.ask')
const Save = defineSignal<number>('costs.save', { queueDepth: 1_000_000 })

const brokers = () => {
  const hub = new BrokerHub()
  const context = BrokerContext.create()
  return {
    events: new EventBroker(hub, context),
    parts: new MultiRequestBroker(hub, context),
    signals: new SignalBroker(hub, context)
  }
}

// Beyond some 16 000 items the engine moves an array to take the first one out.
it('a signal is handled as fast however many wait behind it', async () => {
  const handled = (n: number): Promise<number> => {
    const { signals } = brokers()
    const last = gate()
    signals.on(Save, (index) => {
      if (index === n) last.open()
    })
    for (let index = 1; index <= n; index++) signals.signal(Save, index)
    return cost(() => last.opened)
  }
  expect(await growth(LINEAR, 8000, handled)).toBeLessThan(LINEAR)
}, 120_000)

it('a listener is added and dropped as fast however many there are', async () => {
  const addedAndDropped = (n: number): Promise<number> => {
    const { events } = brokers()
    return cost(() => {
      const handles = Array.from({ length: n }, () => events.listen(Note, () => {}))
      for (const handle of handles) void handle.drop()
    })
  }
  expect(await growth(LINEAR, 2000, addedAndDropped)).toBeLessThan(LINEAR)
}, 120_000)

it('a listener that comes and goes takes as long however many others there are', async () => {
  const crowds = new Map<number, EventBroker>()
  const cameAndWent = (n: number): Promise<number> => {
    const events = crowds.get(n) ?? brokers().events
    if (!crowds.has(n)) for (let index = 0; index < n; index++) events.listen(Note, () => {})
    crowds.set(n, events)
    return cost(() => {
      for (let index = 0; index < 2000; index++) void events.listen(Note, () => {}).drop()
    })
  }
  // The number of those that come and go is the same: what does not depend on the others grows not at all.
  expect(await growth(CONSTANT, 2000, cameAndWent)).toBeLessThan(CONSTANT)
}, 120_000)

it('all listeners are dropped together as fast as one by one', async () => {
  const dropped = (n: number): Promise<number> => {
    const { events } = brokers()
    for (let index = 0; index < n; index++) events.listen(Note, () => {})
    return cost(() => events.dropAll(Note))
  }
  expect(await growth(LINEAR, 2000, dropped)).toBeLessThan(LINEAR)
}, 120_000)

it('a provider of a multi-request is added and removed as fast however many there are', async () => {
  const addedAndRemoved = (n: number): Promise<number> => {
    const { parts } = brokers()
    return cost(() => {
      const handles = Array.from({ length: n }, (_, index) => parts.provide(Ask, () => index)._unsafeUnwrap())
      for (const handle of handles) handle.remove()
    })
  }
  expect(await growth(LINEAR, 1000, addedAndRemoved)).toBeLessThan(LINEAR)
}, 120_000)
