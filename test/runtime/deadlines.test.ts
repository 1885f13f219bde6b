import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { type DeadlineEntry, Deadlines } from '../../dist/runtime/deadlines.js'
import { runChild } from '../support/brokers-child.js'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Something with a time limit which notes when it passed. */
class Timed implements DeadlineEntry {
  readonly expired: Promise<void>
  /** How long after its limit it heard of it, in milliseconds. */
  lateByMs: number | undefined
  deadline = 0
  deadlineList: DeadlineEntry['deadlineList'] = undefined
  next: DeadlineEntry | undefined = undefined
  previous: DeadlineEntry | undefined = undefined
  #resolve: () => void = () => {}
  readonly #onExpire: (() => void) | undefined

  constructor(onExpire?: () => void) {
    this.#onExpire = onExpire
    this.expired = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  expire(): void {
    if (this.lateByMs !== undefined) throw new Error('expired twice')
    this.lateByMs = performance.now() - this.deadline
    this.#onExpire?.()
    this.#resolve()
  }
}

let deadlines: Deadlines
beforeEach(() => {
  deadlines = new Deadlines()
})

/** Resolves when a limit of `timeoutMs` has passed that was added after everything else. */
async function passed(timeoutMs: number): Promise<void> {
  const last = new Timed()
  deadlines.add(last, timeoutMs)
  await last.expired
}

describe('time limits', () => {
  it('pass in the order in which they were added, and never too early', async () => {
    const seen: number[] = []
    const entries = Array.from({ length: 100 }, (_, n) => new Timed(() => seen.push(n)))
    for (const entry of entries) deadlines.add(entry, 10)
    await passed(10)
    expect(seen).toEqual(entries.map((_, n) => n))
    expect(Math.min(...entries.map((entry) => entry.lateByMs!))).toBeGreaterThanOrEqual(0)
  })

  it('pass in the order of their length when they are added together', async () => {
    const seen: number[] = []
    for (const timeoutMs of [60, 20, 40]) deadlines.add(new Timed(() => seen.push(timeoutMs)), timeoutMs)
    await passed(80)
    expect(seen).toEqual([20, 40, 60])
  })

  it('leave the event loop its turns when many pass together', async () => {
    const seen: number[] = []
    const turns = new Set<number>()
    let turn = 0
    const working = setInterval(() => turn++)
    const busy = (n: number) => (): void => {
      const end = performance.now() + 2
      while (performance.now() < end);
      seen.push(n)
      turns.add(turn)
    }
    const entries = Array.from({ length: 30 }, (_, n) => new Timed(busy(n)))
    for (const entry of entries) deadlines.add(entry, 10)
    await Promise.all(entries.map(({ expired }) => expired))
    clearInterval(working)
    expect(seen).toEqual(entries.map((_, n) => n))
    expect(turns.size).toBeGreaterThan(3)
  })

  it('never pass once they are removed, wherever they stand, and removing is harmless to repeat', async () => {
    const seen: number[] = []
    const entries = Array.from({ length: 7 }, (_, n) => new Timed(() => seen.push(n)))
    for (const entry of entries) deadlines.add(entry, 10)
    for (const n of [0, 3, 6, 3, 1]) deadlines.remove(entries[n]!)
    deadlines.remove(new Timed())
    await passed(10)
    expect(seen).toEqual([2, 4, 5])
  })

  it('can be removed by one that passes in the same moment', async () => {
    const second = new Timed()
    const first = new Timed(() => deadlines.remove(second))
    deadlines.add(first, 10)
    deadlines.add(second, 10)
    await passed(10)
    expect([first.lateByMs !== undefined, second.lateByMs]).toEqual([true, undefined])
  })

  it('can be added again after all others are gone', async () => {
    const gone = new Timed()
    deadlines.add(gone, 30)
    deadlines.remove(gone)
    const next = new Timed()
    deadlines.add(next, 30)
    await next.expired
    expect(next.lateByMs).toBeGreaterThanOrEqual(0)
    expect(gone.lateByMs).toBeUndefined()
  })

  it('are not put off for those who wait when one that passes adds another', async () => {
    const later = new Timed()
    const added = new Timed()
    const first = new Timed(() => deadlines.add(added, 400))
    deadlines.add(first, 400)
    await passed(100)
    deadlines.add(later, 400)
    await added.expired
    expect(later.lateByMs).toBeLessThan(200)
  })

  it('do not pass when they are longer than a timer can take', async () => {
    const endless = [2 ** 31, Number.MAX_VALUE, Number.POSITIVE_INFINITY].map((timeoutMs) => {
      const entry = new Timed()
      deadlines.add(entry, timeoutMs)
      return entry
    })
    await passed(5)
    expect(endless.map((entry) => entry.lateByMs)).toEqual([undefined, undefined, undefined])
    for (const entry of endless) deadlines.remove(entry)
  })
})

describe('when timers change', () => {
  afterEach(() => {
    jest.useRealTimers()
  })

  /** Has a limit of `timeoutMs` that is over before it passes. */
  function over(timeoutMs: number): void {
    const entry = new Timed()
    deadlines.add(entry, timeoutMs)
    deadlines.remove(entry)
  }

  it('limits pass by fake ones after a call in real time', () => {
    over(1000)
    jest.useFakeTimers()
    const entry = new Timed()
    deadlines.add(entry, 1000)
    jest.advanceTimersByTime(999)
    expect(entry.lateByMs).toBeUndefined()
    jest.advanceTimersByTime(1)
    expect(entry.lateByMs).toBe(0)
  })

  it('limits pass by fake ones that leave performance as it is', () => {
    jest.useFakeTimers({ doNotFake: ['performance'] })
    const [first, second] = [new Timed(), new Timed()]
    deadlines.add(first, 1000)
    jest.advanceTimersByTime(600)
    deadlines.add(second, 1000)
    jest.advanceTimersByTime(400)
    expect([first.lateByMs === undefined, second.lateByMs === undefined]).toEqual([false, true])
    jest.advanceTimersByTime(600)
    expect(second.lateByMs).toBeDefined()
  })

  it('limits pass by real ones after calls under fake ones, over or in flight', async () => {
    jest.useFakeTimers()
    over(10)
    deadlines.add(new Timed(), 20)
    jest.useRealTimers()
    await passed(10)
    await passed(20)
  })

  it('limits pass by new fake ones after calls under former ones', () => {
    jest.useFakeTimers()
    over(1000)
    jest.useFakeTimers()
    const entry = new Timed()
    deadlines.add(entry, 1000)
    jest.advanceTimersByTime(1000)
    expect(entry.lateByMs).toBe(0)
  })

  it('the limit of a call in flight goes on by those of its own', async () => {
    const real = new Timed()
    deadlines.add(real, 20)
    jest.useFakeTimers()
    const fake = new Timed()
    deadlines.add(fake, 20)
    await real.expired
    expect(fake.lateByMs).toBeUndefined()
    jest.advanceTimersByTime(20)
    expect(fake.lateByMs).toBe(0)
  })

  it('limits need nothing of a timer but that it can be stopped', async () => {
    const { setTimeout, clearTimeout } = globalThis
    const timers = new Map<unknown, NodeJS.Timeout>()
    const numbered = (ring: () => void, ms: number): number =>
      timers.set(timers.size, setTimeout(ring, ms)).size - 1
    globalThis.setTimeout = numbered as never
    globalThis.clearTimeout = ((timer: unknown) => clearTimeout(timers.get(timer))) as never
    try {
      over(20)
      await passed(20)
    } finally {
      Object.assign(globalThis, { setTimeout, clearTimeout })
    }
  })
})

describe('timers', () => {
  const setUp = `
    import { BrokerHub, defineRequest, RequestBroker } from 'persistency'
    const requests = new RequestBroker(new BrokerHub())
    const Ask = defineRequest('ask')
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  `

  it('are one for any number of calls with the same limit, and none when all are answered', async () => {
    const { code, lines, lifetimeMs } = await runChild(`${setUp}
      let answer
      const answered = new Promise((resolve) => { answer = resolve })
      requests.provide(Ask, () => answered)
      const calls = Array.from({ length: 1000 }, () => requests.request(Ask, {}))
      print(timers())
      answer('here')
      await Promise.all(calls)
      print(timers())
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: [1, 0] })
    expect(lifetimeMs).toBeLessThan(4000)
  })

  it('do not keep a process alive after calls of every outcome', async () => {
    const { code, lines, lifetimeMs } = await runChild(`${setUp}
      import { err } from 'neverthrow'
      const caller = new AbortController()
      const kinds = []
      const ask = async (options) => {
        const result = await requests.request(Ask, {}, options)
        kinds.push(result.isOk() ? 'ok' : result.error.kind)
      }
      await ask()
      for (const provider of [() => 1, async () => 1, () => err({ kind: 'own' }), async () => { throw new Error() }]) {
        requests.replace(Ask, provider)
        await ask()
      }
      requests.replace(Ask, () => new Promise(() => {}))
      await ask({ timeoutMs: 10 })
      const aborted = ask({ signal: caller.signal })
      caller.abort()
      await aborted
      print(kinds)
    `)
    expect({ code, lines }).toEqual({
      code: 0,
      lines: [['noProvider', 'ok', 'ok', 'own', 'providerFailed', 'timeout', 'aborted']]
    })
    expect(lifetimeMs).toBeLessThan(4000)
  })

  it('keep a process alive until a call in flight has run out of time, and no longer', async () => {
    const { code, lines, lifetimeMs } = await runChild(`${setUp}
      requests.provide(Ask, () => new Promise(() => {}))
      requests.request(Ask, {}, { timeoutMs: 100 }).then((result) => print(result.error.kind))
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: ['timeout'] })
    expect(lifetimeMs).toBeLessThan(4000)
  })

  it('keep a process alive for a call that comes after all others were answered', async () => {
    const { code, lines } = await runChild(`${setUp}
      requests.provide(Ask, async (answer) => answer ? 1 : new Promise(() => {}))
      const ask = async (answer) => {
        const result = await requests.request(Ask, answer, { timeoutMs: 100 })
        print(result.isOk() ? 'ok' : result.error.kind)
      }
      await ask(true)
      void ask(false)
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: ['ok', 'timeout'] })
  })

  it('do not keep a process alive for a call without a limit', async () => {
    const { code, lines, lifetimeMs } = await runChild(`${setUp}
      requests.provide(Ask, () => new Promise(() => {}))
      void requests.request(Ask, {}, { timeoutMs: Infinity }).then(() => print('answered'))
      print('asked')
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: ['asked'] })
    expect(lifetimeMs).toBeLessThan(4000)
  })

  it('of a listener that is being dropped end with its last run', async () => {
    const { code, lines, lifetimeMs } = await runChild(`
      import { BrokerHub, defineEvent, EventBroker } from 'persistency'
      const events = new EventBroker(new BrokerHub())
      const Note = defineEvent('note')
      const handle = events.listen(Note, () => turn())
      events.emit(Note, {})
      print(await handle.drop())
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: [true] })
    expect(lifetimeMs).toBeLessThan(4000)
  })
})

it('keeps nothing of limits that are different each time', () => {
  const add = (count: number): void => {
    for (let n = 0; n < count; n++) {
      const entry = new Timed()
      deadlines.add(entry, 10_000_000 + Math.random())
      deadlines.remove(entry)
    }
  }
  add(1000)
  const before = heapInUse()
  add(50_000)
  expect(heapInUse() - before).toBeLessThan(2 * 1024 * 1024)
})

it('keeps nothing of limits that have passed', async () => {
  const add = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) deadlines.add(new Timed(), 1 + Math.random())
    await passed(5)
  }
  await add(1000)
  const before = heapInUse()
  await add(20_000)
  expect(heapInUse() - before).toBeLessThan(2 * 1024 * 1024)
})

function heapInUse(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}
