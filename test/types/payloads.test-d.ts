import type { Result, ResultAsync } from 'neverthrow'
import {
  type BrokerError,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  EventBroker,
  type EventDefinition,
  MultiRequestBroker,
  type MultiRequestDefinition,
  type PayloadArgs,
  type RequestArgs,
  RequestBroker,
  type RequestDefinition,
  SignalBroker,
  type SignalDefinition,
  type SyncRequestDefinition
} from 'persistency/brokers'
import { expectType } from './expect-type.js'

const events = new EventBroker()
const requests = new RequestBroker()
const everybody = new MultiRequestBroker()
const signals = new SignalBroker()

// Functions that are generic over the payload

export function relay<P>(event: EventDefinition<P>, payload: P): void {
  events.emit(event, payload)
  events.emitSettled(event, payload)
  // @ts-expect-error the payload may be one that is needed
  events.emit(event)
  // @ts-expect-error another payload
  events.emit(event, 'text')
}

export function ask<P, R, F>(
  request: RequestDefinition<P, R, F>,
  payload: P
): ResultAsync<R, F | BrokerError> {
  requests.request(request, payload, { timeoutMs: 10 })
  // @ts-expect-error the payload may be one that is needed
  requests.request(request)
  // @ts-expect-error another payload
  requests.request(request, 'text')
  return requests.request(request, payload)
}

export function askAll<P, R>(request: MultiRequestDefinition<P, R>, payload: P) {
  return everybody.request(request, payload)
}

export function askSync<P, R>(request: SyncRequestDefinition<P, R>, payload: P): Result<R, BrokerError> {
  return requests.requestSync(request, payload)
}

export function tell<P extends object>(signal: SignalDefinition<P>, payload: P): void {
  signals.signal(signal, payload)
}

/** Passes on whatever the event takes. */
export function later<P>(event: EventDefinition<P>, ...args: PayloadArgs<P>): void {
  setTimeout(() => events.emit(event, ...args), 10)
}
later(defineEvent('tick'))
later(defineEvent<number>('count'), 5)
// @ts-expect-error the payload is missing
later(defineEvent<number>('count'))

// Payloads of any type

// biome-ignore lint/suspicious/noExplicitAny: it is what is tested
type Any = any
const Anything = defineEvent<Any>('anything')
events.emit(Anything, { a: 1 })
events.emitSettled(Anything, 'text')
requests.request(defineRequest<Any, number>('anything'), { a: 1 }, { timeoutMs: 10 })
requests.requestSync(defineRequest<Any, number>('anything', { sync: true }), 5)
everybody.request(defineMultiRequest<Any, number>('anything'), { a: 1 })
signals.signal(defineSignal<Any>('anything'), { a: 1 })
declare const several: EventDefinition<Any>[]
for (const event of several) events.emit(event, 1)

// Payloads that may be missing

events.emit(defineEvent<number | undefined>('maybe'), undefined)
// @ts-expect-error undefined has to be said
events.emit(defineEvent<number | undefined>('maybe'))
const Optional = defineRequest<{ a: number } | undefined, number>('optional')
expectType(requests.request(Optional, undefined)).is<ResultAsync<number, BrokerError>>()

// The arguments by themselves

declare const none: PayloadArgs<void>
expectType(none[0]).is<void | undefined>()
expectType<PayloadArgs<number>>([1]).is<[payload: number]>()
declare const noneOfRequest: RequestArgs<void>
expectType(noneOfRequest[1]?.timeoutMs).is<number | undefined>()
