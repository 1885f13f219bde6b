import { once } from 'node:events'
import { setImmediate as nextRound } from 'node:timers/promises'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from '@jest/globals'
import { ringMemory } from '../../dist/threads/ring.js'
import { RingPort } from '../../dist/threads/ring-port.js'

const ECHO = new URL('../fixtures/ring-echo.mjs', import.meta.url)

let close: (() => void) | undefined
afterEach(() => close?.())

/** Two ends on one thread. */
function pair(): readonly [RingPort, RingPort] {
  const { port1, port2 } = new MessageChannel()
  close = () => port1.close()
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
    expect(received).toEqual([frameOf(1)])
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

it('delivers what was taken from the port in passing, although nobody looks any more', () => {
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
  expect(received).toEqual([frameOf(3)])
})
