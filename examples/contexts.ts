// Contexts without storage: the same code runs for several tenants, each in a world of its own.
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BrokerContext,
  defineEvent,
  defineRequest,
  EventBroker,
  RequestBroker,
  unwrap
} from 'persistency/brokers'

const Price = defineRequest<{ lamps: number }, { cents: number }>('price')
const Quoted = defineEvent<{ cents: number }>('quoted')

// Brokers without a context follow the current one, so these two serve every tenant.
const events = new EventBroker()
const requests = new RequestBroker()

async function quote(lamps: number): Promise<void> {
  await sleep(1) // the context lasts across awaits
  const price = await requests.request(Price, { lamps })
  if (price.isOk()) events.emit(Quoted, price.value)
  else console.log(`${BrokerContext.current.label}: ${price.error.kind}`)
}

const acme = BrokerContext.create('acme')
const globex = BrokerContext.create('globex')
for (const [tenant, each] of [
  [acme, 1000],
  [globex, 900]
] as const) {
  unwrap(requests.in(tenant).provide(Price, ({ lamps }) => ({ cents: lamps * each })))
  events.in(tenant).listen(Quoted, ({ cents }) => console.log(`${tenant.label}: ${cents} cents`))
}

await acme.run(() => quote(3))
await globex.run(() => quote(3))
// Outside of any tenant, and in one that is derived from acme: there is no fallback.
await quote(3)
const warehouse = acme.child('acme/warehouse')
await warehouse.run(() => quote(3))
console.log('derived from:', warehouse.root.label)
