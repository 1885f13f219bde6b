import { AsyncLocalStorage } from 'node:async_hooks'
import { beforeEach, describe, expect, it, jest } from '@jest/globals'
import { BrokerContext, BrokerHub, defineSignal, EventBroker, SignalBroker } from 'persistency/brokers'
import { gate } from '../support/brokers-async.js'

const Save = defineSignal<number>('signal.save')
const Wake = defineSignal('signal.wake')
const Tight = defineSignal<number>('signal.tight', { queueDepth: 2 })

let hub: BrokerHub
let context: BrokerContext
let signals: SignalBroker
let handled: number[]
const note = (n: number): number => handled.push(n)

beforeEach(() => {
  hub = new BrokerHub()
  context = BrokerContext.create('here')
  signals = new SignalBroker(hub, context)
  handled = []
})

describe('handling a signal', () => {
  it('is refused to a second handler, and the first stays', async () => {
    const handle = signals.on(Save, note)._unsafeUnwrap()
    const error = signals.on(Save, () => {})._unsafeUnwrapErr()
    expect(error).toMatchObject({ name: 'BrokerError', kind: 'alreadyHandled' })
    expect(error.message).toContain(context.toString())
    signals.signal(Save, 1)
    await handle.drop()
    expect(handled).toEqual([1])
  })

  it('begins after signal() has returned, one at a time, in order', async () => {
    const first = gate()
    const handle = signals.on(Save, async (n) => {
      if (n === 1) await first.opened
      note(n)
    })
    for (const n of [1, 2, 3]) signals.signal(Save, n)
    expect(handled).toEqual([])
    first.open()
    await handle._unsafeUnwrap().drop()
    expect(handled).toEqual([1, 2, 3])
  })

  it('takes no payload from a bare pulse', async () => {
    const payloads: unknown[] = []
    const handle = signals.on(Wake, (payload) => payloads.push(payload))._unsafeUnwrap()
    expect(signals.signal(Wake).isOk()).toBe(true)
    await handle.drop()
    expect(payloads).toEqual([undefined])
  })

  it.each([
    [
      'throws',
      (): never => {
        throw new Error('spilt')
      }
    ],
    ['rejects', () => Promise.reject(new Error('spilt'))]
  ])(
    'goes on after a handler that %s; the failure is published, and the signaller is told nothing',
    async (_, fail) => {
      const failures: unknown[] = []
      new EventBroker(hub, context).listenerErrors.subscribe((failure) => failures.push(failure))
      const handle = signals.on(Save, (n) => (n === 1 ? fail() : note(n)))._unsafeUnwrap()
      expect([1, 2].map((n) => signals.signal(Save, n).isOk())).toEqual([true, true])
      await handle.drop()
      expect(handled).toEqual([2])
      expect(failures).toMatchObject([{ context, event: Save.name, error: { message: 'spilt' } }])
    }
  )

  it('may send the same signal again, and others', async () => {
    const done = gate()
    signals.on(Wake, () => done.open())
    signals.on(Save, (n) => {
      note(n)
      if (n < 3) signals.signal(Save, n + 1)
      else signals.signal(Wake)
    })
    signals.signal(Save, 1)
    await done.opened
    expect(handled).toEqual([1, 2, 3])
  })

  it('may drop itself; what was accepted before is handled still', async () => {
    const handle = signals
      .on(Save, (n) => {
        void handle.drop()
        note(n)
      })
      ._unsafeUnwrap()
    for (const n of [1, 2]) signals.signal(Save, n)
    await Promise.resolve()
    expect(signals.signal(Save, 3)._unsafeUnwrapErr().kind).toBe('noHandler')
    await handle.drop()
    expect(handled).toEqual([1, 2])
  })

  it('may drop itself through its scope, which waits neither for itself nor for those accepted before', async () => {
    const log: unknown[] = []
    const handle = signals
      .on(Save, async (n, { drop }) => {
        await drop()
        await drop()
        log.push(n, signals.signal(Save, 3)._unsafeUnwrapErr().kind)
      })
      ._unsafeUnwrap()
    const began = performance.now()
    for (const n of [1, 2]) signals.signal(Save, n)
    await Promise.resolve()
    expect([handle.active, signals.has(Save)]).toEqual([false, false])
    await handle.drop()
    expect(log).toEqual([1, 'noHandler', 2, 'noHandler'])
    expect(signals.on(Save, note).isOk()).toBe(true)
    expect(performance.now() - began).toBeLessThan(2500)
  })

  it('stays with its handler when what is to replace it is no function', async () => {
    const handle = signals.on(Save, note)._unsafeUnwrap()
    expect(() => signals.replace(Save, undefined as never)).toThrow(TypeError)
    expect([handle.active, signals.signal(Save, 1).isOk()]).toEqual([true, true])
    await handle.drop()
    expect(handled).toEqual([1])
  })

  it('leaves whoever took its place alone when it drops itself', async () => {
    const handle = signals.on(Save, (_, { drop }) => drop())._unsafeUnwrap()
    signals.signal(Save, 1)
    const next = signals.replace(Save, note)
    await handle.drop()
    expect([next.active, signals.handler(Save)]).toEqual([true, note])
  })

  it('may await the drop of its own handle, and is let go after the grace period', async () => {
    jest.useFakeTimers()
    try {
      const done = gate()
      const handle = signals
        .on(Save, async () => {
          await handle.drop()
          note(1)
          done.open()
        })
        ._unsafeUnwrap()
      signals.signal(Save, 1)
      await jest.advanceTimersByTimeAsync(4999)
      expect(handled).toEqual([])
      await jest.advanceTimersByTimeAsync(1)
      await done.opened
      expect(signals.has(Save)).toBe(false)
    } finally {
      jest.useRealTimers()
    }
  })

  it('throws a TypeError over what is no function', () => {
    for (const install of ['on', 'replace'] as const) {
      expect(() => signals[install](Save, undefined as unknown as typeof note)).toThrow(TypeError)
    }
    expect(signals.has(Save)).toBe(false)
  })
})

describe('sending a signal', () => {
  it('is refused with noHandler when nobody handles it', () => {
    const error = signals.signal(Save, 1)._unsafeUnwrapErr()
    expect(error).toMatchObject({ name: 'BrokerError', kind: 'noHandler' })
  })

  it('has no fallback to the default context, and none from it', () => {
    const inDefault = signals.in(BrokerContext.default)
    inDefault.on(Save, note)
    expect(signals.signal(Save, 1)._unsafeUnwrapErr().kind).toBe('noHandler')
    expect([inDefault.has(Save), signals.has(Save)]).toEqual([true, false])
  })

  it('is refused with queueFull while the queue is full, the running one included', async () => {
    const first = gate()
    const handle = signals.on(Tight, async (n) => {
      await first.opened
      note(n)
    })
    const accepted = [1, 2, 3].map((n) => signals.signal(Tight, n).isOk())
    expect(accepted).toEqual([true, true, false])
    expect(signals.signal(Tight, 4)._unsafeUnwrapErr().kind).toBe('queueFull')
    first.open()
    while (signals.signal(Tight, 5).isErr()) await Promise.resolve()
    await handle._unsafeUnwrap().drop()
    expect(handled).toEqual([1, 2, 5])
  })

  it('counts 256 when the definition does not say how many may wait', async () => {
    const first = gate()
    const handle = signals.on(Save, () => first.opened)._unsafeUnwrap()
    const accepted = Array.from({ length: 257 }, (_, n) => signals.signal(Save, n).isOk())
    expect(accepted.lastIndexOf(true)).toBe(255)
    first.open()
    await handle.drop()
  })
})

describe('dropping the handler of a signal', () => {
  it('waits for those accepted before, and may be repeated', async () => {
    const first = gate()
    signals.on(Save, async (n) => {
      await first.opened
      note(n)
    })
    signals.signal(Save, 1)
    const drops = [signals.drop(Save), signals.drop(Save)]
    expect(signals.has(Save)).toBe(false)
    first.open()
    await drops[0]
    expect(handled).toEqual([1])
    expect(hub.contextCount).toBe(0)
  })

  it('makes room for another one that a stale handle does not touch', async () => {
    const stale = signals.on(Save, () => {})._unsafeUnwrap()
    await signals.drop(Save)
    const next = signals.on(Save, note)._unsafeUnwrap()
    await stale.drop()
    expect([stale.active, next.active]).toEqual([false, true])
    signals.signal(Save, 1)
    await next[Symbol.asyncDispose]()
    expect(handled).toEqual([1])
    expect(signals.on(Save, note).isOk()).toBe(true)
  })
})

describe('replacing the handler of a signal', () => {
  it('tells the function that handles it now', async () => {
    expect(signals.handler(Save)).toBeUndefined()
    signals.on(Save, note)
    expect(signals.handler(Save)).toBe(note)
    const other = (): void => {}
    const handle = signals.replace(Save, other)
    expect(signals.handler(Save)).toBe(other)
    await handle.drop()
    expect(signals.handler(Save)).toBeUndefined()
  })

  it('installs one where there is none', async () => {
    const handle = signals.replace(Save, note)
    signals.signal(Save, 1)
    await handle.drop()
    expect(handled).toEqual([1])
  })

  it('for a while leaves none behind when there was none', async () => {
    await signals.withHandler(Save, note, () => signals.signal(Save, 1))
    expect([signals.has(Save), hub.contextCount, handled]).toEqual([false, 0, [1]])
  })

  it('for a while leaves whoever took the place meanwhile', async () => {
    signals.on(Save, () => {})
    const later = (): void => {}
    await signals.withHandler(Save, note, () => void signals.replace(Save, later))
    expect(signals.handler(Save)).toBe(later)
  })

  it('for a while puts the former one back when nobody is there at its end', async () => {
    signals.on(Save, note)
    await signals.withHandler(
      Save,
      () => {},
      () => signals.drop(Save)
    )
    await signals.withHandler(
      Save,
      () => {},
      () => signals.replace(Save, () => {}).drop()
    )
    expect(signals.handler(Save)).toBe(note)
  })

  it('for a while does not bring back a handler that was dropped meanwhile', async () => {
    const former = signals.on(Save, () => {})._unsafeUnwrap()
    await signals.withHandler(Save, note, () => former.drop())
    expect(signals.signal(Save, 1)._unsafeUnwrapErr().kind).toBe('noHandler')
    expect(signals.on(Save, note).isOk()).toBe(true)
  })
})

it('handles each signal as part of what its signaller was at', async () => {
  const store = new AsyncLocalStorage<string>()
  const hub = new BrokerHub()
  const signals = new SignalBroker(hub, BrokerContext.create('scoped'))
  const Scoped = defineSignal<string>('signals.scoped')
  const seen: string[] = []
  const handled = new Promise<void>((resolve) => {
    signals.on(Scoped, async (name) => {
      seen.push(`${name} ${store.getStore()}`)
      await Promise.resolve()
      seen.push(`${name} ${store.getStore()}`)
      if (seen.length === 6) resolve()
    })
  })
  for (const name of ['a', 'b', 'c']) store.run(name, () => signals.signal(Scoped, name))
  await handled
  expect(seen).toEqual(['a a', 'a a', 'b b', 'b b', 'c c', 'c c'])
})
