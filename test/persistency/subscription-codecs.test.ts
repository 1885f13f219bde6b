import { describe, expect, test } from '@jest/globals'
import { type Job, jsonEvents } from 'persistency'
import { useStorage } from '../support/storage-folder.js'
import { errorOf, okOf, utf8 } from '../support/storage-results.js'

const { open } = useStorage()

type Order = { type: 'placed'; data: { item: string } } | { type: 'cancelled' }
const orders = jsonEvents<Order>('placed', 'cancelled')
const place = (job: Job, item: string) => okOf(job.append(orders.encode({ type: 'placed', data: { item } })))

describe('a subscription with a codec', () => {
  test('hands decoded events to its handler, and passes over those of others', async () => {
    const { job } = await open({ journal: true })
    await place(job, 'a lamp')
    await okOf(job.append({ type: 'foreign', data: utf8('no JSON') }))
    await okOf(job.append(orders.encode({ type: 'cancelled' })))
    const seen: unknown[] = []
    const subscription = await okOf(
      job.subscription(
        's',
        (event, { recorded, attempt }) => void seen.push([event, recorded.seq, attempt]),
        {
          events: orders
        }
      )
    )
    expect(await okOf(subscription.caughtUp())).toBe(3)
    expect(seen).toEqual([
      [{ type: 'placed', data: { item: 'a lamp' } }, 1, 1],
      [{ type: 'cancelled' }, 3, 1]
    ])
  })

  test('stores what the handler answers, of the types that are named as well', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.append(orders.encode({ type: 'cancelled' })))
    await place(job, 'a rug')
    const subscription = await okOf(
      job.subscription('s', ({ type }) => ({ append: { events: { type: `${type}-seen` } } }), {
        events: orders,
        types: ['placed'],
        batch: 10
      })
    )
    await okOf(subscription.caughtUp())
    const types: string[] = []
    for await (const event of job.events()) if (event.kind === 'event') types.push(event.type)
    expect(types).toEqual(['cancelled', 'placed', 'placed-seen'])
  })

  test('parks what the codec throws on, and reads it when it is tried again', async () => {
    const { job } = await open({ journal: true })
    await okOf(job.append({ type: 'placed', data: utf8('no JSON') }))
    await place(job, 'a chair')
    let broken = true
    const events = {
      encode: orders.encode,
      decode: (encoded: Parameters<typeof orders.decode>[0]) =>
        broken ? orders.decode(encoded) : ({ type: 'cancelled' } as const)
    }
    const seen: string[] = []
    const subscription = await okOf(
      job.subscription('s', ({ type }) => void seen.push(type), {
        ...{ events, onPoison: 'park', retry: { attempts: 1 } }
      })
    )
    await okOf(subscription.caughtUp())
    expect(await okOf(job.subscriptions.parked('s'))).toMatchObject([{ event: { seq: 1 } }])
    broken = false
    expect(await okOf(subscription.retryParked())).toEqual({ done: 1, failed: 0 })
    expect(seen).toEqual(['placed', 'cancelled'])
  })

  test('reads no writes, and needs a codec', async () => {
    const { job, persistency } = await open({ journal: true })
    for (const wrong of [
      { events: orders, writes: true },
      { events: null },
      { events: { decode: () => {} } }
    ]) {
      expect((await errorOf(job.subscription('s', () => {}, wrong as never))).code).toBe('ERR_OPTION')
    }
    const byId = persistency.subscription('tenant', 's', ({ type }) => void type, { events: orders })
    await (await okOf(byId)).stop()
  })
})
