import { beforeEach, describe, expect, it } from '@jest/globals'
import { err, ok } from 'neverthrow'
import { BrokerError, defineRequest, type ProviderCall, type RequestBroker } from 'persistency/brokers'
import { gate, isPending, never, nextTurn } from '../support/brokers-async.js'
import { runChild } from '../support/brokers-child.js'
import { Length, Next, newRequests } from '../support/requests.js'

let requests: RequestBroker
beforeEach(() => {
  ;({ requests } = newRequests())
})

describe('a request that takes too long', () => {
  it('fails with timeout and names the request, the limit and the context', async () => {
    requests.provide(Length, never)
    const error = (await requests.request(Length, 'hello', { timeoutMs: 5 }))._unsafeUnwrapErr()
    expect(error).toBeInstanceOf(BrokerError)
    expect(error.kind).toBe('timeout')
    expect(error.message).toContain('"requests.length"')
    expect(error.message).toContain('5 ms')
    expect(error.message).toContain(requests.context.toString())
    // That of a timer would tell nothing.
    expect(error.stack).toBe(`BrokerError: ${error.message}`)
  })

  it('has the limit of its definition unless the call says otherwise', async () => {
    const Quick = defineRequest<void, void>('requests.quick', { timeoutMs: 7 })
    requests.provide(Quick, never)
    expect((await requests.request(Quick))._unsafeUnwrapErr().message).toContain('7 ms')
    expect((await requests.request(Quick, undefined, { timeoutMs: 3 }))._unsafeUnwrapErr().message).toContain(
      '3 ms'
    )
  })

  it('may have no limit, or one longer than a timer can take', async () => {
    const resume = gate()
    requests.provide(Length, async () => {
      await resume.opened
      return 1
    })
    const unlimited = [Number.POSITIVE_INFINITY, 2 ** 31, Number.MAX_VALUE].map((timeoutMs) =>
      requests.request(Length, 'hello', { timeoutMs })
    )
    requests.provide(Next, never)
    await requests.request(Next, undefined, { timeoutMs: 5 })
    expect(await isPending(Promise.race(unlimited))).toBe(true)
    resume.open()
    expect(await Promise.all(unlimited)).toEqual([ok(1), ok(1), ok(1)])
  })

  it('refuses a limit that is no positive number at once', () => {
    let asked = 0
    requests.provide(Length, () => ++asked)
    for (const timeoutMs of [0, -1, Number.NaN, '5' as never]) {
      expect(() => requests.request(Length, 'hello', { timeoutMs })).toThrow(RangeError)
    }
    expect(asked).toBe(0)
  })

  it('is not harmed by a late answer, and neither is anybody else', async () => {
    const late: ((text: string) => void)[] = []
    const Slow = defineRequest<number, string>('requests.slow')
    requests.provide(Slow, (n) =>
      n < 0 ? new Promise<string>((resolve) => late.push(resolve)) : nextTurn().then(() => `answer ${n}`)
    )
    const timedOut = await Promise.all(
      [-1, -2, -3, -4, -5].map((n) => requests.request(Slow, n, { timeoutMs: 5 }))
    )
    expect(timedOut.map((result) => result._unsafeUnwrapErr().kind)).toEqual(Array(5).fill('timeout'))
    const answers = Array.from({ length: 50 }, (_, n) => requests.request(Slow, n))
    for (const [index, resolve] of late.entries()) resolve(`late ${index}`)
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, (_, n) => ok(`answer ${n}`)))
    expect(timedOut.every((result) => result.isErr())).toBe(true)
  })

  it('does not take down others with limits of their own', async () => {
    const resume = gate()
    requests.provide(Length, async (text) => {
      if (text === 'never') return never()
      await resume.opened
      return text.length
    })
    const patient = requests.request(Length, 'hello', { timeoutMs: 10_000 })
    const impatient = [30, 10, 20].map((timeoutMs) => requests.request(Length, 'never', { timeoutMs }))
    const results = await Promise.all(impatient)
    expect(results.map((result) => result._unsafeUnwrapErr().kind)).toEqual(['timeout', 'timeout', 'timeout'])
    resume.open()
    expect(await patient).toEqual(ok(5))
  })
})

describe('a request whose caller gives up', () => {
  it('is not made when the signal has fired before', async () => {
    let asked = 0
    requests.provide(Length, () => ++asked)
    const cause = new Error('changed my mind')
    const error = (
      await requests.request(Length, 'hello', { signal: AbortSignal.abort(cause) })
    )._unsafeUnwrapErr()
    expect(error).toBeInstanceOf(BrokerError)
    expect(error).toMatchObject({ kind: 'aborted' })
    expect(error.message).toContain('"requests.length"')
    expect(error.cause).toBe(cause)
    expect(error.stack).toContain('request-deadlines.test')
    expect(asked).toBe(0)
  })

  it('ends with aborted and the reason at once, and a late answer is dropped', async () => {
    const resume = gate()
    requests.provide(Length, async () => {
      await resume.opened
      return 1
    })
    const caller = new AbortController()
    const answer = requests.request(Length, 'hello', { signal: caller.signal })
    expect(await isPending(answer)).toBe(true)
    caller.abort('changed my mind')
    const error = (await answer)._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'aborted', cause: 'changed my mind' })
    expect((error as BrokerError).stack).toBe(`BrokerError: ${(error as BrokerError).message}`)
    resume.open()
    await nextTurn()
    expect(await answer).toEqual(err(error))
  })

  it('is not affected when the signal fires after the answer', async () => {
    const caller = new AbortController()
    requests.provide(Length, () => 1)
    const answer = requests.request(Length, 'hello', { signal: caller.signal })
    caller.abort()
    expect(await answer).toEqual(ok(1))
  })

  it('is not affected by the signal of another call', async () => {
    const resume = gate()
    requests.provide(Length, async (text) => {
      await resume.opened
      return text.length
    })
    const callers = [new AbortController(), new AbortController()] as const
    const answers = callers.map(({ signal }) => requests.request(Length, 'hello', { signal }))
    callers[0].abort()
    resume.open()
    expect((await answers[0]!)._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted' })
    expect(await answers[1]).toEqual(ok(5))
  })

  it('shares its signal with many others without a warning of the platform', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineRequest, RequestBroker } from 'persistency'
      process.on('warning', (warning) => print({ warning: warning.name }))
      const requests = new RequestBroker(new BrokerHub())
      const Ask = defineRequest('ask')
      requests.provide(Ask, () => new Promise(() => {}))
      const caller = new AbortController()
      const answers = Array.from({ length: 50 }, () => requests.request(Ask, {}, { signal: caller.signal }))
      caller.abort()
      print(new Set((await Promise.all(answers)).map(({ error }) => error.kind)).size)
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: [1] })
  })
})

describe('the signal of a call', () => {
  async function signalOf(
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
    giveUp: () => void,
    readEarly: boolean
  ): Promise<AbortSignal> {
    const calls: ProviderCall[] = []
    const fired: string[] = []
    requests.replace(Length, (_, call) => {
      calls.push(call)
      if (readEarly) call.signal.addEventListener('abort', () => fired.push('fired'))
      return never()
    })
    const answer = requests.request(Length, 'hello', options)
    giveUp()
    await answer
    expect(fired).toEqual(readEarly ? ['fired'] : [])
    return calls[0]!.signal
  }

  it.each([true, false])('fires when the caller aborts (read before: %s)', async (readEarly) => {
    const caller = new AbortController()
    const signal = await signalOf({ signal: caller.signal }, () => caller.abort('enough'), readEarly)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ name: 'BrokerError', kind: 'aborted', cause: 'enough' })
  })

  it.each([true, false])('fires when the time is up (read before: %s)', async (readEarly) => {
    const signal = await signalOf({ timeoutMs: 5 }, () => {}, readEarly)
    expect(signal.aborted).toBe(true)
    expect(signal.reason).toMatchObject({ name: 'BrokerError', kind: 'timeout' })
  })

  it('does not fire when the call is answered, and is the same one at every look', async () => {
    const caller = new AbortController()
    const signals: AbortSignal[] = []
    requests.provide(Length, (text, call) => {
      signals.push(call.signal, call.signal)
      return text.length
    })
    expect(await requests.request(Length, 'hello', { signal: caller.signal })).toEqual(ok(5))
    caller.abort()
    expect(signals[0]).toBe(signals[1])
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  })

  it('is one of its own for each call', async () => {
    const caller = new AbortController()
    const calls: ProviderCall[] = []
    requests.provide(Length, (_, call) => {
      calls.push(call)
      return never()
    })
    const aborted = requests.request(Length, 'one', { signal: caller.signal })
    void requests.request(Length, 'two', { timeoutMs: 10 })
    caller.abort()
    await aborted
    expect(calls.map((call) => call.signal.aborted)).toEqual([true, false])
  })

  it('lets a provider that passes it on end what it does', async () => {
    const caller = new AbortController()
    const ended = gate()
    requests.provide(Length, (_, { signal }) => {
      const work = new Promise<number>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
      return work.finally(() => ended.open())
    })
    const answer = requests.request(Length, 'hello', { signal: caller.signal })
    caller.abort()
    await ended.opened
    expect((await answer)._unsafeUnwrapErr().kind).toBe('aborted')
  })
})
