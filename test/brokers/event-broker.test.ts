import { beforeEach, describe, expect, it } from '@jest/globals'
import { BrokerContext, defineEvent, type EventBroker, type ListenerError } from 'persistency/brokers'
import { gate, isPending, nextTurn } from '../support/brokers-async.js'
import { Note, Tick, watchedEvents } from '../support/events.js'

let events: EventBroker
let failures: ListenerError[]
beforeEach(() => {
  ;({ events, failures } = watchedEvents())
})

describe('delivery', () => {
  it('calls every listener once with the very value', () => {
    const Batch = defineEvent<{ items: number[] }>('events.batch')
    const payload = { items: [1] }
    const seen: unknown[] = []
    events.listen(Batch, (batch) => seen.push(['a', batch]))
    events.listen(Batch, (batch) => seen.push(['b', batch]))
    events.emit(Batch, payload)
    expect(seen).toEqual([
      ['a', payload],
      ['b', payload]
    ])
    expect(seen.every((entry) => (entry as unknown[])[1] === payload)).toBe(true)
  })

  it('is in the order in which listeners registered', async () => {
    const seen: number[] = []
    const handles = Array.from({ length: 20 }, (_, n) => events.listen(Note, () => seen.push(n)))
    await handles[3]!.drop()
    await handles[11]!.drop()
    events.listen(Note, () => seen.push(20))
    events.emit(Note, 'hello')
    expect(seen).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20])
  })

  it('runs listeners within emit, up to their first await', async () => {
    const seen: string[] = []
    const resume = gate()
    events.listen(Note, async () => {
      seen.push('a starts')
      await resume.opened
      seen.push('a ends')
    })
    events.listen(Note, () => seen.push('b'))
    events.emit(Note, 'hello')
    seen.push('emitted')
    expect(seen).toEqual(['a starts', 'b', 'emitted'])
    resume.open()
    await nextTurn()
    expect(seen.at(-1)).toBe('a ends')
  })

  it('does not wait for the run before: runs of one listener overlap', async () => {
    const resume = gate()
    let running = 0
    events.listen(Note, async () => {
      running++
      await resume.opened
      running--
    })
    events.emit(Note, 'one')
    events.emit(Note, 'two')
    expect(running).toBe(2)
    resume.open()
    await nextTurn()
    expect(running).toBe(0)
  })

  it('does nothing without listeners or in a context that nobody knows', () => {
    expect(events.emit(Note, 'hello')).toBeUndefined()
    expect(events.in(BrokerContext.create()).emit(Note, 'hello')).toBeUndefined()
    expect(failures).toEqual([])
  })

  it('stays within its context', () => {
    const a = events.in(BrokerContext.create('a'))
    const b = events.in(BrokerContext.create('b'))
    const seen: string[] = []
    a.listen(Note, (text) => seen.push(`a: ${text}`))
    b.listen(Note, (text) => seen.push(`b: ${text}`))
    events.listen(Note, (text) => seen.push(`own: ${text}`))
    a.emit(Note, '1')
    b.emit(Note, '2')
    events.emit(Note, '3')
    expect(seen).toEqual(['a: 1', 'b: 2', 'own: 3'])
  })

  it('goes to the definition of the same name, whichever object that is', () => {
    const twin = defineEvent<string>(Note.name)
    const other = defineEvent<string>('events.other')
    const seen: string[] = []
    events.listen(twin, (text) => seen.push(text))
    events.emit(Note, 'hello')
    events.emit(other, 'not this')
    expect(seen).toEqual(['hello'])
  })

  it('carries payloads of every kind as they are', () => {
    class Money {
      constructor(readonly cents: number) {}
    }
    const Anything = defineEvent<unknown>('events.anything')
    const seen: unknown[] = []
    events.listen(Anything, (value) => seen.push(value))
    const values = [
      { a: 1 },
      new Money(5),
      42,
      7n,
      'text',
      false,
      new Date(0),
      [],
      Symbol.iterator,
      null,
      undefined
    ]
    for (const value of values) events.emit(Anything, value)
    expect(seen).toHaveLength(values.length)
    expect(values.every((value, index) => Object.is(value, seen[index]))).toBe(true)
  })

  it('can be bound to a method', () => {
    class Station {
      readonly heard: string[] = []
      hear(text: string): void {
        this.heard.push(text)
      }
    }
    const station = new Station()
    const handle = events.listen(Note, station.hear.bind(station))
    events.emit(Note, 'hello')
    expect(handle.active).toBe(true)
    expect(station.heard).toEqual(['hello'])
  })

  it('takes no payload for events without one, which are isolated and dropped like all others', async () => {
    const other = events.in(BrokerContext.create())
    const seen: unknown[] = []
    const first = events.listen(Tick, (...args) => seen.push(['first', args[0]]))
    events.listen(Tick, () => seen.push('second'))
    other.listen(Tick, () => seen.push('other'))
    events.emit(Tick)
    await first.drop()
    events.emit(Tick)
    other.emit(Tick)
    expect(seen).toEqual([['first', undefined], 'second', 'second', 'other'])
  })
})

describe('registering', () => {
  it('gives each listener an id above zero that is never used twice', async () => {
    const ids: number[] = []
    for (let round = 0; round < 100; round++) {
      const handle = events.listen(Note, () => {})
      ids.push(handle.id)
      await handle.drop()
    }
    ids.push(events.in(BrokerContext.create()).listen(Note, () => {}).id)
    expect(Math.min(...ids)).toBeGreaterThan(0)
    expect(new Set(ids).size).toBe(101)
  })

  it('takes the same function several times, as listeners of their own', async () => {
    let heard = 0
    const hear = (): void => {
      heard++
    }
    const first = events.listen(Note, hear)
    events.listen(Note, hear)
    events.emit(Note, 'to both')
    await first.drop()
    events.emit(Note, 'to one')
    expect(heard).toBe(3)
  })

  it('refuses what is no function at once', () => {
    expect(() => events.listen(Note, undefined as never)).toThrow(TypeError)
    expect(() => events.listen(Note, {} as never)).toThrow(/events\.note/)
    expect(events.listenerCount(Note)).toBe(0)
  })

  it('counts listeners and subscribers per event and context', async () => {
    events.listen(Note, () => {})
    const subscription = events.on(Note).subscribe()
    expect(events.listenerCount(Note)).toBe(2)
    expect(events.listenerCount(Tick)).toBe(0)
    expect(events.in(BrokerContext.create()).listenerCount(Note)).toBe(0)
    subscription.unsubscribe()
    expect(events.listenerCount(Note)).toBe(1)
  })
})

describe('registering during a delivery', () => {
  it('does not add a listener to the delivery under way', () => {
    const seen: string[] = []
    events.listen(Note, (text) => {
      seen.push(`old: ${text}`)
      if (text === 'first') events.listen(Note, (later) => seen.push(`new: ${later}`))
    })
    events.emit(Note, 'first')
    expect(seen).toEqual(['old: first'])
    events.emit(Note, 'second')
    expect(seen).toEqual(['old: first', 'old: second', 'new: second'])
  })

  it('does not take a dropped listener out of the delivery under way, and tells it that it is dropped', () => {
    const seen: string[] = []
    events.listen(Note, () => void second.drop())
    const second = events.listen(Note, (text, { signal }) => seen.push(`${text} ${signal.aborted}`))
    events.listen(Note, (text) => seen.push(`third: ${text}`))
    events.emit(Note, 'first')
    expect(seen).toEqual(['first true', 'third: first'])
    events.emit(Note, 'second')
    expect(seen).toEqual(['first true', 'third: first', 'third: second'])
  })

  it('skips nobody when a listener drops itself', () => {
    const seen: string[] = []
    events.listen(Note, (_, scope) => {
      seen.push('first')
      void scope.drop()
    })
    events.listen(Note, () => seen.push('second'))
    events.emit(Note, 'one')
    events.emit(Note, 'two')
    expect(seen).toEqual(['first', 'second', 'second'])
  })

  it('waits, when a listener that is about to be called is dropped, for the run that follows', async () => {
    const resume = gate()
    let dropped: Promise<boolean> | undefined
    events.listen(Note, () => {
      dropped = second.drop()
    })
    const second = events.listen(Note, () => resume.opened)
    events.emit(Note, 'hello')
    expect(await isPending(dropped!)).toBe(true)
    resume.open()
    expect(await dropped).toBe(true)
  })

  it('delivers events that listeners emit, before emit returns', () => {
    const Echo = defineEvent<number>('events.echo')
    const seen: number[] = []
    events.listen(Echo, (n) => {
      seen.push(n)
      if (n < 3) events.emit(Echo, n + 1)
    })
    events.emit(Echo, 1)
    expect(seen).toEqual([1, 2, 3])
  })
})

describe('emitting and waiting', () => {
  it('runs every listener and keeps every outcome in the order of registration', async () => {
    const resume = gate()
    const ids = [
      events.listen(Note, () => resume.opened),
      events.listen(Note, () => {
        throw new Error('thrown')
      }),
      events.listen(Note, async () => {
        await nextTurn()
        throw new Error('rejected')
      }),
      events.listen(Note, () => 'what it returns plays no part')
    ].map(({ id }) => id)
    const settled = events.emitSettled(Note, 'hello')
    expect(await isPending(settled)).toBe(true)
    resume.open()
    expect(await settled).toEqual([
      { listenerId: ids[0], status: 'fulfilled' },
      { listenerId: ids[1], status: 'rejected', reason: new Error('thrown') },
      { listenerId: ids[2], status: 'rejected', reason: new Error('rejected') },
      { listenerId: ids[3], status: 'fulfilled' }
    ])
  })

  it('starts the listeners before it returns', () => {
    const seen: string[] = []
    events.listen(Note, (text) => seen.push(text))
    void events.emitSettled(Note, 'hello')
    expect(seen).toEqual(['hello'])
  })

  it('has no outcomes without listeners', async () => {
    expect(await events.emitSettled(Note, 'hello')).toEqual([])
    expect(await events.emitSettled(Tick)).toEqual([])
  })

  it('reports the failures to watchers as well', async () => {
    const handle = events.listen(Note, async () => {
      throw new Error('listener')
    })
    await events.emitSettled(Note, 'hello')
    expect(failures).toMatchObject([{ listenerId: handle.id, error: new Error('listener') }])
  })

  it('waits for a listener that is dropped meanwhile', async () => {
    const resume = gate()
    const handle = events.listen(Note, () => resume.opened)
    const settled = events.emitSettled(Note, 'hello')
    void handle.drop()
    expect(await isPending(settled)).toBe(true)
    resume.open()
    expect(await settled).toEqual([{ listenerId: handle.id, status: 'fulfilled' }])
  })

  it('is waited for by whoever drops the listener', async () => {
    const resume = gate()
    const handle = events.listen(Note, () => resume.opened)
    void events.emitSettled(Note, 'hello')
    const dropped = handle.drop()
    expect(await isPending(dropped)).toBe(true)
    resume.open()
    expect(await dropped).toBe(true)
  })

  it('keeps the failures of subscribers, too', async () => {
    events.on(Note).subscribe(() => {
      throw new Error('subscriber')
    })
    expect(await events.emitSettled(Note, 'hello')).toMatchObject([
      { status: 'rejected', reason: new Error('subscriber') }
    ])
  })
})
