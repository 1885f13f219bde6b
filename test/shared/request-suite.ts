/** Owns what a caller may rely on about requests. */
import { expect, it } from '@jest/globals'
import { err } from 'neverthrow'
import type { BrokerError } from 'persistency/brokers'
import {
  AskNear,
  Coded,
  Double,
  Echo,
  Fail,
  GaveUp,
  Nothing,
  Relay,
  Restore,
  Slow,
  Unprovided,
  Withdraw
} from '../fixtures/shared-worker.mjs'
import { Near, type NearOf } from './broker-suite.js'

export function requestSuite(nearOf: NearOf): void {
  it('are answered', async () => {
    expect((await nearOf().requests.request(Double, { n: 21 }))._unsafeUnwrap()).toBe(42)
  })

  it('get each its own answer, many at once and answered in another order', async () => {
    const near = nearOf()
    const calls = Array.from({ length: 200 }, (_, n) => near.requests.request(Slow, { n }))
    await near.untilWaiting(200)
    await near.openGate()
    const values = (await Promise.all(calls)).map((result) => result._unsafeUnwrap())
    expect(values).toEqual(Array.from({ length: 200 }, (_, n) => n * 2))
  })

  it('answer the plain error of a provider as it is', async () => {
    const error = (await nearOf().requests.request(Double, { n: -3 }))._unsafeUnwrapErr()
    expect(error).toEqual({ reason: 'negative', n: -3 })
  })

  it('answer an error class of a provider with its name, message and fields', async () => {
    const error = (await nearOf().requests.request(Fail, 'error'))._unsafeUnwrapErr() as Error
    expect({ ...error, name: error.name, message: error.message }).toEqual({
      name: 'OutOfStock',
      code: 'ERR_STOCK',
      message: 'sku-7 is out of stock',
      sku: 'sku-7',
      left: 3
    })
  })

  it.each([
    ['throws', 'throw', 'sku-8'],
    ['rejects', 'reject', 'sku-9']
  ])('answer providerFailed with the cause when a provider %s', async (_, how, sku) => {
    const error = (await nearOf().requests.request(Fail, how))._unsafeUnwrapErr() as BrokerError
    expect(error).toMatchObject({ name: 'BrokerError', kind: 'providerFailed' })
    expect(error.message).toContain(`${sku} is out of stock`)
    expect(error.cause).toMatchObject({ name: 'OutOfStock', code: 'ERR_STOCK', sku })
  })

  it('time out, and never give a late answer to another request', async () => {
    const near = nearOf()
    const late = [1, 2, 3, 4, 5].map((n) => near.requests.request(Slow, { n }, { timeoutMs: 20 }))
    const kinds = (await Promise.all(late)).map((result) => result._unsafeUnwrapErr().kind)
    expect(kinds).toEqual(Array(5).fill('timeout'))
    const calls = Array.from({ length: 50 }, (_, n) => near.requests.request(Slow, { n: 100 + n }))
    await near.untilWaiting(55)
    expect(await near.openGate()).toBe(55)
    const values = (await Promise.all(calls)).map((result) => result._unsafeUnwrap())
    expect(values).toEqual(Array.from({ length: 50 }, (_, n) => 200 + 2 * n))
  })

  it('tell the provider when their time is over', async () => {
    const near = nearOf()
    const told = new Promise((resolve) => near.events.listen(GaveUp, resolve))
    const result = await near.requests.request(Slow, { n: 9 }, { timeoutMs: 20 })
    expect(result._unsafeUnwrapErr()).toMatchObject({ kind: 'timeout' })
    expect(await told).toBe(9)
  })

  it('tell the provider when their caller aborts, and answer the reason', async () => {
    const near = nearOf()
    const told = new Promise((resolve) => near.events.listen(GaveUp, resolve))
    const caller = new AbortController()
    const call = near.requests.request(Slow, { n: 7 }, { signal: caller.signal })
    await near.untilWaiting(1)
    caller.abort('changed my mind')
    expect((await call)._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted', cause: 'changed my mind' })
    expect(await told).toBe(7)
  })

  it('reach nobody when their caller has aborted before', async () => {
    const near = nearOf()
    const result = await near.requests.request(Slow, { n: 7 }, { signal: AbortSignal.abort('no') })
    expect(result._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted', cause: 'no' })
    expect(await near.openGate()).toBe(0)
  })

  it('answer noProvider when nobody provides them', async () => {
    const error = (await nearOf().requests.request(Unprovided, 1))._unsafeUnwrapErr()
    expect(error).toMatchObject({ name: 'BrokerError', kind: 'noProvider' })
    expect(error.message).toContain(Unprovided.name)
  })

  it('answer noProvider in a context that nobody provides in', async () => {
    const stranger = new Near(nearOf().home)
    expect((await stranger.requests.request(Double, { n: 1 }))._unsafeUnwrapErr()).toMatchObject({
      kind: 'noProvider'
    })
  })

  it('may have neither payload nor response', async () => {
    expect((await nearOf().requests.request(Nothing))._unsafeUnwrap()).toBeUndefined()
  })

  it('carry whatever can be cloned', async () => {
    const value = {
      big: 2n ** 80n,
      date: new Date(86_400_000),
      map: new Map([['k', new Set([1, 2])]]),
      bytes: Uint8Array.of(0, 255),
      none: undefined,
      list: [null, -0, Number.NaN, 'ü', '\u{1f600}']
    }
    expect((await nearOf().requests.request(Echo, value))._unsafeUnwrap()).toEqual(value)
  })

  it('carry 1.5 MiB there and back, byte for byte', async () => {
    const bytes = Uint8Array.from({ length: 1.5 * 1024 * 1024 }, (_, at) => (at * 31 + (at >> 8)) & 255)
    const back = (await nearOf().requests.request(Echo, bytes))._unsafeUnwrap() as Uint8Array
    expect(back.byteLength).toBe(bytes.byteLength)
    expect(Buffer.compare(back, bytes)).toBe(0)
  })

  it('use the codecs of their definition for payload, response and error', async () => {
    const { requests } = nearOf()
    expect((await requests.request(Coded, 1000))._unsafeUnwrap()).toBe(2000)
    expect((await requests.request(Coded, 0))._unsafeUnwrapErr()).toBe(404)
  })

  it('fail alone when their payload cannot be cloned, if it has to be', async () => {
    const near = nearOf()
    const uncloneable = { call: () => 1 }
    const odd = near.requests.request(Echo, uncloneable)
    const plain = near.requests.request(Echo, 'plain')
    if (near.home.copies) expect((await odd)._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    else expect((await odd)._unsafeUnwrap()).toBe(uncloneable)
    expect((await plain)._unsafeUnwrap()).toBe('plain')
  })

  it('refuse a second provider, and the first goes on', async () => {
    const { requests } = nearOf()
    expect(requests.isProvided(Double)).toBe(true)
    const refused = requests.provide(Double, () => 666)
    expect(refused._unsafeUnwrapErr()).toMatchObject({ kind: 'alreadyProvided' })
    expect((await requests.request(Double, { n: 2 }))._unsafeUnwrap()).toBe(4)
  })

  it('go to a provider in place of the usual one, then to that again', async () => {
    const { requests } = nearOf()
    const body = (): Promise<number> => requests.request(Double, { n: 2 }).unwrapOr(-1)
    expect(await requests.withProvider(Double, () => 7, body)).toBe(7)
    expect(await body()).toBe(4)
    const failing = requests.withProvider(
      Double,
      () => 7,
      () => Promise.reject(new Error('the body failed'))
    )
    await expect(failing).rejects.toThrow('the body failed')
    expect(await body()).toBe(4)
  })

  it('find noProvider once the other side has withdrawn theirs, and the next one after that', async () => {
    const { requests } = nearOf()
    await requests.request(Withdraw)
    expect((await requests.request(Double, { n: 2 }))._unsafeUnwrapErr()).toMatchObject({
      kind: 'noProvider'
    })
    await requests.request(Restore)
    expect((await requests.request(Double, { n: 2 }))._unsafeUnwrap()).toBe(4)
  })

  it('of the other side are answered here, with a typed error too', async () => {
    const { requests } = nearOf()
    requests.provide(AskNear, (n) => (n > 5 ? err('too much') : n + 1))
    expect((await requests.request(Relay, 1))._unsafeUnwrap()).toBe(2)
    expect((await requests.request(Relay, 9))._unsafeUnwrapErr()).toEqual({ relayed: 'too much' })
  })

  it('find noProvider once theirs is withdrawn, and the next one after that', async () => {
    const { requests } = nearOf()
    const first = requests.provide(AskNear, () => 1)._unsafeUnwrap()
    expect((await requests.request(Relay, 0))._unsafeUnwrap()).toBe(1)
    first.remove()
    expect((await requests.request(Relay, 0))._unsafeUnwrapErr()).toEqual({ relayed: 'noProvider' })
    const second = requests.provide(AskNear, () => 2)._unsafeUnwrap()
    first.remove()
    expect([first.active, second.active]).toEqual([false, true])
    expect((await requests.request(Relay, 0))._unsafeUnwrap()).toBe(2)
  })

  it('stay in their context', async () => {
    const near = nearOf()
    const another = await near.another()
    near.requests.provide(AskNear, () => 1)
    another.requests.provide(AskNear, () => 2)
    const [mine, theirs] = await Promise.all([
      near.requests.request(Relay, 0),
      another.requests.request(Relay, 0)
    ])
    expect([mine._unsafeUnwrap(), theirs._unsafeUnwrap()]).toEqual([1, 2])
  })
}
