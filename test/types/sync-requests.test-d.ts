import { err, ok, okAsync, type Result, type ResultAsync } from 'neverthrow'
import {
  type BrokerError,
  defineRequest,
  RequestBroker,
  type RequestDefinition,
  type SyncRequestDefinition
} from 'persistency/brokers'
import { expectType } from './expect-type.js'

const Add = defineRequest<readonly [number, number], number, 'overflow'>('add', { sync: true })
const Reset = defineRequest<void, void>('reset', { sync: true })
const Later = defineRequest<string, number>('later')
const AlsoLater = defineRequest<string, number>('also-later', { sync: false })
const requests = new RequestBroker()
declare const body: () => void

// Definitions

expectType(Add).is<SyncRequestDefinition<readonly [number, number], number, 'overflow'>>()
expectType(Add.sync).is<true>()
expectType(AlsoLater).is<RequestDefinition<string, number>>()

// Requesting

expectType(requests.requestSync(Add, [1, 2])).is<Result<number, 'overflow' | BrokerError>>()
expectType(requests.requestSync(Reset)).is<Result<void, BrokerError>>()
expectType(requests.request(Add, [1, 2])).is<ResultAsync<number, 'overflow' | BrokerError>>()

// @ts-expect-error the payload is missing
requests.requestSync(Add)
// @ts-expect-error a payload of the wrong type
requests.requestSync(Add, [1, '2'])
// @ts-expect-error a payload of the wrong length
requests.requestSync(Add, [1, 2, 3])
// @ts-expect-error a request without a payload takes none
requests.requestSync(Reset, 5)
// @ts-expect-error a synchronous call has no time limit
requests.requestSync(Add, [1, 2], { timeoutMs: 10 })
// @ts-expect-error a request that is not synchronous
requests.requestSync(Later, 'text')
// @ts-expect-error a request that says it is not synchronous
requests.requestSync(AlsoLater, 'text')
// @ts-expect-error the answer is there, not to come
requests.requestSync(Add, [1, 2]).then(() => {})

// Providing

requests.provide(Add, ([a, b]) => a + b)
requests.provide(Add, () => err('overflow'))
requests.provide(Add, ([a, b]) => (a + b > 99 ? err('overflow' as const) : ok(a + b)))
requests.provide(Reset, () => {})
requests.provide(Reset, () => ok())
requests.replace(Add, ([a, b]) => a - b)

// @ts-expect-error a provider that answers with a promise
requests.provide(Add, async ([a, b]) => a + b)
// @ts-expect-error a provider that answers with a promise of a Result
requests.provide(Add, async ([a, b]) => ok(a + b))
// @ts-expect-error a provider that answers with a ResultAsync
requests.provide(Add, ([a, b]) => okAsync(a + b))
// @ts-expect-error a provider that may answer with a promise
requests.provide(Add, ([a, b]) => (a > b ? Promise.resolve(a) : b))
// @ts-expect-error a response of the wrong type
requests.provide(Add, ([a, b]) => `${a}${b}`)
// @ts-expect-error an error of the wrong type
requests.provide(Add, () => err('underflow'))
// @ts-expect-error a provider that replaces another answers without a promise, too
requests.replace(Add, async ([a, b]) => a + b)
// @ts-expect-error a mock answers without a promise, too
requests.withProvider(Add, async ([a, b]) => a + b, body)
