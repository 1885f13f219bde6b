import { beforeEach, describe, expect, it } from '@jest/globals'
import { ok } from 'neverthrow'
import { BrokerContext, type BrokerHub, RequestBroker } from 'persistency/brokers'
import { gate } from '../support/brokers-async.js'
import { Length, newRequests } from '../support/requests.js'

let hub: BrokerHub
let requests: RequestBroker
beforeEach(() => {
  ;({ hub, requests } = newRequests())
})

describe('replacing a provider', () => {
  it('puts another in its place, or is the first', async () => {
    const first = requests.replace(Length, () => 1)
    expect(await requests.request(Length, 'hello')).toEqual(ok(1))
    const second = requests.replace(Length, () => 2)
    expect([first.active, second.active]).toEqual([false, true])
    expect(await requests.request(Length, 'hello')).toEqual(ok(2))
  })

  it('for the time of a body puts the former one back on every way out', async () => {
    const former = requests.provide(Length, () => 1)._unsafeUnwrap()
    const ask = async (): Promise<number> => (await requests.request(Length, 'hello'))._unsafeUnwrap()
    expect(await requests.withProvider(Length, () => 2, ask)).toBe(2)
    expect(await ask()).toBe(1)
    await expect(requests.withProvider(Length, () => 2, throwing)).rejects.toThrow('body')
    expect(await ask()).toBe(1)
    await expect(
      requests.withProvider(
        Length,
        () => 2,
        async () => {
          expect(await ask()).toBe(2)
          throw new Error('body')
        }
      )
    ).rejects.toThrow('body')
    expect(await ask()).toBe(1)
    expect(former.active).toBe(true)
  })

  it('for the time of a body puts the former one back when nobody is there at its end', async () => {
    requests.provide(Length, () => 1)
    const ask = async (): Promise<number> => (await requests.request(Length, 'hello'))._unsafeUnwrap()
    await requests.withProvider(
      Length,
      () => 2,
      () => requests.clear(Length)
    )
    expect(await ask()).toBe(1)
    await requests.withProvider(
      Length,
      () => 2,
      () => requests.replace(Length, () => 3).remove()
    )
    expect(await ask()).toBe(1)
    await requests.withProvider(
      Length,
      () => 2,
      () => requests.replace(Length, () => 3)
    )
    expect(await ask()).toBe(3)
  })

  it('for the time of a body that cleared it leaves the handle of the former one in force', async () => {
    const former = requests.provide(Length, () => 1)._unsafeUnwrap()
    await requests.withProvider(
      Length,
      () => 2,
      () => requests.clear(Length)
    )
    expect([former.active, hub.contextCount]).toEqual([true, 1])
    former.remove()
    expect([former.active, requests.isProvided(Length), hub.contextCount]).toEqual([false, false, 0])
  })

  it('for the time of a body leaves none where there was none', async () => {
    const answer = await requests.withProvider(
      Length,
      () => 2,
      () => requests.request(Length, 'hello')
    )
    expect(answer).toEqual(ok(2))
    expect(requests.isProvided(Length)).toBe(false)
    await expect(requests.withProvider(Length, () => 2, throwing)).rejects.toThrow('body')
    expect(requests.isProvided(Length)).toBe(false)
    expect(hub.contextCount).toBe(0)
  })

  it('for the time of a body nests', async () => {
    requests.provide(Length, () => 1)
    const seen: number[] = []
    const ask = async (): Promise<void> => {
      seen.push((await requests.request(Length, 'hello'))._unsafeUnwrap())
    }
    await requests.withProvider(
      Length,
      () => 2,
      async () => {
        await ask()
        await requests.withProvider(Length, () => 3, ask)
        await ask()
        await expect(requests.withProvider(Length, () => 4, throwing)).rejects.toThrow('body')
        await ask()
      }
    )
    await ask()
    expect(seen).toEqual([2, 3, 2, 2, 1])
  })

  it('for the time of bodies that overlap leaves the former one in place in the end', async () => {
    requests.provide(Length, () => 1)
    const bodies = [gate(), gate()] as const
    const first = requests.withProvider(
      Length,
      () => 2,
      () => bodies[0].opened
    )
    const second = requests.withProvider(
      Length,
      () => 3,
      () => bodies[1].opened
    )
    bodies[0].open()
    await first
    expect(await requests.request(Length, 'hello')).toEqual(ok(3))
    bodies[1].open()
    await second
    expect(await requests.request(Length, 'hello')).toEqual(ok(1))
  })

  it('for the time of a body does not undo what the body itself put in place', async () => {
    requests.provide(Length, () => 1)
    await requests.withProvider(
      Length,
      () => 2,
      () => requests.replace(Length, () => 3)
    )
    expect(await requests.request(Length, 'hello')).toEqual(ok(3))
  })

  it('for the time of a body stays in the context in which it began', async () => {
    const ambient = new RequestBroker(hub)
    const tenant = BrokerContext.create('tenant')
    await tenant.run(() =>
      ambient.withProvider(
        Length,
        () => 2,
        async () => {
          expect(await requests.in(tenant).request(Length, '')).toEqual(ok(2))
          expect(BrokerContext.default.run(() => ambient.isProvided(Length))).toBe(false)
        }
      )
    )
    expect(hub.contextCount).toBe(0)
  })
})

function throwing(): never {
  throw new Error('body')
}
