/** Owns what a caller may rely on about events. */
import { expect, it } from '@jest/globals'
import { CodedPing, EmitTicks, Ping, Pulse, Tick } from '../fixtures/shared-worker.mjs'
import { Near, type NearOf } from './broker-suite.js'

export function eventSuite(nearOf: NearOf): void {
  it('arrive in the order they were emitted', async () => {
    const near = nearOf()
    for (let n = 0; n < 500; n++) near.events.emit(Ping, { n })
    expect((await near.seen()).pings.map(({ n }) => n)).toEqual(upTo(500))
  })

  it('keep their order over many turns', async () => {
    const near = nearOf()
    for (let n = 0; n < 100; n++) {
      near.events.emit(Ping, { n })
      if (n % 3 === 0) await new Promise(setImmediate)
    }
    expect((await near.seen()).pings.map(({ n }) => n)).toEqual(upTo(100))
  })

  it('of the other side arrive once each, in order, and before the answer that follows them', async () => {
    const near = nearOf()
    const ticks: number[] = []
    near.events.listen(Tick, (n) => ticks.push(n))
    expect((await near.requests.request(EmitTicks, 300))._unsafeUnwrap()).toBe(300)
    expect(ticks).toEqual(upTo(300))
  })

  it('reach every listener', async () => {
    const near = nearOf()
    const heard: string[] = []
    near.events.listen(Tick, (n) => heard.push(`a${n}`))
    near.events.listen(Tick, (n) => heard.push(`b${n}`))
    await near.requests.request(EmitTicks, 2)
    expect(heard).toEqual(['a0', 'b0', 'a1', 'b1'])
  })

  it('may have no payload', async () => {
    const near = nearOf()
    near.events.emit(Pulse)
    near.events.emit(Pulse)
    expect((await near.seen()).pulses).toBe(2)
  })

  it('use the codec of their definition', async () => {
    const near = nearOf()
    for (const n of [1, 65_535]) near.events.emit(CodedPing, n)
    expect((await near.seen()).coded).toEqual([1, 65_535])
  })

  it('stop for a dropped listener, and reach the one that comes after it', async () => {
    const near = nearOf()
    const former: number[] = []
    const later: number[] = []
    const handle = near.events.listen(Tick, (n) => former.push(n))
    await near.requests.request(EmitTicks, 1)
    expect(await handle.drop()).toBe(true)
    await near.requests.request(EmitTicks, 1)
    near.events.listen(Tick, (n) => later.push(n))
    await handle.drop()
    await near.requests.request(EmitTicks, 1)
    expect({ former, later }).toEqual({ former: [0], later: [0] })
  })

  it('stop for all listeners when they are dropped together', async () => {
    const near = nearOf()
    const heard: number[] = []
    for (const offset of [0, 100]) near.events.listen(Tick, (n) => heard.push(n + offset))
    expect(await near.events.dropAll(Tick)).toBe(true)
    await near.requests.request(EmitTicks, 3)
    expect(heard).toEqual([])
  })

  it('reach the other listeners when one throws, and the failure is published', async () => {
    const near = nearOf()
    const heard: number[] = []
    const failures: unknown[] = []
    near.events.listenerErrors.subscribe(({ event, error }) =>
      failures.push([event, (error as Error).message])
    )
    near.events.listen(Tick, () => {
      throw new Error('deaf')
    })
    near.events.listen(Tick, (n) => heard.push(n))
    await near.requests.request(EmitTicks, 2)
    expect(heard).toEqual([0, 1])
    expect(failures).toEqual([
      [Tick.name, 'deaf'],
      [Tick.name, 'deaf']
    ])
  })

  it('stay in their context', async () => {
    const near = nearOf()
    const another = await near.another()
    const heard: number[] = []
    another.events.listen(Tick, (n) => heard.push(n))
    near.events.emit(Ping, { n: 1 })
    await near.requests.request(EmitTicks, 1)
    expect((await another.seen()).pings).toEqual([])
    expect(heard).toEqual([])
    expect((await near.seen()).pings).toEqual([{ n: 1 }])
  })

  it('go nowhere in a context that nobody listens in', async () => {
    const near = nearOf()
    new Near(near.home).events.emit(Ping, { n: 1 })
    expect((await near.seen()).pings).toEqual([])
  })
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}
