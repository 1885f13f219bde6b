/** What one more costs where there are many already. */
import { expect, it } from '@jest/globals'
import { BrokerContext, BrokerHub, defineSignal, SignalBroker } from 'persistency/brokers'
import { gate } from '../support/brokers-async.js'
import { cost, growth, LINEAR } from '../support/growth.js'

const Save = defineSignal<number>('costs.save', { queueDepth: 1_000_000 })

const brokers = () => {
  const hub = new BrokerHub()
  const context = BrokerContext.create()
  return { signals: new SignalBroker(hub, context) }
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
  expect(await growth(LINEAR, 12_000, handled)).toBeLessThan(LINEAR)
}, 120_000)
