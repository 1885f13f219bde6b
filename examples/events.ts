// One event, many listeners: delivery in order of registration, a failing listener that hurts nobody else, and the
// stream of failures.
import { setTimeout as sleep } from 'node:timers/promises'
import { defineEvent, EventBroker } from 'persistency/brokers'
import { filter, map } from 'rxjs'

const OrderPlaced = defineEvent<{ id: number; lamps: number }>('order-placed')
const events = new EventBroker()

const watching = events.listenerErrors.subscribe(({ event, error }) => {
  console.log(`a listener of ${event} failed: ${error instanceof Error ? error.message : error}`)
})

events.listen(OrderPlaced, ({ id }) => console.log(`stock: order ${id}`))
events.listen(OrderPlaced, ({ id }) => {
  if (id === 1) throw new Error('the printer is out of paper')
})
const mail = events.listen(OrderPlaced, async ({ id }, { signal }) => {
  await sleep(10, undefined, { signal }) // the signal fires when this listener is dropped
  console.log(`mail: order ${id}`)
})
const large = events.on(OrderPlaced).pipe(
  filter(({ lamps }) => lamps > 5),
  map(({ id }) => `large order: ${id}`)
)
const subscription = large.subscribe((text) => console.log(text))

// Returns when every listener has run to its first await; never throws.
events.emit(OrderPlaced, { id: 1, lamps: 2 })
console.log('emitted')

// Waits for all of them and keeps every outcome, in the order of registration.
const outcomes = await events.emitSettled(OrderPlaced, { id: 2, lamps: 10 })
console.log(outcomes.map(({ status }) => status).join(', '))

console.log('all runs of mail have ended:', await mail.drop())
subscription.unsubscribe()
watching.unsubscribe()
await events.dropAll(OrderPlaced)
console.log('listeners left:', events.listenerCount(OrderPlaced))
