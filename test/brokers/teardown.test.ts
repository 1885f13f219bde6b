import { beforeEach, describe, expect, it, jest } from '@jest/globals'
import { err, ok, okAsync } from 'neverthrow'
import {
  BrokerContext,
  BrokerHub,
  joinTeardown,
  MultiRequestBroker,
  Teardown,
  tearDown
} from 'persistency/brokers'

let broker: MultiRequestBroker
beforeEach(() => {
  broker = new MultiRequestBroker(new BrokerHub(), BrokerContext.create('app'))
})

describe('tearing down', () => {
  it('stops every part and tells which in the order they joined', async () => {
    const stopped: string[] = []
    joinTeardown(broker, 'server', () => stopped.push('server'))
    joinTeardown(broker, 'store', async () => stopped.push('store'))
    joinTeardown(broker, 'cache', () => okAsync(stopped.push('cache')))
    const { done, failed } = await tearDown(broker)
    expect(done.map(({ part }) => part)).toEqual(['server', 'store', 'cache'])
    expect(done.every(({ ms }) => Number.isFinite(ms) && ms >= 0)).toBe(true)
    expect(stopped).toEqual(['server', 'store', 'cache'])
    expect(failed).toEqual([])
  })

  it('tells who failed and why, and stops the others', async () => {
    joinTeardown(broker, 'thrower', () => {
      throw new Error('stuck')
    })
    joinTeardown(broker, 'rejecter', () => Promise.reject('lost'))
    joinTeardown(broker, 'refuser', () => err(new Error('busy')))
    joinTeardown(broker, 'fine', () => ok(undefined))
    const { done, failed } = await tearDown(broker)
    expect(done.map(({ part }) => part)).toEqual(['fine'])
    expect(failed).toEqual([
      { part: 'thrower', message: 'stuck' },
      { part: 'rejecter', message: 'lost' },
      { part: 'refuser', message: 'busy' }
    ])
  })

  it('tells which part does not stop, after 30 seconds', async () => {
    jest.useFakeTimers()
    try {
      joinTeardown(broker, 'fine', () => {})
      joinTeardown(broker, 'stuck', () => new Promise(() => {}))
      const torn = tearDown(broker)
      await jest.advanceTimersByTimeAsync(30_000)
      const { done, failed } = await torn
      expect(done.map(({ part }) => part)).toEqual(['fine'])
      expect(failed).toEqual([{ part: 'stuck', message: 'has not stopped within 30000 ms' }])
    } finally {
      jest.useRealTimers()
    }
  })

  it('has nothing to tell when no part joined', async () => {
    expect(await tearDown(broker)).toEqual({ done: [], failed: [] })
  })

  it('stays in its context', async () => {
    let stopped = false
    joinTeardown(broker, 'part', () => {
      stopped = true
    })
    expect(await tearDown(broker.in(BrokerContext.default))).toEqual({ done: [], failed: [] })
    expect(stopped).toBe(false)
  })

  it('leaves out a part that has left', async () => {
    const handle = joinTeardown(broker, 'part', () => {})._unsafeUnwrap()
    handle.remove()
    expect(broker.providerCount(Teardown)).toBe(0)
    expect(await tearDown(broker)).toEqual({ done: [], failed: [] })
  })

  it('asks two parts that share one function twice', async () => {
    let closed = 0
    const close = (): number => ++closed
    joinTeardown(broker, 'a', close)
    joinTeardown(broker, 'b', close)
    expect((await tearDown(broker)).done.map(({ part }) => part)).toEqual(['a', 'b'])
    expect(closed).toBe(2)
  })

  it('tells of a provider that answered the request by itself and broke', async () => {
    broker.provide(Teardown, () => Promise.reject(new Error('wild')))
    const { failed } = await tearDown(broker)
    expect(failed).toEqual([{ part: 'unknown', message: expect.stringContaining('wild') }])
  })
})
