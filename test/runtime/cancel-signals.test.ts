import { getEventListeners } from 'node:events'
import { describe, expect, it } from '@jest/globals'
import { onAbort } from '../../dist/runtime/cancel-signals.js'
import { runChild } from '../support/brokers-child.js'
import { clinging, deaf } from '../support/odd-signals.js'

const listenersOf = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length

describe('a signal with many listeners', () => {
  it('has one of the platform, until the last has left', () => {
    const controller = new AbortController()
    const counts: number[] = []
    const leave = Array.from({ length: 1000 }, () => onAbort(controller.signal, () => {}))
    counts.push(listenersOf(controller))
    for (const each of leave.slice(1)) each()
    counts.push(listenersOf(controller))
    leave[0]?.()
    counts.push(listenersOf(controller))
    onAbort(controller.signal, () => {})
    counts.push(listenersOf(controller))
    expect(counts).toEqual([1, 1, 0, 1])
  })

  it.each([1, 3])('tells each once, in the order in which they came: %i at first', (count) => {
    const controller = new AbortController()
    const told: number[] = []
    for (let n = 0; n < count; n++) onAbort(controller.signal, () => told.push(n))
    onAbort(controller.signal, () => told.push(-1))()
    controller.abort()
    controller.abort()
    expect(told).toEqual(Array.from({ length: count }, (_, n) => n))
  })

  it('tells nobody who leaves while it tells the others, nor who comes', () => {
    // Unlike those of the platform, it does not say that it has fired.
    const signal = new EventTarget() as AbortSignal
    const told: string[] = []
    const leave = ['a', 'b', 'c', 'd'].map((name) =>
      onAbort(signal, () => {
        told.push(name)
        if (name === 'b') leave[2]?.()
        onAbort(signal, () => told.push('late'))
      })
    )
    signal.dispatchEvent(new Event('abort'))
    expect(told).toEqual(['a', 'b', 'd'])
  })

  it('tells all although one of them throws, which is not swallowed', async () => {
    const { lines } = await runChild(`
      import { onAbort } from './dist/runtime/cancel-signals.js'
      const controller = new AbortController()
      for (const name of ['a', 'b', 'c']) {
        onAbort(controller.signal, () => {
          if (name === 'b') throw new Error('of b')
          print(name)
        })
      }
      controller.abort()
    `)
    expect(lines).toEqual(['a', 'c', { uncaughtException: 'of b' }])
  })
})

describe('a signal of another make', () => {
  it('may refuse every listener, and lose none', () => {
    let told = 0
    for (let n = 0; n < 2; n++) onAbort(deaf, () => told++)
    expect(told).toBe(2)
    for (let n = 0; n < 2; n++) expect(() => onAbort(clinging, () => told++)()).not.toThrow()
    expect(told).toBe(2)
  })

  it('may fire as soon as somebody listens', () => {
    let told = 0
    const hasty = {
      aborted: false,
      addEventListener: (_: string, listener: { handleEvent(): void }) => listener.handleEvent(),
      removeEventListener() {}
    } as unknown as AbortSignal
    onAbort(hasty, () => told++)()
    onAbort(hasty, () => told++)()
    expect(told).toBe(2)
  })
})
