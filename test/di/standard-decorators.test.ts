import { expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

/** Decorates by hand, as a compiler of standard decorators does. */
const SCRIPT = `
import '${import.meta.resolve('reflect-metadata')}'
import { container } from '${import.meta.resolve('tsyringe')}'
import { BrokerHub, defineEvent, defineMultiRequest, defineRequest, defineSignal } from 'persistency'
import { EventBroker, MultiRequestBroker, RequestBroker, SignalBroker } from 'persistency'
import { answers, bindHandlers, handles, listens, provides, registerBrokers } from 'persistency/di'
const Sold = defineEvent('standard.sold')
const Price = defineRequest('standard.price')
const Health = defineMultiRequest('standard.health')
const Restock = defineSignal('standard.restock')
const initializers = []
const decorate = (prototype, name, mark) =>
  mark(prototype[name], { kind: 'method', name, static: false, private: false, addInitializer: (run) => initializers.push(run) })
class Shop {
  sold = 0
  stock = 0
  constructor() {
    for (const run of initializers) run.call(this)
  }
  onSold(count) { this.sold += count }
  price(item) { return item.length }
  health() { return 'fine' }
  restock(count) { this.stock += count }
}
decorate(Shop.prototype, 'onSold', listens(Sold))
decorate(Shop.prototype, 'price', provides(Price))
decorate(Shop.prototype, 'health', answers(Health))
decorate(Shop.prototype, 'restock', handles(Restock))
decorate(Shop.prototype, 'onSold', listens(Sold))
const hub = new BrokerHub()
registerBrokers(container, hub)
const shops = [new Shop(), new Shop()]
const binding = bindHandlers(container, shops[0])._unsafeUnwrap()
container.resolve(EventBroker).emit(Sold, 2)
container.resolve(SignalBroker).signal(Restock, 5)
const price = (await container.resolve(RequestBroker).request(Price, 'pear')).value
const health = (await container.resolve(MultiRequestBroker).request(Health)).value
await binding.close()
container.resolve(EventBroker).emit(Sold, 2)
print({ price, health, shops, contexts: hub.contextCount })
function print(value) { console.log(JSON.stringify(value)) }
`

// One method is marked twice, as one that overrides a marked one is on each of its objects.
it('methods marked with standard decorators are connected for the one object that is bound', async () => {
  const { output, code, stderr } = await runScript(SCRIPT)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(output).toEqual({
    price: 4,
    health: ['fine'],
    shops: [
      { sold: 2, stock: 5 },
      { sold: 0, stock: 0 }
    ],
    contexts: 0
  })
})
