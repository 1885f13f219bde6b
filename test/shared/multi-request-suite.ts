/** Owns what a caller may rely on about multi-requests. */
import { expect, it } from '@jest/globals'
import type { BrokerError } from 'persistency/brokers'
import { Gather, GatherCoded, GatherNone, GatherSome, GatherTwice } from '../fixtures/shared-worker.mjs'
import { Near, type NearOf } from './broker-suite.js'

export function multiRequestSuite(nearOf: NearOf): void {
  it('are answered by all providers in the order they registered, however slow the first is', async () => {
    const near = nearOf()
    near.multi.provide(Gather, (n) => `near${n}`)
    const call = near.multi.request(Gather, 1)
    await near.untilWaiting(1)
    await near.openGate()
    expect((await call)._unsafeUnwrap()).toEqual(['a1', 'b1', 'c1', 'near1'])
  })

  it('get each their own answers, many at once', async () => {
    const near = nearOf()
    const calls = Array.from({ length: 50 }, (_, n) => near.multi.request(Gather, n))
    await near.untilWaiting(50)
    await near.openGate()
    const lists = (await Promise.all(calls)).map((result) => result._unsafeUnwrap())
    expect(lists).toEqual(Array.from({ length: 50 }, (_, n) => [`a${n}`, `b${n}`, `c${n}`]))
  })

  it('fail with the first failure once all providers have finished', async () => {
    const near = nearOf()
    let settled = false
    const call = near.multi.request(GatherSome, 'broken')
    void call.then(() => {
      settled = true
    })
    await near.untilWaiting(1)
    expect(settled).toBe(false)
    await near.openGate()
    expect((await call)._unsafeUnwrapErr()).toEqual({ reason: 'broken' })
  })

  it('fail with providerFailed when a provider rejects', async () => {
    const near = nearOf()
    const call = near.multi.request(GatherSome, 'throw')
    await near.untilWaiting(1)
    await near.openGate()
    const error = (await call)._unsafeUnwrapErr() as BrokerError
    expect(error).toMatchObject({ name: 'BrokerError', kind: 'providerFailed' })
    expect(error.cause).toMatchObject({ name: 'OutOfStock', code: 'ERR_STOCK', sku: 'sku-1', left: 1 })
  })

  it('tell what each provider came to when asked for that', async () => {
    const near = nearOf()
    const call = near.multi.requestSettled(GatherSome, 'broken')
    await near.untilWaiting(1)
    await near.openGate()
    expect(await call).toEqual([
      { status: 'rejected', error: { reason: 'broken' } },
      { status: 'fulfilled', value: 'fine' }
    ])
  })

  it('answer an empty list when nobody provides them', async () => {
    const near = nearOf()
    expect((await near.multi.request(GatherNone))._unsafeUnwrap()).toEqual([])
    expect(await near.multi.requestSettled(GatherNone)).toEqual([])
    expect((await new Near(near.home).multi.request(Gather, 1))._unsafeUnwrap()).toEqual([])
  })

  it('ask a function that was provided twice once', async () => {
    const near = nearOf()
    expect((await near.multi.request(GatherTwice))._unsafeUnwrap()).toEqual(['once'])
    expect((await near.seen()).asked).toBe(1)
  })

  it('use the codecs of their definition', async () => {
    expect((await nearOf().multi.request(GatherCoded, 40))._unsafeUnwrap()).toEqual([41, 42])
  })

  it('time out, and never give a late answer to another one', async () => {
    const near = nearOf()
    const late = await near.multi.request(Gather, 1, { timeoutMs: 20 })
    expect(late._unsafeUnwrapErr()).toMatchObject({ kind: 'timeout' })
    const call = near.multi.request(Gather, 2)
    await near.untilWaiting(2)
    await near.openGate()
    expect((await call)._unsafeUnwrap()).toEqual(['a2', 'b2', 'c2'])
  })

  it('are given up when their caller aborts', async () => {
    const near = nearOf()
    const caller = new AbortController()
    const call = near.multi.request(Gather, 1, { signal: caller.signal })
    await near.untilWaiting(1)
    caller.abort('enough')
    expect((await call)._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted', cause: 'enough' })
  })

  it('leave out a removed provider, and a stale handle removes nobody else', async () => {
    const { multi } = nearOf()
    const first = multi.provide(GatherTwice, () => 'first')._unsafeUnwrap()
    first.remove()
    multi.provide(GatherTwice, () => 'second')
    first.remove()
    expect((await multi.request(GatherTwice))._unsafeUnwrap()).toEqual(['once', 'second'])
  })

  it('reach nobody once all providers are cleared', async () => {
    const { multi } = nearOf()
    multi.clear(GatherTwice)
    expect((await multi.request(GatherTwice))._unsafeUnwrap()).toEqual([])
  })

  it('stay in their context', async () => {
    const near = nearOf()
    const another = await near.another()
    another.multi.provide(GatherTwice, () => 'another')
    expect((await near.multi.request(GatherTwice))._unsafeUnwrap()).toEqual(['once'])
    expect((await another.multi.request(GatherTwice))._unsafeUnwrap()).toEqual(['once', 'another'])
  })
}
