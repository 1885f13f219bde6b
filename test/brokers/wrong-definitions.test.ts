import { beforeEach, describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  clientOf,
  createFromFactory,
  createInstance,
  defineEvent,
  defineInterface,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  EventBroker,
  implement,
  MultiRequestBroker,
  provideFactory,
  RequestBroker,
  SignalBroker,
  type SyncRequestDefinition
} from 'persistency/brokers'

const Rang = defineEvent('wrong.rang')
const Ask = defineRequest<void, void>('wrong.ask')
const AskAll = defineMultiRequest<void, void>('wrong.ask-all')
const Wake = defineSignal('wrong.wake')
const handler = (): void => {}

const CIRCLE = '(modules that import each other in a circle see undefined)'

let hub: BrokerHub
let context: BrokerContext
let events: EventBroker
let requests: RequestBroker
let multi: MultiRequestBroker
let signals: SignalBroker

beforeEach(() => {
  hub = new BrokerHub()
  context = BrokerContext.create('wrong')
  events = new EventBroker(hub, context)
  requests = new RequestBroker(hub, context)
  multi = new MultiRequestBroker(hub, context)
  signals = new SignalBroker(hub, context)
})

type Calls<Definition> = [string, (wrong: Definition) => unknown][]

const ofEvents: Calls<typeof Rang> = [
  ['emit', (wrong) => events.emit(wrong)],
  ['emitSettled', (wrong) => events.emitSettled(wrong)],
  ['listen', (wrong) => events.listen(wrong, handler)],
  ['on', (wrong) => events.on(wrong)],
  ['listenerCount', (wrong) => events.listenerCount(wrong)],
  ['emit of the hub', (wrong) => hub.emit(context, wrong, undefined)],
  ['emitRun of the hub', (wrong) => hub.emitRun(context, wrong, [undefined])],
  ['listenToRuns of the hub', (wrong) => hub.listenToRuns(context, wrong, handler)]
]
const ofRequests: Calls<SyncRequestDefinition<void, void>> = [
  ['provide', (wrong) => requests.provide(wrong, handler)],
  ['replace', (wrong) => requests.replace(wrong, handler)],
  ['isProvided', (wrong) => requests.isProvided(wrong)],
  ['provider', (wrong) => requests.provider(wrong)],
  ['clear', (wrong) => requests.clear(wrong)],
  ['request', (wrong) => requests.request(wrong)],
  ['requestSync', (wrong) => requests.requestSync(wrong)],
  ['provide of the hub', (wrong) => hub.provide(context, wrong, handler)],
  ['replace of the hub', (wrong) => hub.replace(context, wrong, { handler, source: undefined })]
]
const ofMultiRequests: Calls<typeof AskAll> = [
  ['provide', (wrong) => multi.provide(wrong, handler)],
  ['providerCount', (wrong) => multi.providerCount(wrong)],
  ['clear', (wrong) => multi.clear(wrong)],
  ['request', (wrong) => multi.request(wrong)],
  ['requestSettled', (wrong) => multi.requestSettled(wrong)]
]
const ofSignals: Calls<typeof Wake> = [
  ['on', (wrong) => signals.on(wrong, handler)],
  ['replace', (wrong) => signals.replace(wrong, handler)],
  ['has', (wrong) => signals.has(wrong)],
  ['handler', (wrong) => signals.handler(wrong)],
  ['signal', (wrong) => signals.signal(wrong)]
]

describe.each([
  ['an event, as defineEvent makes it', ofEvents, Ask],
  ['a request, as defineRequest makes it', ofRequests, Rang],
  ['a multi-request, as defineMultiRequest makes it', ofMultiRequests, Ask],
  ['a signal, as defineSignal makes it', ofSignals, Rang]
] as const)('what is no message of its kind: %s', (wanted, calls, otherKind) => {
  it.each<Calls<never>[number]>(calls)('%s throws it back at once', (_, call) => {
    const got = (wrong: unknown): void => void call(wrong as never)
    const inACircle = new TypeError(`the message must be ${wanted}; got undefined ${CIRCLE}`)
    expect(() => got(undefined)).toThrow(inACircle)
    // It makes no difference whether there is something registered in the context.
    events.listen(Rang, handler)
    expect(() => got(undefined)).toThrow(inACircle)
    expect(() => got(null)).toThrow(new TypeError(`the message must be ${wanted}; got null`))
    expect(() => got('ring')).toThrow(new TypeError(`the message must be ${wanted}; got ring`))
    expect(() => got({ kind: otherKind.kind })).toThrow(TypeError)
    expect(() => got(otherKind)).toThrow(`got { kind: "${otherKind.kind}", name: "${otherKind.name}"`)
  })
})

it('calls that answer a promise of what they waited for reject', async () => {
  const wrong = undefined as never
  const calls = [
    events.dropAll(wrong),
    requests.withProvider(wrong, handler, handler),
    signals.withHandler(wrong, handler, handler),
    signals.drop(wrong)
  ]
  const ends = await Promise.allSettled(calls)
  for (const end of ends) {
    expect(end).toMatchObject({ reason: { message: expect.stringContaining(CIRCLE) } })
  }
})

it('swapped arguments are told by the message, not by the function', () => {
  const swapped = [handler, Rang] as never as [never, never]
  expect(() => events.listen(...swapped)).toThrow(/^the message must be an event.*\[function handler\]/)
  expect(() => requests.provide(...swapped)).toThrow(/^the message must be a request.*\[function handler\]/)
  expect(() => multi.provide(...swapped)).toThrow(/^the message must be a multi-request/)
  expect(() => signals.on(...swapped)).toThrow(/^the message must be a signal/)
})

it('a traced call with no request throws as well', async () => {
  const { channel } = await import('node:diagnostics_channel')
  const start = channel('tracing:persistency:request:start')
  start.subscribe(handler)
  try {
    const wrong: unknown = undefined
    expect(() => void requests.request(wrong as typeof Ask)).toThrow(CIRCLE)
    expect(() => requests.requestSync(wrong as SyncRequestDefinition<void, void>)).toThrow(CIRCLE)
  } finally {
    start.unsubscribe(handler)
  }
})

it('definitions that another copy of the package froze are welcome', async () => {
  const copies = [{ ...Rang }, { ...Ask }, { ...AskAll }, { ...Wake }] as const
  const heard: string[] = []
  events.listen(copies[0], () => heard.push('event'))
  events.emit(Rang)
  requests.provide(copies[1], () => void heard.push('request'))
  expect((await requests.request(Ask)).isOk()).toBe(true)
  multi.provide(copies[2], () => void heard.push('multiRequest'))
  expect((await multi.request(AskAll)).isOk()).toBe(true)
  expect(signals.on(copies[3], handler).isOk()).toBe(true)
  expect(signals.signal(Wake).isOk()).toBe(true)
  expect(heard).toEqual(['event', 'request', 'multiRequest'])
})

describe('an interface', () => {
  it('names the part that is no message of its kind', () => {
    const wrong = undefined as never
    expect(() => defineInterface('oven', { requests: { bake: wrong } })).toThrow(
      new TypeError(
        `requests.bake of interface "oven" must be a request, as defineRequest makes it; got undefined ${CIRCLE}`
      )
    )
    expect(() => defineInterface('oven', { signals: { stop: Rang as never } })).toThrow(/^signals\.stop of/)
    expect(() => defineInterface('oven', { events: { baked: Wake as never } })).toThrow(/^events\.baked of/)
  })

  it('is asked for where it is used', () => {
    const wrong = undefined as never
    const calls = [
      () => clientOf(wrong, context),
      () => implement(wrong, {}),
      () => void createInstance(wrong, () => ({})),
      () => provideFactory(wrong, handler as never),
      () => void createFromFactory(wrong, undefined)
    ]
    for (const call of calls) {
      expect(call).toThrow(
        new TypeError(`the interface must be one that defineInterface made; got undefined ${CIRCLE}`)
      )
    }
    expect(() => clientOf(Rang as never, context)).toThrow(TypeError)
  })
})
