import { beforeEach, describe, expect, it } from '@jest/globals'
import { BrokerContext, type EventBroker, type ListenerError, type ListenerHandle } from 'persistency/brokers'
import { gate, isPending, nextTurn } from '../support/brokers-async.js'
import { Note, Tick, watchedEvents } from '../support/events.js'

let events: EventBroker
let failures: ListenerError[]
beforeEach(() => {
  ;({ events, failures } = watchedEvents())
})

describe('dropping a listener', () => {
  it('removes just that listener, and repeating it is harmless', async () => {
    const seen: string[] = []
    const first = events.listen(Note, () => seen.push('first'))
    events.listen(Note, () => seen.push('second'))
    expect(await first.drop()).toBe(true)
    expect(await first.drop()).toBe(true)
    expect(first.active).toBe(false)
    events.emit(Note, 'hello')
    expect(seen).toEqual(['second'])
  })

  it('never removes somebody else, however stale the handle', async () => {
    const stale: ListenerHandle[] = []
    for (let round = 0; round < 10; round++) {
      const handle = events.listen(Note, () => {})
      await handle.drop()
      stale.push(handle)
    }
    let heard = 0
    events.listen(Note, () => heard++)
    await Promise.all(stale.map((handle) => handle.drop()))
    events.emit(Note, 'hello')
    expect(heard).toBe(1)
  })

  it('stops it at once and waits for its runs in flight', async () => {
    const resume = gate()
    let finished = 0
    const handle = events.listen(Note, async () => {
      await resume.opened
      finished++
    })
    events.emit(Note, 'one')
    events.emit(Note, 'two')
    const dropped = handle.drop()
    events.emit(Note, 'three')
    expect(await isPending(dropped)).toBe(true)
    resume.open()
    expect(await dropped).toBe(true)
    expect(finished).toBe(2)
  })

  it('waits for runs that fail, too', async () => {
    const resume = gate()
    const handle = events.listen(Note, async () => {
      await resume.opened
      throw new Error('late')
    })
    events.emit(Note, 'hello')
    const dropped = handle.drop()
    resume.open()
    expect(await dropped).toBe(true)
    expect(failures.map(({ error }) => error)).toEqual([new Error('late')])
  })

  it('fires the signal of its runs, which end what they wait for', async () => {
    const seen: string[] = []
    const handle = events.listen(Note, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      seen.push('stopped')
    })
    events.emit(Note, 'hello')
    expect(await handle.drop()).toBe(true)
    expect(seen).toEqual(['stopped'])
  })

  it('shows the signal as fired to a run that looks at it only afterwards', async () => {
    const resume = gate()
    const seen: boolean[] = []
    const handle = events.listen(Note, async (_, scope) => {
      await resume.opened
      seen.push(scope.signal.aborted)
    })
    events.emit(Note, 'hello')
    const dropped = handle.drop()
    resume.open()
    await dropped
    expect(seen).toEqual([true])
  })

  it('leaves the runs of every other listener alone', async () => {
    const resume = gate()
    const seen: string[] = []
    const a = events.listen(
      Note,
      (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve))
    )
    events.listen(Note, async (_, { signal }) => {
      await resume.opened
      seen.push(`b completed, aborted: ${signal.aborted}`)
    })
    events.emit(Note, 'hello')
    expect(await a.drop()).toBe(true)
    expect(seen).toEqual([])
    resume.open()
    await nextTurn()
    expect(seen).toEqual(['b completed, aborted: false'])
  })

  it('stops waiting after the grace period', async () => {
    const resume = gate()
    const handle = events.listen(Note, () => resume.opened)
    events.emit(Note, 'hello')
    expect(await handle.drop({ graceMs: 5 })).toBe(false)
    expect(await handle.drop({ graceMs: Number.NaN })).toBe(false)
    resume.open()
    expect(await handle.drop()).toBe(true)
  })

  it('waits without a limit when the grace period is infinite', async () => {
    const resume = gate()
    const handle = events.listen(Note, () => resume.opened)
    events.emit(Note, 'hello')
    const dropped = handle.drop({ graceMs: Number.POSITIVE_INFINITY })
    const meanwhile = await Promise.race([dropped, handle.drop({ graceMs: 50 }).then(() => 'waiting')])
    resume.open()
    expect(meanwhile).toBe('waiting')
    expect(await dropped).toBe(true)
  })

  it('is what the end of an "await using" block does', async () => {
    const resume = gate()
    let running = false
    {
      await using handle = events.listen(Note, async () => {
        running = true
        await resume.opened
        running = false
      })
      events.emit(Note, 'hello')
      expect([handle.active, running]).toEqual([true, true])
      resume.open()
    }
    expect(running).toBe(false)
    expect(events.listenerCount(Note)).toBe(0)
  })

  it('in one context while another is being dropped takes only its own', async () => {
    const resume = gate()
    const contexts = Array.from({ length: 5 }, (_, n) => BrokerContext.create(`${n}`))
    const seen: string[] = []
    for (const context of contexts) {
      events.in(context).listen(Note, async () => {
        seen.push(context.label)
        await resume.opened
      })
      events.in(context).emit(Note, 'hello')
    }
    seen.length = 0
    const dropped = [1, 3].map((n) => events.in(contexts[n]!).dropAll(Note))
    await events.in(contexts[0]!).dropAll(Note, { graceMs: 1 })
    resume.open()
    expect(await Promise.all(dropped)).toEqual([true, true])
    for (const context of contexts) events.in(context).emit(Note, 'hello')
    expect(seen).toEqual(['2', '4'])
  })
})

describe('dropping all listeners', () => {
  it('removes those of one event in one context only', async () => {
    const other = events.in(BrokerContext.create('other'))
    const seen: string[] = []
    events.listen(Note, () => seen.push('note'))
    events.listen(Note, () => seen.push('note too'))
    events.listen(Tick, () => seen.push('tick'))
    other.listen(Note, () => seen.push('note elsewhere'))
    expect(await events.dropAll(Note)).toBe(true)
    events.emit(Note, 'hello')
    events.emit(Tick)
    other.emit(Note, 'hello')
    expect(seen).toEqual(['tick', 'note elsewhere'])
  })

  it('lets others listen again', async () => {
    const seen: string[] = []
    events.listen(Note, () => seen.push('before'))
    await events.dropAll(Note)
    events.listen(Note, () => seen.push('after'))
    events.emit(Note, 'hello')
    expect(seen).toEqual(['after'])
  })

  it('stops every run in flight through its signal', async () => {
    const completed: string[] = []
    for (const name of ['a', 'b']) {
      events.listen(Note, async (_, { signal }) => {
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
        completed.push(name)
      })
    }
    events.emit(Note, 'hello')
    expect(await events.dropAll(Note)).toBe(true)
    expect(completed).toEqual([])
    expect(failures.map(({ error }) => (error as Error).name)).toEqual(['AbortError', 'AbortError'])
  })

  it('tells when a run outlived the grace period', async () => {
    const resume = gate()
    events.listen(Note, () => {})
    events.listen(Note, () => resume.opened)
    events.emit(Note, 'hello')
    expect(await events.dropAll(Note, { graceMs: 5 })).toBe(false)
    resume.open()
  })

  it('is fine with none', async () => {
    expect(await events.dropAll(Note)).toBe(true)
  })
})

describe('a listener that drops itself', () => {
  it('ends promptly, also after it has awaited something', async () => {
    const resume = gate()
    const done = new Promise<boolean>((resolve) => {
      events.listen(Note, async (_, scope) => {
        await resume.opened
        resolve(await scope.drop())
      })
    })
    events.emit(Note, 'hello')
    resume.open()
    await nextTurn()
    expect(await isPending(done)).toBe(false)
    expect(await done).toBe(true)
    expect(events.listenerCount(Note)).toBe(0)
  })

  it('ends promptly when two of its runs drop it at the same time', async () => {
    const resume = gate()
    const outcomes: Promise<boolean>[] = []
    events.listen(Note, async (_, scope) => {
      await resume.opened
      const outcome = scope.drop()
      outcomes.push(outcome)
      await outcome
    })
    events.emit(Note, 'one')
    events.emit(Note, 'two')
    resume.open()
    await nextTurn()
    expect(outcomes).toHaveLength(2)
    expect(await isPending(Promise.all(outcomes))).toBe(false)
    expect(await Promise.all(outcomes)).toEqual([true, true])
  })

  it.each([
    ['at once', () => Promise.resolve()],
    ['one after the other', (n: number) => afterTurns(n)]
  ])('does not wait for the other runs that leave %s to end', async (_, before) => {
    const end = gate()
    const left: boolean[] = []
    events.listen(Note, async (text, scope) => {
      await before(Number(text))
      left.push(await scope.drop())
      await end.opened
    })
    for (const text of ['1', '2', '3']) events.emit(Note, text)
    await afterTurns(5)
    const beforeTheEnd = [...left]
    end.open()
    expect(beforeTheEnd).toEqual([true, true, true])
  })

  it('waits for its other runs', async () => {
    const first = gate()
    const second = gate()
    let left: Promise<boolean> | undefined
    events.listen(Note, async (text, scope) => {
      if (text === 'one') return first.opened
      await second.opened
      left = scope.drop()
      return left
    })
    events.emit(Note, 'one')
    events.emit(Note, 'two')
    second.open()
    await nextTurn()
    expect(await isPending(left!)).toBe(true)
    first.open()
    expect(await left).toBe(true)
  })

  it('waits for its other runs, also when it does so before its first await', async () => {
    const first = gate()
    let left: Promise<boolean> | undefined
    events.listen(Note, (text, scope) => {
      if (text === 'one') return first.opened
      left = scope.drop()
      return left
    })
    events.emit(Note, 'one')
    events.emit(Note, 'two')
    const pending = await isPending(left!)
    first.open()
    expect(pending).toBe(true)
    expect(await left).toBe(true)
  })

  it('is still waited for by whoever drops it from outside', async () => {
    const work = gate()
    const other = gate()
    const started = gate()
    const handle = events.listen(Note, async (text, scope) => {
      if (text === 'other') return other.opened
      await started.opened
      await scope.drop()
      await work.opened
    })
    events.emit(Note, 'other')
    events.emit(Note, 'leaving')
    started.open()
    await nextTurn()
    const dropped = handle.drop()
    other.open()
    const pending = await isPending(dropped)
    work.open()
    expect(pending).toBe(true)
    expect(await dropped).toBe(true)
  })

  it('ends after the grace period with false when it waits for its own handle', async () => {
    const resume = gate()
    const done = new Promise<boolean>((resolve) => {
      const handle = events.listen(Note, async () => {
        await resume.opened
        resolve(await handle.drop({ graceMs: 20 }))
      })
    })
    events.emit(Note, 'hello')
    resume.open()
    expect(await done).toBe(false)
  })

  it('ends after the grace period with false, also when it does so before its first await', async () => {
    const done = new Promise<boolean>((resolve) => {
      const handle = events.listen(Note, async () => {
        resolve(await handle.drop({ graceMs: 20 }))
      })
    })
    events.emit(Note, 'hello')
    expect(await done).toBe(false)
  })

  it('can drop every listener of its event with a grace period', async () => {
    const resume = gate()
    const done = new Promise<boolean>((resolve) => {
      events.listen(Note, async () => {
        await resume.opened
        resolve(await events.dropAll(Note, { graceMs: 20 }))
      })
    })
    events.emit(Note, 'hello')
    resume.open()
    expect(await done).toBe(false)
    expect(events.listenerCount(Note)).toBe(0)
  })
})

async function afterTurns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await nextTurn()
}
