import { describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  type Call,
  defineEvent,
  defineRequest,
  EventBroker,
  RequestBroker
} from 'persistency/brokers'
import { runChild } from '../support/brokers-child.js'

const Note = defineEvent<string>('hub.note')
const Length = defineRequest<string, number>('hub.length')

describe('hubs', () => {
  it('are separate universes, even for the same context', async () => {
    const here = new BrokerHub()
    const there = new BrokerHub()
    const context = BrokerContext.create()
    const seen: string[] = []
    new EventBroker(here, context).listen(Note, (text) => seen.push(text))
    new RequestBroker(here, context).provide(Length, (text) => text.length)._unsafeUnwrap()
    new EventBroker(there, context).emit(Note, 'hello')
    const answer = await new RequestBroker(there, context).request(Length, 'hello')
    expect(seen).toEqual([])
    expect(answer._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
  })

  it('have one default, which brokers without a hub use', () => {
    const context = BrokerContext.create()
    const seen: string[] = []
    const handle = BrokerHub.default.listen(context, Note, (text) => seen.push(text))
    new EventBroker(undefined, context).emit(Note, 'hello')
    void handle.drop()
    expect(seen).toEqual(['hello'])
  })

  it('have the same default for every copy of the package', async () => {
    const { code, lines } = await runChild(`
      import * as first from './dist/brokers/hub.js'
      import * as second from './dist/brokers/hub.js?second'
      print([first.BrokerHub === second.BrokerHub, first.BrokerHub.default === second.BrokerHub.default])
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: [[false, true]] })
  })
})

describe('contexts of a hub', () => {
  it('count while they hold a listener or a provider and not after', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const events = new EventBroker(hub, context)
    const requests = new RequestBroker(hub, context)
    expect(hub.contextCount).toBe(0)
    const listener = events.listen(Note, () => {})
    const provider = requests.provide(Length, (text) => text.length)._unsafeUnwrap()
    expect(hub.contextCount).toBe(1)
    await listener.drop()
    expect(hub.contextCount).toBe(1)
    provider.remove()
    expect(hub.contextCount).toBe(0)
  })

  it('leave no trace when they are only emitted to, asked or looked at', async () => {
    const hub = new BrokerHub()
    const events = new EventBroker(hub, BrokerContext.create())
    const requests = new RequestBroker(hub, BrokerContext.create())
    events.emit(Note, 'hello')
    await events.emitSettled(Note, 'hello')
    await events.dropAll(Note)
    events.listenerCount(Note)
    await requests.request(Length, 'hello')
    requests.isProvided(Length)
    requests.clear(Length)
    expect(hub.contextCount).toBe(0)
  })

  it('do not count for streams whose subscribers are gone', () => {
    const hub = new BrokerHub()
    const events = new EventBroker(hub, BrokerContext.create())
    const stream = events.on(Note)
    expect(hub.contextCount).toBe(0)
    const subscription = stream.subscribe()
    expect(hub.contextCount).toBe(1)
    subscription.unsubscribe()
    expect(hub.contextCount).toBe(0)
  })

  it('work again after they were emptied', () => {
    const hub = new BrokerHub()
    const events = new EventBroker(hub, BrokerContext.create())
    const seen: string[] = []
    void events.listen(Note, (text) => seen.push(`first: ${text}`)).drop()
    events.listen(Note, (text) => seen.push(`second: ${text}`))
    events.emit(Note, 'hello')
    expect(seen).toEqual(['second: hello'])
    expect(hub.contextCount).toBe(1)
  })
})

describe('listeners of a hub', () => {
  it('do not get back what is emitted with their own origin', () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const seen: string[] = []
    hub.listen(context, Note, (text) => seen.push(`link: ${text}`), { origin: 'link' })
    hub.listen(context, Note, (text) => seen.push(`other: ${text}`))
    hub.emit(context, Note, 'from outside', 'link')
    hub.emit(context, Note, 'from here')
    expect(seen).toEqual(['other: from outside', 'link: from here', 'other: from here'])
  })

  it('do not count as observers when they are internal, and outlive dropping all', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const events = new EventBroker(hub, context)
    const seen: string[] = []
    hub.listen(context, Note, (text) => seen.push(`internal: ${text}`), { internal: true })
    events.listen(Note, (text) => seen.push(`application: ${text}`))
    expect(events.listenerCount(Note)).toBe(1)
    await events.dropAll(Note)
    events.emit(Note, 'hello')
    expect(seen).toEqual(['internal: hello'])
  })

  it('hear of an event before all others when they are internal, in their own order', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const seen: string[] = []
    const listen = (name: string, internal: boolean) =>
      hub.listen(context, Note, (text) => seen.push(`${name}: ${text}`), { internal })
    listen('first', false)
    const early = listen('early', true)
    listen('second', false)
    listen('late', true)
    hub.emit(context, Note, 'one')
    expect(seen.splice(0)).toEqual(['early: one', 'late: one', 'first: one', 'second: one'])
    await early.drop()
    hub.emit(context, Note, 'two')
    expect(seen).toEqual(['late: two', 'first: two', 'second: two'])
  })

  it('take events by the run, or one by one, as they ask for it', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const seen: string[] = []
    const runs = hub.listenToRuns(context, Note, (texts) => seen.push(`run: ${[...texts].join(' ')}`))
    hub.listen(context, Note, (text) => seen.push(text))
    hub.emit(context, Note, 'alone')
    hub.emitRun(context, Note, ['one', 'two'])
    expect(seen).toEqual(['run: alone', 'alone', 'run: one two', 'one', 'two'])
    await runs.drop()
    await hub.emitSettled(context, Note, 'last')
    expect(seen.slice(5)).toEqual(['last'])
  })

  it('get nothing more of a run once they are dropped', () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const seen: string[] = []
    const listener = hub.listen(context, Note, (text) => {
      seen.push(text)
      void listener.drop()
    })
    hub.emitRun(context, Note, ['one', 'two'])
    expect(seen).toEqual(['one'])
  })

  it('do not get back a run that is emitted with their own origin', () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const seen: string[] = []
    hub.listen(context, Note, (text) => seen.push(text), { origin: 'link' })
    hub.emitRun(context, Note, ['one', 'two'], 'link')
    hub.emitRun(context, Note, ['three'], 'other')
    expect(seen).toEqual(['three'])
  })

  it('must be functions', () => {
    const hub = new BrokerHub()
    for (const handler of [undefined, null, 'text', {}]) {
      expect(() => hub.listen(BrokerContext.default, Note, handler as never)).toThrow(TypeError)
      expect(() => hub.listenToRuns(BrokerContext.default, Note, handler as never)).toThrow(TypeError)
    }
    expect(hub.contextCount).toBe(0)
  })
})

describe('providers of a hub', () => {
  it('answer through the call, and only the first answer counts', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const calls: Call[] = []
    hub.provide(context, Length, (_, call) => calls.push(call))
    const answer = new RequestBroker(hub, context).request(Length, 'hello')
    expect(calls.map((call) => call.context)).toEqual([context])
    calls[0]!.resolve(5)
    calls[0]!.resolve(6)
    calls[0]!.reject(new Error('late'))
    expect((await answer)._unsafeUnwrap()).toBe(5)
  })

  it('are refused without an error when there is one', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    expect(hub.provide(context, Length, (_, call) => call.resolve(1))?.active).toBe(true)
    expect(hub.provide(context, Length, (_, call) => call.resolve(2))).toBeUndefined()
    expect((await new RequestBroker(hub, context).request(Length, ''))._unsafeUnwrap()).toBe(1)
  })

  it('hear once, and as their own listener, that a caller gave up', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const caller = new AbortController()
    let cancelled = 0
    hub.provide(context, Length, (_, call) => call.onCancel({ cancelled: () => cancelled++ }))
    const answer = new RequestBroker(hub, context).request(Length, '', { signal: caller.signal })
    expect(cancelled).toBe(0)
    caller.abort()
    caller.abort()
    expect(cancelled).toBe(1)
    expect((await answer)._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted' })
  })

  it('do not hear of a caller that gives up after the answer', async () => {
    const hub = new BrokerHub()
    const context = BrokerContext.create()
    const caller = new AbortController()
    let cancelled = 0
    hub.provide(context, Length, (_, call) => {
      call.onCancel({ cancelled: () => cancelled++ })
      call.resolve(1)
    })
    await new RequestBroker(hub, context).request(Length, '', { signal: caller.signal })
    caller.abort()
    expect(cancelled).toBe(0)
  })
})
