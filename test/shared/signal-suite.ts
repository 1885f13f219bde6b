/** Owns what a caller may rely on about signals. */
import { expect, it } from '@jest/globals'
import { Back, Note, Restore, SignalBack, Tight, Wake, Withdraw } from '../fixtures/shared-worker.mjs'
import { Near, type NearOf } from './broker-suite.js'

export function signalSuite(nearOf: NearOf): void {
  it('are accepted at once and handled in order', async () => {
    const near = nearOf()
    const accepted = [1, 2, 3, 4, 5].map((n) => near.signals.signal(Note, n).isOk())
    expect(accepted).toEqual([true, true, true, true, true])
    expect(await notesOnce(near, 5)).toEqual([1, 2, 3, 4, 5])
  })

  it('may have no payload', async () => {
    const near = nearOf()
    near.signals.signal(Wake)
    near.signals.signal(Wake)
    while ((await near.seen()).wakes < 2) await new Promise(setImmediate)
    expect((await near.seen()).wakes).toBe(2)
  })

  it('hide the failure of their handler from the signaller, and the next one is handled', async () => {
    const near = nearOf()
    expect([-1, 8].map((n) => near.signals.signal(Note, n).isOk())).toEqual([true, true])
    expect(await notesOnce(near, 1)).toEqual([8])
    expect((await near.seen()).failures).toEqual(['note -1 is refused'])
  })

  it('are refused with queueFull when the handler is too far behind, and accepted again later', async () => {
    const near = nearOf()
    const results = [1, 2, 3, 4].map((n) => near.signals.signal(Tight, n))
    expect(results.map((result) => result.isOk())).toEqual([true, true, true, false])
    expect(results[3]?._unsafeUnwrapErr()).toMatchObject({ name: 'BrokerError', kind: 'queueFull' })
    for (let handled = 0; handled < 3; handled++) {
      await near.untilWaiting(1)
      await near.openGate()
    }
    while (near.signals.signal(Tight, 5).isErr()) await new Promise(setImmediate)
    await near.untilWaiting(1)
    await near.openGate()
    while ((await near.seen()).tight.length < 4) await new Promise(setImmediate)
    expect((await near.seen()).tight).toEqual([1, 2, 3, 5])
  })

  it('are refused with noHandler in a context that nobody handles them in', () => {
    const stranger = new Near(nearOf().home)
    expect(stranger.signals.has(Note)).toBe(false)
    expect(stranger.signals.signal(Note, 1)._unsafeUnwrapErr()).toMatchObject({ kind: 'noHandler' })
  })

  it('refuse a second handler, and the first goes on', async () => {
    const near = nearOf()
    expect(near.signals.has(Note)).toBe(true)
    expect(near.signals.on(Note, () => {})._unsafeUnwrapErr()).toMatchObject({ kind: 'alreadyHandled' })
    near.signals.signal(Note, 3)
    expect(await notesOnce(near, 1)).toEqual([3])
  })

  it('are refused once their handler is dropped, and those accepted before are handled', async () => {
    const near = nearOf()
    near.signals.signal(Note, 1)
    const dropped = near.signals.drop(Note)
    expect(near.signals.signal(Note, 2)._unsafeUnwrapErr()).toMatchObject({ kind: 'noHandler' })
    await dropped
    await near.signals.drop(Note)
    expect((await near.seen()).notes).toEqual([1])
  })

  it('are refused once the other side has withdrawn their handler, and go to the next one after that', async () => {
    const near = nearOf()
    near.signals.signal(Note, 1)
    await near.requests.request(Withdraw)
    expect(near.signals.has(Note)).toBe(false)
    expect(near.signals.signal(Note, 2)._unsafeUnwrapErr()).toMatchObject({ kind: 'noHandler' })
    await near.requests.request(Restore)
    expect(near.signals.has(Note)).toBe(true)
    expect(near.signals.signal(Note, 3).isOk()).toBe(true)
    expect(await notesOnce(near, 2)).toEqual([1, -3])
  })

  it('go to the handler that replaces another', async () => {
    const near = nearOf()
    const handled: number[] = []
    near.signals.signal(Note, 1)
    const handle = near.signals.replace(Note, (n) => handled.push(n))
    near.signals.signal(Note, 2)
    await handle.drop()
    expect(handled).toEqual([2])
    expect(await notesOnce(near, 1)).toEqual([1])
    expect(near.signals.has(Note)).toBe(false)
  })

  it('go to a handler in place of the usual one, then to that again', async () => {
    const near = nearOf()
    const handled: number[] = []
    const send = (n: number): boolean => near.signals.signal(Note, n).isOk()
    expect(
      await near.signals.withHandler(
        Note,
        (n) => handled.push(n),
        () => send(1)
      )
    ).toBe(true)
    expect(send(2)).toBe(true)
    const failing = near.signals.withHandler(
      Note,
      (n) => handled.push(n),
      () => {
        send(3)
        throw new Error('the body failed')
      }
    )
    await expect(failing).rejects.toThrow('the body failed')
    expect(send(4)).toBe(true)
    expect(await notesOnce(near, 2)).toEqual([2, 4])
    expect(handled).toEqual([1, 3])
  })

  it('answer an uncloneable payload with notSendable, if it has to be cloned', async () => {
    const near = nearOf()
    const odd = near.signals.signal(Wake, (() => 1) as unknown as undefined)
    if (near.home.copies) expect(odd._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    else expect(odd.isOk()).toBe(true)
    expect(near.signals.signal(Note, 1).isOk()).toBe(true)
    expect(await notesOnce(near, 1)).toEqual([1])
  })

  it('of the other side are handled here, in order', async () => {
    const near = nearOf()
    const handled: number[] = []
    const all = new Promise<void>((resolve) => {
      near.signals.on(Back, (n) => {
        handled.push(n)
        if (n === 9) resolve()
      })
    })
    expect((await near.requests.request(SignalBack, 10))._unsafeUnwrap()).toEqual(Array(10).fill(true))
    await all
    expect(handled).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('of the other side are refused while nobody handles them here', async () => {
    const near = nearOf()
    const accepted = async (): Promise<boolean[]> =>
      (await near.requests.request(SignalBack, 1))._unsafeUnwrap()
    expect(await accepted()).toEqual([false])
    const handle = near.signals.on(Back, () => {})._unsafeUnwrap()
    expect(await accepted()).toEqual([true])
    await handle.drop()
    expect(await accepted()).toEqual([false])
  })

  it('stay in their context', async () => {
    const near = nearOf()
    const another = await near.another()
    near.signals.signal(Note, 1)
    another.signals.signal(Note, 2)
    expect(await notesOnce(near, 1)).toEqual([1])
    expect(await notesOnce(another, 1)).toEqual([2])
  })
}

/** What the other side has noted, once that is so many. */
async function notesOnce(near: Near, count: number): Promise<number[]> {
  for (;;) {
    const { notes } = await near.seen()
    if (notes.length >= count) return notes
    await new Promise(setImmediate)
  }
}
