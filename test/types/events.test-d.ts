import {
  BrokerContext,
  BrokerHub,
  defineEvent,
  EventBroker,
  type EventDefinition,
  type ListenerError,
  type ListenerHandle,
  type ListenerOutcome,
  type ListenerScope,
  type WireCodec
} from 'persistency/brokers'
import { map, type Observable } from 'rxjs'
import { expectType } from './expect-type.js'

interface OrderPlaced {
  readonly id: number
  readonly lamps?: number
}
type Weather = { readonly kind: 'rain'; readonly mm: number } | { readonly kind: 'sun' }

const Placed = defineEvent<OrderPlaced>('order-placed')
const Forecast = defineEvent<Weather>('forecast')
const Tick = defineEvent('tick')
const Maybe = defineEvent<string | undefined>('maybe')
const Anything = defineEvent<unknown>('anything')
const events = new EventBroker()
declare const numbers: WireCodec<number>

// Definitions

expectType(Placed).is<EventDefinition<OrderPlaced>>()
expectType(Tick).is<EventDefinition<void>>()
expectType(Placed.kind).is<'event'>()
defineEvent<string>('text', {
  codec: { write: (writer, text) => writer.text(text), read: (reader) => reader.text() }
})

// @ts-expect-error an event needs a name
defineEvent()
// @ts-expect-error the name is a string
defineEvent(5)
// @ts-expect-error an option of no known name
defineEvent<string>('text', { codecs: undefined })
// @ts-expect-error a codec of another type
defineEvent<string>('text', { codec: numbers })
// @ts-expect-error a codec without a reading half
defineEvent<string>('text', { codec: { write: (writer, text: string) => writer.text(text) } })
// @ts-expect-error definitions do not change
Placed.name = 'other'

// Emitting

expectType(events.emit(Placed, { id: 1 })).is<void>()
events.emit(Placed, { id: 1, lamps: 2 })
events.emit(Forecast, { kind: 'rain', mm: 3 })
events.emit(Tick)
events.emit(Maybe, undefined)
events.emit(Maybe, 'text')
events.emit(Anything, Symbol.iterator)
expectType(events.emitSettled(Placed, { id: 1 })).is<Promise<ListenerOutcome[]>>()
events.emitSettled(Tick)

// @ts-expect-error the payload is missing
events.emit(Placed)
// @ts-expect-error a field of the wrong type
events.emit(Placed, { id: '1' })
// @ts-expect-error a field is missing
events.emit(Placed, {})
// @ts-expect-error a field of no known name
events.emit(Placed, { id: 1, lamp: 2 })
// @ts-expect-error undefined is no payload
events.emit(Placed, undefined)
// @ts-expect-error an event without a payload takes none
events.emit(Tick, { id: 1 })
// @ts-expect-error null is a payload, too
events.emit(Tick, null)
// @ts-expect-error two payloads
events.emit(Placed, { id: 1 }, { id: 2 })
// @ts-expect-error a variant that does not exist
events.emit(Forecast, { kind: 'snow' })
// @ts-expect-error a variant without its field
events.emit(Forecast, { kind: 'rain' })
// @ts-expect-error a payload that may be undefined has to be said
events.emit(Maybe)
// @ts-expect-error a name is no definition
events.emit('order-placed', { id: 1 })
// @ts-expect-error the payload is missing
events.emitSettled(Placed)
// @ts-expect-error a payload of the wrong type
events.emitSettled(Placed, 'text')
// @ts-expect-error an event without a payload takes none
events.emitSettled(Tick, 1)

// Outcomes

declare const outcome: ListenerOutcome
if (outcome.status === 'rejected') expectType(outcome.reason).is<unknown>()
// @ts-expect-error only failures have a reason
outcome.reason
// @ts-expect-error a status that does not exist
if (outcome.status === 'pending') throw outcome

// Listening

expectType(events.listen(Placed, () => {})).is<ListenerHandle>()
events.listen(Placed, (payload, scope) => {
  expectType(payload).is<OrderPlaced>()
  expectType(scope).is<ListenerScope>()
  expectType(scope.signal).is<AbortSignal>()
})
events.listen(Placed, async ({ id }) => id)
events.listen(Placed, ({ id }: { id: number }) => id)
events.listen(Forecast, (weather) => {
  if (weather.kind === 'rain') expectType(weather.mm).is<number>()
})
events.listen(Tick, (payload) => expectType(payload).is<void>())
events.listen(Maybe, (text) => expectType(text).is<string | undefined>())
events.listen(Anything, (value) => expectType(value).is<unknown>())

// @ts-expect-error the handler is missing
events.listen(Placed)
// @ts-expect-error a handler for another type
events.listen(Placed, (text: string) => text)
// @ts-expect-error a handler that needs a field which the payload need not have
events.listen(Placed, (order: { id: number; lamps: number }) => order)
// @ts-expect-error a handler for one variant only
events.listen(Forecast, (rain: { kind: 'rain'; mm: number }) => rain)
// @ts-expect-error a handler that takes no undefined
events.listen(Maybe, (text: string) => text)
// @ts-expect-error a handler of an event without a payload that wants one
events.listen(Tick, (n: number) => n)
// @ts-expect-error a handler with more parameters than there are
events.listen(Placed, (_payload: OrderPlaced, _scope: ListenerScope, _more: string) => {})
// @ts-expect-error payloads are read-only when they say so
events.listen(Placed, (order) => (order.id = 2))

// Dropping

declare const handle: ListenerHandle
expectType(handle.drop()).is<Promise<boolean>>()
handle.drop({ graceMs: 10 })
events.dropAll(Placed, { graceMs: 10 })
// @ts-expect-error an option of no known name
handle.drop({ graceMS: 10 })
// @ts-expect-error a duration is a number
events.dropAll(Placed, { graceMs: '10' })
// @ts-expect-error a handle does not change
handle.active = false

// Streams

expectType(events.on(Placed)).is<Observable<OrderPlaced>>()
expectType(events.on(Tick)).is<Observable<void>>()
expectType(events.on(Placed).pipe(map(({ id }) => `${id}`))).is<Observable<string>>()
expectType(events.listenerErrors).is<Observable<ListenerError>>()
events.listenerErrors.subscribe(({ error, context, event }) => {
  expectType(error).is<unknown>()
  expectType(context).is<BrokerContext>()
  expectType(event).is<string>()
})
// @ts-expect-error a subscriber of another type
events.on(Placed).subscribe((text: string) => text)
// @ts-expect-error an operator of another type
events.on(Placed).pipe(map((text: string) => text))

// Brokers and contexts

expectType(events.in(BrokerContext.create())).is<EventBroker>()
new EventBroker(new BrokerHub(), BrokerContext.create('tenant'))
expectType(BrokerContext.create().run(() => 5)).is<number>()
expectType(BrokerContext.create().run(async () => 'text')).is<Promise<string>>()
expectType(BrokerContext.create().parent).is<BrokerContext | undefined>()
// @ts-expect-error contexts are made with create
new BrokerContext('id', 'label', undefined)
// @ts-expect-error an id is no context
events.in('tenant')
// @ts-expect-error the hub comes first
new EventBroker(BrokerContext.create())
// @ts-expect-error a context looks like one but is none
events.in({ id: 'tenant', label: 'tenant' })
// @ts-expect-error the current context is changed with run
BrokerContext.current = BrokerContext.default
