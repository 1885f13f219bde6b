import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { setTimeout as delay, setImmediate as nextRound } from 'node:timers/promises'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from '@jest/globals'
import { ringMemory } from '../../dist/threads/port/ring.js'
import { RingPort } from '../../dist/threads/port/ring-port.js'

const ECHO = new URL('../fixtures/ring-echo.mjs', import.meta.url)

let close: (() => void) | undefined
/** As code of a worker may that knows nothing of rings. */
let postPast: (value: unknown) => void
afterEach(() => close?.())

/** Two ends on one thread. */
function pair(): readonly [RingPort, RingPort] {
  const { port1, port2 } = new MessageChannel()
  close = () => port1.close()
  postPast = (value) => port1.postMessage(value)
  const forth = ringMemory()
  const back = ringMemory()
  const near = { port: port1, out: forth, in: back, takeParcel: () => receiveMessageOnPort(port1)?.message }
  const far = { port: port2, out: back, in: forth, takeParcel: () => receiveMessageOnPort(port2)?.message }
  return [new RingPort(near), new RingPort(far)]
}

/** A frame that tells its number; the larger ones do not fit a ring. */
function frameOf(number: number): Uint8Array {
  const frame = new Uint8Array(8 + ((number * 7919) % 40_000) * (number % 3 === 0 ? 1 : 0))
  new DataView(frame.buffer).setUint32(0, number)
  return frame
}

const numberOf = (frame: unknown): number => {
  const { buffer, byteOffset } = frame as Uint8Array
  return new DataView(buffer, byteOffset).getUint32(0)
}

/** Holds the thread up. */
function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

function send(port: RingPort, frame: Uint8Array): void {
  if (!port.tryPost(frame)) port.postMessage(frame)
}

describe('RingPort', () => {
  it('keeps the order of what goes through the ring and what is posted', async () => {
    const [near, far] = pair()
    const received: number[] = []
    const all = new Promise<void>((resolve) => {
      far.on('message', (frame) => {
        received.push(numberOf(frame))
        if (received.length === 500) resolve()
      })
    })
    for (let number = 0; number < 500; number++) send(near, frameOf(number))
    await all
    expect(received).toEqual(Array.from({ length: 500 }, (_, number) => number))
  })

  it('leaves alone what somebody else posts', async () => {
    const [near, far] = pair()
    const received: unknown[] = []
    const all = new Promise<void>((resolve) => {
      far.on('message', (value) => {
        received.push(value)
        if (received.length === 2) resolve()
      })
    })
    for (const foreign of ['hello', null, { any: 'thing' }, 7, { seq: 0 }, { seq: 1e6 }]) postPast(foreign)
    near.postMessage('first')
    postPast(undefined)
    near.postMessage('second')
    await all
    expect(received).toEqual(['first', 'second'])
  })

  it('takes what is there without waiting for the event loop', () => {
    const [near, far] = pair()
    near.postMessage({ any: 'thing' })
    near.tryPost(frameOf(1), 3)
    expect(far.next()).toBeUndefined()
    expect(far.nextOfAll()).toEqual({ any: 'thing' })
    expect(far.nextOfAll()).toEqual({ lane: 3, frame: frameOf(1) })
    expect(far.nextOfAll()).toBeUndefined()
  })

  it('delivers what came while it was watched, when nobody watches any more', async () => {
    const [near, far] = pair()
    const received: unknown[] = []
    far.on('message', (frame) => received.push(frame))
    far.watch()
    near.tryPost(frameOf(1))
    await nextRound()
    expect(received).toEqual([])
    far.unwatch()
    await nextRound()
    expect(received).toEqual([frameOf(1)])
  })

  it('gives timers and promises their turn while frames go on coming, and loses none', async () => {
    const [near, far] = pair()
    const most = 5000
    let sent = 0
    let received = 0
    let passed = false
    const all = new Promise<void>((resolve) => {
      far.on('message', (frame) => {
        expect(numberOf(frame)).toBe(received++)
        spin(0.1)
        if (!passed && sent < most) send(near, frameOf(sent++))
        if (received === sent) resolve()
      })
    })
    send(near, frameOf(sent++))
    await delay(10)
    passed = true
    expect(sent).toBeLessThan(most)
    await all
    // It sleeps again, and is called.
    const next = new Promise((resolve) => far.on('message', resolve))
    send(near, frameOf(sent))
    expect(await next).toEqual(frameOf(sent))
  })

  it('gives timers their turn while there are many parcels', async () => {
    const [near, far] = pair()
    const parcels = 3000
    let received = 0
    const all = new Promise<void>((resolve) => {
      far.on('message', () => {
        spin(0.1)
        if (++received === parcels) resolve()
      })
    })
    for (let number = 0; number < parcels; number++) near.postMessage(number)
    await delay(1)
    await delay(1)
    expect(received).toBeLessThan(parcels)
    await all
  })

  it('goes on by itself after a delivery that took long, in order', async () => {
    const [near, far] = pair()
    const received: number[] = []
    let promises = 0
    const all = new Promise<void>((resolve) => {
      far.on('message', (frame) => {
        received.push(numberOf(frame))
        void Promise.resolve().then(() => promises++)
        if (numberOf(frame) % 4 === 0) spin(5)
        if (received.length === 100) resolve()
      })
    })
    far.watch()
    for (let number = 0; number < 100; number++) send(near, frameOf(number))
    far.look()
    expect(received.length).toBeLessThan(20)
    far.unwatch()
    await nextRound()
    expect(promises).toBeGreaterThan(0)
    await all
    expect(received).toEqual(Array.from({ length: 100 }, (_, number) => number))
  })

  it('delivers nothing any more when nobody listens', async () => {
    const [near, far] = pair()
    const received: number[] = []
    const listener = (frame: unknown): void => {
      received.push(numberOf(frame))
      spin(5)
    }
    far.on('message', listener)
    far.watch()
    for (const number of [1, 2, 4]) near.tryPost(frameOf(number))
    far.look()
    far.off('message', listener)
    far.unwatch()
    await nextRound()
    expect(received).toEqual([1, 2])
    expect(far.next()).toEqual(frameOf(4))
  })

  it('is not called while somebody watches, also who began to in the last look of another', async () => {
    const { port1, port2 } = new MessageChannel()
    close = () => port1.close()
    const forth = ringMemory()
    const back = ringMemory()
    let posted = 0
    const counting = {
      postMessage: () => void posted++,
      on: () => {},
      off: () => {}
    }
    const near = new RingPort({ port: counting, out: forth, in: back })
    const far = new RingPort({ port: port2, out: back, in: forth })
    let received = 0
    far.on('message', () => {
      received++
      far.watch()
    })
    far.watch()
    near.tryPost(frameOf(1))
    far.unwatch()
    await nextRound()
    expect(received).toBe(1)
    near.tryPost(frameOf(2))
    expect(posted).toBe(0)
  })

  it('delivers in an async context of its own, whoever stops watching', async () => {
    const [near, far] = pair()
    const tenants = new AsyncLocalStorage<string>()
    const stores: unknown[] = []
    far.on('message', () => stores.push(tenants.getStore()))
    far.watch()
    tenants.run('a tenant', () => {
      near.tryPost(frameOf(1))
      far.look()
      near.tryPost(frameOf(2))
      far.unwatch()
    })
    await nextRound()
    expect(stores).toEqual([undefined, undefined])
  })

  // Later versions of Node.js refuse to post it.
  const onNode20 = process.versions.node.startsWith('20.') ? it : it.skip
  onNode20('tells of what the port cannot deserialize', async () => {
    const [near, far] = pair()
    const unreadable = new Promise((resolve) => far.on('messageerror', resolve))
    far.on('message', () => {})
    const given = new Uint8Array(8)
    structuredClone(given, { transfer: [given.buffer] })
    near.postMessage([given], [given.buffer])
    expect(await unreadable).toMatchObject({ message: expect.stringContaining('deserialize') })
  })

  it.each([1, 2, 3])(
    'loses nothing between two threads that sleep, watch and nap at random (seed %i)',
    async (seed) => {
      const toWorker = ringMemory()
      const toHost = ringMemory()
      const worker = new Worker(ECHO, { workerData: { toWorker, toHost, seed }, execArgv: [] })
      const port = new RingPort({ port: worker, out: toWorker, in: toHost })
      const frames = 20_000
      let sent = 0
      let received = 0
      const all = new Promise<void>((resolve, reject) => {
        worker.once('error', reject)
        port.on('message', (frame) => {
          if (numberOf(frame) !== received) reject(new Error(`got ${numberOf(frame)} as number ${received}`))
          if (++received === frames) resolve()
        })
      })
      while (sent < frames) {
        for (let burst = (sent * 31) % 97; burst >= 0 && sent < frames; burst--) send(port, frameOf(sent++))
        if (sent % 5 === 0) port.watch()
        await nextRound()
        if (sent % 5 === 0) port.look()
        while (sent - received > 500) await nextRound()
        if (sent % 5 === 0) port.unwatch()
      }
      await all
      port.postMessage('end')
      await once(worker, 'exit')
      expect(received).toBe(frames)
    }
  )
})

it('delivers what was taken from the port in passing, although nobody looks any more', async () => {
  const { port1, port2 } = new MessageChannel()
  close = () => port1.close()
  const forth = ringMemory()
  const back = ringMemory()
  const near = new RingPort({ port: port1, out: forth, in: back })
  const received: unknown[] = []
  let looked = false
  const takeParcel = (): unknown => {
    // Both are sent in the moment between the look into the ring and the one at the port.
    if (!looked) {
      near.tryPost(frameOf(1))
      near.postMessage(frameOf(3))
    }
    looked = true
    return receiveMessageOnPort(port2)?.message
  }
  const far = new RingPort({ port: port2, out: back, in: forth, takeParcel })
  far.on('message', (frame) => received.push(frame))
  far.watch()
  expect(far.nextOfAll()).toEqual(frameOf(1))
  far.unwatch()
  await nextRound()
  expect(received).toEqual([frameOf(3)])
})
