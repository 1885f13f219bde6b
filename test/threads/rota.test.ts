import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { type FrameTaker, Rota, WorkLine } from '../../dist/threads/worker/rota.js'

function taker(take = (): void => {}): FrameTaker {
  return { take, holdAcknowledgement() {}, afterWork() {} }
}

describe('a rota', () => {
  it('does the work of each line in an async context of its own, whoever had it called', async () => {
    const rota = new Rota((fault) => {
      throw fault
    })
    const lines = ['a', 'b'].map((name) => ({
      name,
      line: new WorkLine(rota, taker())
    }))
    const tenants = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const look = (): void => void seen.push(tenants.getStore())
    for (const { name, line } of lines) {
      tenants.run(name, () =>
        line.push(() => {
          look()
          tenants.run(name, () => line.goOn(look, 1))
        })
      )
    }
    while (seen.length < 4) await delay(1)
    expect(seen).toEqual([undefined, undefined, undefined, undefined])
  })

  it('takes no frame in before the work that is to go on', () => {
    const done: string[] = []
    const faults: unknown[] = []
    const rota = new Rota((fault) => faults.push(fault))
    let taken: unknown = 'nothing asked'
    const take = (): void => {
      done.push('frame')
      if (done.length > 1) return
      line.goOn(() => done.push('rest'))
      line.renew()
      // What a link does when a frame is worked off, and more has come.
      taken = line.takeFrame()
    }
    const line = new WorkLine(rota, taker(take))
    line.push(new Uint8Array(4))
    line.push(new Uint8Array(4))
    // A slice may end between any two of them; the thread goes on until nothing is left.
    expect(rota.workOff([line], performance.now() + 10_000)).toBe(true)
    expect(faults).toEqual([])
    expect(taken).toBeUndefined()
    expect(done).toEqual(['frame', 'rest', 'frame'])
  })
})
