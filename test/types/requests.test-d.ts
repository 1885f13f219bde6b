import { err, errAsync, ok, okAsync, type Result, type ResultAsync } from 'neverthrow'
import {
  BrokerContext,
  type BrokerError,
  type BrokerErrorKind,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  MultiRequestBroker,
  type ProviderCall,
  type ProviderHandle,
  RequestBroker,
  type RequestDefinition,
  type RequestProvider,
  type WireCodec
} from 'persistency/brokers'
import { expectType } from './expect-type.js'

interface City {
  readonly city: string
}
interface Forecast {
  readonly tempC: number
}
interface NoSuchCity {
  readonly kind: 'noSuchCity'
}

const Weather = defineRequest<City, Forecast, NoSuchCity>('weather')
const Find = defineRequest<string, string | undefined>('find')
const Count = defineRequest<void, number>('count')
const Stop = defineRequest<void, void, 'busy'>('stop')
const Save = defineRequest<City, void>('save')
const requests = new RequestBroker()
declare const numbers: WireCodec<number>
declare const body: () => void

// Definitions

expectType(Weather).is<RequestDefinition<City, Forecast, NoSuchCity>>()
expectType(Count).is<RequestDefinition<void, number, never>>()
expectType(Weather.sync).is<boolean>()
defineRequest<string, number>('length', {
  timeoutMs: 100,
  codec: {
    payload: { write: (writer, text) => writer.text(text), read: (reader) => reader.text() },
    response: { write: (writer, n) => writer.u32(n), read: (reader) => reader.u32() }
  }
})

// @ts-expect-error a request needs a name
defineRequest<City, Forecast>()
// @ts-expect-error a request has a response
defineRequest<City>('weather')
// @ts-expect-error an option of no known name
defineRequest<City, Forecast>('weather', { timeout: 100 })
// @ts-expect-error a time limit is a number
defineRequest<City, Forecast>('weather', { timeoutMs: '100' })
// @ts-expect-error a codec of another type for the payload
defineRequest<City, Forecast>('weather', { codec: { payload: numbers } })
// @ts-expect-error a codec of the error where there is none
defineRequest<City, Forecast>('weather', { codec: { error: numbers } })
// @ts-expect-error definitions do not change
Weather.timeoutMs = 5

// Requesting

expectType(requests.request(Weather, { city: 'Riga' })).is<ResultAsync<Forecast, NoSuchCity | BrokerError>>()
expectType(requests.request(Find, 'text')).is<ResultAsync<string | undefined, BrokerError>>()
expectType(requests.request(Count)).is<ResultAsync<number, BrokerError>>()
expectType(requests.request(Stop)).is<ResultAsync<void, 'busy' | BrokerError>>()
requests.request(Weather, { city: 'Riga' }, { timeoutMs: 10, signal: AbortSignal.timeout(10) })
requests.request(Count, undefined, { timeoutMs: 10 })

// @ts-expect-error the payload is missing
requests.request(Weather)
// @ts-expect-error undefined is no payload
requests.request(Weather, undefined)
// @ts-expect-error a field of the wrong type
requests.request(Weather, { city: 5 })
// @ts-expect-error a field of no known name
requests.request(Weather, { city: 'Riga', country: 'LV' })
// @ts-expect-error a payload of the wrong type
requests.request(Find, { text: 'text' })
// @ts-expect-error a request without a payload takes none
requests.request(Count, { city: 'Riga' })
// @ts-expect-error options are no payload
requests.request(Count, { timeoutMs: 10 })
// @ts-expect-error an option of no known name
requests.request(Weather, { city: 'Riga' }, { timeout: 10 })
// @ts-expect-error a time limit is a number
requests.request(Weather, { city: 'Riga' }, { timeoutMs: '10' })
// @ts-expect-error a controller is no signal
requests.request(Weather, { city: 'Riga' }, { signal: new AbortController() })
// @ts-expect-error an event is not asked
requests.request(defineEvent<City>('event'), { city: 'Riga' })
// @ts-expect-error a name is no definition
requests.request('weather', { city: 'Riga' })

// Answers

const answer = await requests.request(Weather, { city: 'Riga' })
expectType(answer).is<Result<Forecast, NoSuchCity | BrokerError>>()
// @ts-expect-error a value has to be unpacked
answer.value
// @ts-expect-error a value of the wrong type
const _text: string = answer.unwrapOr({ tempC: 1 })
if (answer.isOk()) expectType(answer.value.tempC).is<number>()
// @ts-expect-error a field that the response does not have
else if (answer.error.tempC) throw answer

/** Every way a request can fail has to be named, or this does not compile. */
export function explain(error: NoSuchCity | BrokerError): string {
  switch (error.kind) {
    case 'noSuchCity':
      return 'no such city'
    case 'noProvider':
    case 'alreadyProvided':
    case 'providerFailed':
    case 'timeout':
    case 'aborted':
    case 'notSendable':
    case 'disconnected':
    case 'startFailed':
    case 'overloaded':
    case 'noHandler':
    case 'alreadyHandled':
    case 'queueFull':
    case 'noFactory':
    case 'factoryFailed':
      return error.message
    default:
      return error satisfies never
  }
}

export function explainSome(kind: BrokerErrorKind): string {
  switch (kind) {
    case 'timeout':
      return 'too slow'
    default:
      // @ts-expect-error there are other kinds
      return kind satisfies never
  }
}

// @ts-expect-error a kind that does not exist
const _kind: BrokerErrorKind = 'lost'

// Providing

expectType(requests.provide(Weather, () => ({ tempC: 5 }))).is<Result<ProviderHandle, BrokerError>>()
expectType(requests.replace(Weather, () => ({ tempC: 5 }))).is<ProviderHandle>()
requests.provide(Weather, (payload, call) => {
  expectType(payload).is<City>()
  expectType(call).is<ProviderCall>()
  expectType(call.signal).is<AbortSignal>()
  return { tempC: 5 }
})
requests.provide(Weather, async () => ({ tempC: 5 }))
requests.provide(Weather, () => ok({ tempC: 5 }))
requests.provide(Weather, () => err({ kind: 'noSuchCity' as const }))
requests.provide(Weather, async ({ city }) =>
  city === '' ? err({ kind: 'noSuchCity' as const }) : { tempC: 5 }
)
requests.provide(Weather, () => okAsync({ tempC: 5 }))
requests.provide(Weather, () => errAsync({ kind: 'noSuchCity' as const }))
requests.provide(Weather, ({ city }) =>
  requests
    .in(BrokerContext.default)
    .request(Find, city)
    .map(() => ({ tempC: 5 }))
    .mapErr(() => ({ kind: 'noSuchCity' as const }))
)
requests.provide(Find, (text) => (text === '' ? undefined : text))
requests.provide(Count, () => 5)
requests.provide(Save, () => {})
requests.provide(Save, async () => {})
requests.provide(Stop, () => err('busy'))
requests.provide(Stop, () => ok())
expectType(requests.provider(Weather)).is<RequestProvider<City, Forecast, NoSuchCity> | undefined>()

// @ts-expect-error the provider is missing
requests.provide(Weather)
// @ts-expect-error a response of the wrong type
requests.provide(Weather, () => ({ tempC: '5' }))
// @ts-expect-error a response without its field
requests.provide(Weather, () => ({}))
// @ts-expect-error a response that may be missing
requests.provide(Weather, ({ city }) => (city === '' ? undefined : { tempC: 5 }))
// @ts-expect-error no response at all
requests.provide(Weather, () => {})
// @ts-expect-error a promise of the wrong type
requests.provide(Weather, async () => ({ tempC: '5' }))
// @ts-expect-error a promise of a response that may be missing
requests.provide(Weather, async ({ city }) => (city === '' ? undefined : { tempC: 5 }))
// @ts-expect-error a Result of the wrong type
requests.provide(Weather, () => ok({ tempC: '5' }))
// @ts-expect-error an error of the wrong type
requests.provide(Weather, () => err('noSuchCity'))
// @ts-expect-error an error of a kind that is not declared
requests.provide(Weather, () => err({ kind: 'noSuchCountry' as const }))
// @ts-expect-error a promise of an error of the wrong type
requests.provide(Weather, async () => err('noSuchCity'))
// @ts-expect-error an error where none is declared
requests.provide(Count, () => err('none'))
// @ts-expect-error a response that is not a string or undefined
requests.provide(Find, () => 5)
// @ts-expect-error null is not undefined
requests.provide(Find, () => null)
// @ts-expect-error a provider for another payload
requests.provide(Weather, (text: string) => ({ tempC: text.length }))
// @ts-expect-error a provider that needs a field which the payload does not have
requests.provide(Weather, ({ country }: { city: string; country: string }) => ({ tempC: country.length }))
// @ts-expect-error a provider that wants a payload where there is none
requests.provide(Count, (n: number) => n)
// @ts-expect-error a response is no provider
requests.provide(Weather, { tempC: 5 })

// Replacing

expectType(
  requests.withProvider(
    Weather,
    () => ({ tempC: 5 }),
    async () => 'result'
  )
).is<Promise<string>>()
expectType(
  requests.withProvider(
    Weather,
    () => ({ tempC: 5 }),
    () => 5
  )
).is<Promise<number>>()
expectType(
  requests.withProvider(
    Count,
    () => 5,
    () => requests.request(Count)
  )
).is<Promise<Result<number, BrokerError>>>()

// @ts-expect-error a response of the wrong type
requests.replace(Weather, () => ({ tempC: '5' }))
// @ts-expect-error a response without its field
requests.replace(Weather, () => ({}))
// @ts-expect-error an error of the wrong type
requests.replace(Weather, () => err('noSuchCity'))
// @ts-expect-error a mock of the wrong type
requests.withProvider(Weather, () => ({ tempC: '5' }), body)
// @ts-expect-error a mock without its field
requests.withProvider(Weather, () => ({}), body)
// @ts-expect-error the body is missing
requests.withProvider(Weather, () => ({ tempC: 5 }))

// Handles

declare const handle: ProviderHandle
expectType(handle.remove()).is<void>()
// @ts-expect-error a handle does not change
handle.active = false
// @ts-expect-error a Result is no handle
requests.provide(Weather, () => ({ tempC: 5 })).remove()

const Health = defineMultiRequest<void, { part: string; ok: boolean }>('types.health')
const multi = new MultiRequestBroker()
multi.provide(Health, () => ({ part: 'disk', ok: true }))
// @ts-expect-error a response without a field
multi.provide(Health, () => ({ part: 'disk' }))
// @ts-expect-error a response without a field, later
multi.provide(Health, async () => ({ part: 'disk' }))

// Asking everybody

const Price = defineMultiRequest<{ item: string; count: number }, number>('types.price')
declare const item: { item: string }
declare const anything: unknown
multi.request(Price, { item: 'lamp', count: 1 }, { timeoutMs: 10 })
multi.requestSettled(Price, { item: 'lamp', count: 1 }, { timeoutMs: 10 })
multi.request(Health)
multi.requestSettled(Health, undefined, { timeoutMs: 10 })
// @ts-expect-error the payload is missing
multi.request(Price)
// @ts-expect-error a payload without a field
multi.request(Price, item)
// @ts-expect-error a payload of no known type
multi.request(Price, anything)
// @ts-expect-error a payload without a field
multi.requestSettled(Price, item)
// @ts-expect-error a payload of no known type
multi.requestSettled(Price, anything)
