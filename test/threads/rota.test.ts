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

  it.each([0, 1])(
    'goes on with all that handlers of one frame leave, delayed by %i ms, before the next',
    (delayMs) => {
      const done: string[] = []
      const rota = new Rota((fault) => {
        throw fault
      })
      const take = (): void => {
        done.push('frame')
        if (done.length > 1) return
        const again = (): void => {
          done.push('a')
          line.goOn(() => done.push('a again'))
        }
        line.goOn(again, delayMs)
        line.goOn(() => done.push('b'), delayMs)
      }
      const afterWork = (goesOn: boolean): void => void done.push(goesOn ? 'goes on' : 'acknowledged')
      const line = new WorkLine(rota, { ...taker(take), afterWork })
      line.push(new Uint8Array(4))
      line.push(new Uint8Array(4))
      expect(rota.workOff([line], performance.now() + 10_000)).toBe(true)
      expect(done).toEqual([
        ...['frame', 'goes on', 'a', 'goes on', 'b', 'goes on', 'a again', 'acknowledged'],
        ...['frame', 'acknowledged']
      ])
    }
  )

  it('goes on with what is not delayed while something else is', async () => {
    const done: string[] = []
    const rota = new Rota((fault) => {
      throw fault
    })
    const line = new WorkLine(rota, taker())
    line.push(() => {
      line.goOn(() => done.push('delayed'), 5)
      line.goOn(() => done.push('at once'))
    })
    line.push(() => done.push('next'))
    while (done.length < 3) await delay(1)
    expect(done).toEqual(['at once', 'delayed', 'next'])
  })

  it('goes on with work that comes outside of a turn, before all else of the line and after that of others', async () => {
    const done: string[] = []
    const rota = new Rota((fault) => {
      throw fault
    })
    const [line, other] = [new WorkLine(rota, taker()), new WorkLine(rota, taker())]
    line.push(() => {
      void delay(1).then(() => {
        other.push(() => done.push('other'))
        line.goOn(() => done.push('a'))
        line.push(() => done.push('next'))
        line.goOn(() => done.push('b'))
      })
    })
    while (done.length < 4) await delay(1)
    expect(done).toEqual(['other', 'a', 'b', 'next'])
    // Nothing else comes for the line.
    await new Promise<void>((resolve) => line.goOn(resolve))
    expect(rota.idle).toBe(true)
  })
})
