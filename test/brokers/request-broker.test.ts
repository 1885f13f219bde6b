import { beforeEach, describe, expect, it } from '@jest/globals'
import { err, ok, okAsync } from 'neverthrow'
import {
  BrokerContext,
  BrokerError,
  type BrokerHub,
  defineEvent,
  defineRequest,
  EventBroker,
  RequestBroker,
  type RequestProvider
} from 'persistency/brokers'
import { gate, thenable } from '../support/brokers-async.js'
import { Divide, Length, Next, newRequests, Stop } from '../support/requests.js'

let hub: BrokerHub
let requests: RequestBroker
beforeEach(() => {
  ;({ hub, requests } = newRequests())
})

describe('a request', () => {
  it('gets what its provider answers, now or later, plain or as a Result', async () => {
    const ways: RequestProvider<string, number, never>[] = [
      () => 5,
      async () => 5,
      () => ok(5),
      async () => ok(5),
      () => okAsync(5) as never,
      () => thenable((resolve) => resolve(5))
    ]
    for (const provider of ways) {
      requests.replace(Length, provider)
      expect(await requests.request(Length, 'hello')).toEqual(ok(5))
    }
  })

  it('passes the very payload and the context of the call', async () => {
    const payload = { a: 1, b: 2 }
    const seen: unknown[] = []
    requests.provide(Divide, (given, call) => {
      seen.push(given, call.context)
      return given.a / given.b
    })
    expect(await requests.request(Divide, payload)).toEqual(ok(0.5))
    expect(seen[0]).toBe(payload)
    expect(seen[1]).toBe(requests.context)
  })

  it('reaches its provider before it returns, in the order of the calls', async () => {
    const seen: string[] = []
    requests.provide(Length, async (text) => {
      seen.push(text)
      return text.length
    })
    const answers = ['one', 'two', 'three'].map((text) => requests.request(Length, text))
    expect(seen).toEqual(['one', 'two', 'three'])
    expect(await Promise.all(answers)).toEqual([ok(3), ok(3), ok(5)])
  })

  it('needs no payload when its definition has none, and may answer with nothing', async () => {
    let count = 0
    requests.provide(Next, () => ++count)._unsafeUnwrap()
    requests.provide(Stop, () => (count > 2 ? err('already stopped') : ok(undefined)))._unsafeUnwrap()
    expect(await requests.request(Next)).toEqual(ok(1))
    expect(await requests.request(Stop)).toEqual(ok(undefined))
    expect(await requests.request(Next, undefined, { timeoutMs: 100 })).toEqual(ok(2))
    await requests.request(Next)
    expect(await requests.request(Stop)).toEqual(err('already stopped'))
  })

  it('takes answers of every kind as they are', async () => {
    const Anything = defineRequest<unknown, unknown>('requests.anything')
    class Money {
      constructor(readonly cents: number) {}
    }
    requests.provide(Anything, (payload) => payload)
    const values = [
      { a: 1 },
      new Money(5),
      42,
      7n,
      'text',
      false,
      [],
      null,
      undefined,
      new Error('as a value')
    ]
    for (const value of values) {
      expect((await requests.request(Anything, value))._unsafeUnwrap()).toBe(value)
    }
  })

  it('takes a Result by its shape, whichever copy of neverthrow made it', async () => {
    const foreign = (isOk: boolean, fields: object): never =>
      ({ isOk: () => isOk, isErr: () => !isOk, ...fields }) as never
    requests.replace(Divide, () => foreign(true, { value: 3 }))
    expect(await requests.request(Divide, { a: 6, b: 2 })).toEqual(ok(3))
    requests.replace(Divide, async () => foreign(false, { error: { reason: 'foreign' } }))
    expect(await requests.request(Divide, { a: 6, b: 2 })).toEqual(err({ reason: 'foreign' }))
  })

  it('is one of two definitions when a zero-argument form and one with arguments are wanted', async () => {
    const All = defineRequest<void, string[]>('requests.find.all')
    const Some = defineRequest<{ prefix: string }, string[]>('requests.find')
    const names = ['anna', 'axel', 'bert']
    requests.provide(All, () => names)._unsafeUnwrap()
    requests.provide(Some, ({ prefix }) => names.filter((name) => name.startsWith(prefix)))._unsafeUnwrap()
    expect(await requests.request(All)).toEqual(ok(names))
    expect(await requests.request(Some, { prefix: 'a' })).toEqual(ok(['anna', 'axel']))
    requests.clear(Some)
    expect([requests.isProvided(All), requests.isProvided(Some)]).toEqual([true, false])
  })

  it('stays apart from another one over the same types and from an event of the same name', async () => {
    const Width = defineRequest<string, number>('requests.width')
    const LengthEvent = defineEvent<string>(Length.name)
    const heard: string[] = []
    new EventBroker(hub, requests.context).listen(LengthEvent, (text) => heard.push(text))
    requests.provide(Length, (text) => text.length)
    requests.provide(Width, (text) => text.length * 10)
    expect(await requests.request(Length, 'hello')).toEqual(ok(5))
    expect(await requests.request(Width, 'hello')).toEqual(ok(50))
    expect(heard).toEqual([])
  })

  it('goes to the definition of the same name, whichever object that is', async () => {
    requests.provide(defineRequest<string, number>(Length.name), () => 1)
    expect(await requests.request(Length, 'hello')).toEqual(ok(1))
    expect(requests.isProvided(Length)).toBe(true)
  })
})

describe('a request without a provider', () => {
  it('fails with noProvider and names the request and the context', async () => {
    const error = (await requests.request(Length, 'hello'))._unsafeUnwrapErr()
    expect(error).toBeInstanceOf(BrokerError)
    expect(error).toMatchObject({ name: 'BrokerError', kind: 'noProvider' })
    expect(error.message).toContain('"requests.length"')
    expect(error.message).toContain(requests.context.toString())
  })

  it('has no fallback to the default context', async () => {
    const ambient = new RequestBroker(hub)
    ambient.provide(Length, () => 1)
    expect(await ambient.request(Length, 'hello')).toEqual(ok(1))
    expect((await requests.request(Length, 'hello'))._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
  })

  it('has no fallback from a child context to its parent', async () => {
    requests.provide(Length, () => 1)
    const child = requests.in(requests.context.child())
    expect((await child.request(Length, 'hello'))._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
  })
})

describe('providing', () => {
  it('refuses a second provider with alreadyProvided and keeps the first', async () => {
    const first = requests.provide(Length, () => 1)._unsafeUnwrap()
    const error = requests.provide(Length, () => 2)._unsafeUnwrapErr()
    expect(error).toBeInstanceOf(BrokerError)
    expect(error.kind).toBe('alreadyProvided')
    expect(error.message).toContain('"requests.length"')
    expect(error.message).toContain(requests.context.toString())
    expect(first.active).toBe(true)
    expect(await requests.request(Length, 'hello')).toEqual(ok(1))
  })

  it('is per context', async () => {
    const other = requests.in(BrokerContext.create('other'))
    requests.provide(Length, () => 1)._unsafeUnwrap()
    other.provide(Length, () => 2)._unsafeUnwrap()
    expect(await requests.request(Length, 'hello')).toEqual(ok(1))
    expect(await other.request(Length, 'hello')).toEqual(ok(2))
    expect(requests.in(BrokerContext.create()).isProvided(Length)).toBe(false)
  })

  it('refuses what is no function at once', () => {
    expect(() => requests.provide(Length, undefined as never)).toThrow(TypeError)
    expect(() => requests.replace(Length, 'text' as never)).toThrow(/requests\.length/)
    expect(requests.isProvided(Length)).toBe(false)
  })

  it('shows the function that provides now', () => {
    const provider = (): number => 1
    expect(requests.provider(Length)).toBeUndefined()
    requests.provide(Length, provider)
    expect(requests.provider(Length)).toBe(provider)
    requests.clear(Length)
    expect(requests.provider(Length)).toBeUndefined()
  })
})

describe('withdrawing a provider', () => {
  it('clears one request of one context, whoever registered it, and others may provide again', async () => {
    const other = requests.in(BrokerContext.create('other'))
    const ambient = new RequestBroker(hub)
    for (const broker of [requests, other, ambient]) broker.provide(Length, () => 1)._unsafeUnwrap()
    requests.provide(Next, () => 1)._unsafeUnwrap()
    requests.clear(Length)
    requests.clear(Length)
    expect([requests, other, ambient].map((broker) => broker.isProvided(Length))).toEqual([false, true, true])
    expect(requests.isProvided(Next)).toBe(true)
    requests.provide(Length, () => 2)._unsafeUnwrap()
    expect(await requests.request(Length, 'hello')).toEqual(ok(2))
  })

  it('of the default context leaves the others answering', async () => {
    const ambient = new RequestBroker(hub)
    ambient.provide(Length, () => 1)
    requests.provide(Length, () => 2)
    ambient.clear(Length)
    expect((await ambient.request(Length, 'hello')).isErr()).toBe(true)
    expect(await requests.request(Length, 'hello')).toEqual(ok(2))
  })

  it('through its handle is final and harmless to repeat', () => {
    const handle = requests.provide(Length, () => 1)._unsafeUnwrap()
    handle.remove()
    handle.remove()
    expect(handle.active).toBe(false)
    expect(requests.isProvided(Length)).toBe(false)
  })

  it('through a stale handle never removes the provider of somebody else', async () => {
    const provider = (): number => 1
    const first = requests.provide(Length, provider)._unsafeUnwrap()
    requests.clear(Length)
    const second = requests.provide(Length, provider)._unsafeUnwrap()
    first.remove()
    expect([first.active, second.active]).toEqual([false, true])
    const third = requests.replace(Length, provider)
    second.remove()
    first.remove()
    expect([second.active, third.active]).toEqual([false, true])
    expect(await requests.request(Length, 'hello')).toEqual(ok(1))
  })

  it('is what the end of a "using" block does', () => {
    {
      using handle = requests.provide(Length, () => 1)._unsafeUnwrap()
      expect([handle.active, requests.isProvided(Length)]).toEqual([true, true])
    }
    expect(requests.isProvided(Length)).toBe(false)
  })

  it('leaves calls in flight to be answered', async () => {
    const resume = gate()
    const handle = requests
      .provide(Length, async (text) => {
        await resume.opened
        return text.length
      })
      ._unsafeUnwrap()
    const answer = requests.request(Length, 'hello')
    handle.remove()
    resume.open()
    expect(await answer).toEqual(ok(5))
  })
})

describe('inside of providers', () => {
  it('further requests may be made, also to itself', async () => {
    const Factorial = defineRequest<number, number>('requests.factorial')
    requests.provide(Factorial, async (n) =>
      n <= 1 ? 1 : n * (await requests.request(Factorial, n - 1))._unsafeUnwrap()
    )
    expect(await requests.request(Factorial, 10)).toEqual(ok(3_628_800))
  })

  it('events may be emitted and providers registered, replaced and removed', async () => {
    const events = new EventBroker(hub, requests.context)
    const Asked = defineEvent<string>('requests.asked')
    const heard: string[] = []
    events.listen(Asked, (text) => {
      heard.push(text)
      requests.provide(Next, () => heard.length)
    })
    requests.provide(Length, (text) => {
      events.emit(Asked, text)
      requests.replace(Length, () => -1)
      return text.length
    })
    expect(await requests.request(Length, 'hello')).toEqual(ok(5))
    expect(await requests.request(Next)).toEqual(ok(1))
    expect(await requests.request(Length, 'hello')).toEqual(ok(-1))
    expect(heard).toEqual(['hello'])
  })

  it('the caller may be aborted', async () => {
    const caller = new AbortController()
    requests.provide(Length, (text) => {
      caller.abort()
      return text.length
    })
    const answer = await requests.request(Length, 'hello', { signal: caller.signal })
    expect(answer._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted' })
  })

  it('a provider that removes itself still answers', async () => {
    const handle = requests
      .provide(Length, (text) => {
        handle.remove()
        return text.length
      })
      ._unsafeUnwrap()
    expect(await requests.request(Length, 'hello')).toEqual(ok(5))
    expect((await requests.request(Length, 'hello'))._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
  })

  it('listeners may make requests while an event is delivered', async () => {
    const events = new EventBroker(hub, requests.context)
    const Asked = defineEvent<string>('requests.asked')
    const lengths: number[] = []
    requests.provide(Length, (text) => text.length)
    events.listen(Asked, async (text) => {
      lengths.push((await requests.request(Length, text))._unsafeUnwrap())
    })
    await events.emitSettled(Asked, 'hello')
    expect(lengths).toEqual([5])
  })
})
