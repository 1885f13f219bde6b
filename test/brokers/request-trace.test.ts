import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { describe, expect, it } from '@jest/globals'
import { err } from 'neverthrow'
import { defineMultiRequest, MultiRequestBroker, type RequestTrace } from 'persistency/brokers'
import { eventOf, tracingNames, useChannels } from '../support/channels.js'
import { Add, Divide, Length, newRequests, Stop } from '../support/requests.js'

const Sizes = defineMultiRequest<string, number, string>('requests.sizes')
const NAMES = tracingNames('persistency:request')
const START = 'tracing:persistency:request:start'

const channels = useChannels()

describe('the tracing channel of requests', () => {
  it('tells of a request from its start to its answer, with one object', async () => {
    const { requests } = newRequests()
    requests.provide(Length, async (text) => text.length)
    const objects = new Set<unknown>()
    for (const name of NAMES) channels.on(name, (trace) => objects.add(trace))
    const heard = channels.record(...NAMES)
    expect((await requests.request(Length, 'four'))._unsafeUnwrap()).toBe(4)
    expect(heard.map(eventOf)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(objects.size).toBe(1)
    const about = { kind: 'request', request: 'requests.length', payload: 'four', traceparent: undefined }
    expect(heard[0]?.message).toEqual({ ...about, context: requests.context })
    expect(heard[2]?.message).toEqual({ ...about, context: requests.context, result: 4 })
  })

  it('tells of the failure before the answer', async () => {
    const { requests } = newRequests()
    requests.provide(Divide, async () => err({ reason: 'by zero' }))
    const heard = channels.record(...NAMES)
    await requests.request(Divide, { a: 1, b: 0 })
    expect(heard.map(eventOf)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(heard[2]?.message).toMatchObject({ error: { reason: 'by zero' } })
    await requests.request(Length, 'nobody')
    expect(heard.at(-1)?.message).toMatchObject({ error: { kind: 'noProvider' } })
    expect(heard.at(-1)?.message).not.toHaveProperty('result')
  })

  it('tells of a time limit that passed', async () => {
    const { requests } = newRequests()
    requests.provide(Stop, () => new Promise(() => {}))
    const heard = channels.record(...NAMES)
    await requests.request(Stop, undefined, { timeoutMs: 1 })
    expect(heard.at(-1)?.message).toMatchObject({ error: { kind: 'timeout' } })
  })

  it('tells of a synchronous request between start and end', () => {
    const { requests } = newRequests()
    requests.provide(Add, ([a, b]) => (a < 0 ? err('negative') : a + b))
    const heard = channels.record(...NAMES)
    expect(requests.requestSync(Add, [1, 2])._unsafeUnwrap()).toBe(3)
    expect(heard.map(eventOf)).toEqual(['start', 'end'])
    expect(heard[1]?.message).toMatchObject({ kind: 'requestSync', request: 'requests.add', result: 3 })
    heard.length = 0
    expect(requests.requestSync(Add, [-1, 2])._unsafeUnwrapErr()).toBe('negative')
    expect(heard.map(eventOf)).toEqual(['start', 'error', 'end'])
    expect(heard[2]?.message).toMatchObject({ error: 'negative' })
  })

  it('tells of a multi-request with its outcomes and the first failure', async () => {
    const { hub, requests } = newRequests()
    const multi = new MultiRequestBroker(hub, requests.context)
    multi.provide(Sizes, (text) => text.length)
    const heard = channels.record(...NAMES)
    expect((await multi.request(Sizes, 'abc'))._unsafeUnwrap()).toEqual([3])
    expect(heard.map(eventOf)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(heard[3]?.message).toMatchObject({
      kind: 'multiRequest',
      request: 'requests.sizes',
      result: [{ status: 'fulfilled', value: 3 }]
    })
    multi.provide(Sizes, () => err('first'))
    multi.provide(Sizes, () => err('second'))
    heard.length = 0
    await multi.requestSettled(Sizes, 'abc')
    expect(heard.map(eventOf)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(heard[2]?.message).toMatchObject({ error: 'first' })
  })

  it('tells nothing of a call that began before somebody subscribed', async () => {
    const { requests } = newRequests()
    let answer: (n: number) => void = () => {}
    requests.provide(Length, () => new Promise<number>((resolve) => (answer = resolve)))
    const calling = requests.request(Length, 'early')
    const heard = channels.record(...NAMES)
    answer(5)
    expect((await calling)._unsafeUnwrap()).toBe(5)
    expect(heard).toEqual([])
  })

  it('sets the stores that are bound to the start while the provider runs', async () => {
    const { requests } = newRequests()
    const store = new AsyncLocalStorage<string>()
    const { start } = tracingChannel<unknown, RequestTrace>('persistency:request')
    start.bindStore(store, ({ request }) => request)
    requests.provide(Length, async () => (store.getStore() === 'requests.length' ? 1 : 0))
    expect((await requests.request(Length, ''))._unsafeUnwrap()).toBe(1)
    start.unbindStore(store)
    expect((await requests.request(Length, ''))._unsafeUnwrap()).toBe(0)
  })
})

describe('a traceparent', () => {
  it('reaches the providers of all kinds of requests, and is absent when nobody set it', async () => {
    const { hub, requests } = newRequests()
    const multi = new MultiRequestBroker(hub, requests.context)
    const got: unknown[] = []
    requests.provide(Length, (_, call) => got.push(call.traceparent))
    requests.provide(Add, (_, call) => got.push(call.traceparent))
    multi.provide(Sizes, (_, call) => got.push(call.traceparent))
    const askAll = async (): Promise<void> => {
      await requests.request(Length, '')
      requests.requestSync(Add, [1, 2])
      await multi.request(Sizes, '')
    }
    await askAll()
    channels.on<RequestTrace>(START, (trace) => {
      trace.traceparent = `for ${trace.kind}`
    })
    await askAll()
    expect(got).toEqual([
      undefined,
      undefined,
      undefined,
      'for request',
      'for requestSync',
      'for multiRequest'
    ])
  })
})
