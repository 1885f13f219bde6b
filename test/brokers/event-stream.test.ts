import { beforeEach, describe, expect, it } from '@jest/globals'
import { BrokerContext, BrokerHub, defineEvent, EventBroker, type ListenerError } from 'persistency/brokers'
import {
  bufferCount,
  catchError,
  filter,
  finalize,
  firstValueFrom,
  isObservable,
  map,
  mergeMap,
  of,
  retry,
  share,
  switchMap,
  take,
  tap,
  toArray
} from 'rxjs'
import { nextTurn } from '../support/brokers-async.js'
import { runChild } from '../support/brokers-child.js'
import { watchedEvents } from '../support/events.js'

const Count = defineEvent<number>('stream.count')

let events: EventBroker
let failures: ListenerError[]
beforeEach(() => {
  ;({ events, failures } = watchedEvents())
})

const failWith = (message: string): never => {
  throw new Error(message)
}

describe('a stream of events', () => {
  it('is an observable like any other', () => {
    expect(isObservable(events.on(Count))).toBe(true)
  })

  it('shows what is emitted while one is subscribed, in order, within emit', () => {
    const seen: number[] = []
    const stream = events.on(Count)
    events.emit(Count, 1)
    const subscription = stream.subscribe((n) => seen.push(n))
    expect(seen).toEqual([])
    events.emit(Count, 2)
    expect(seen).toEqual([2])
    events.emit(Count, 3)
    subscription.unsubscribe()
    events.emit(Count, 4)
    expect(seen).toEqual([2, 3])
  })

  it('is one registration per subscriber, in the order of subscription among the listeners', () => {
    const seen: string[] = []
    const stream = events.on(Count)
    stream.subscribe(() => seen.push('first'))
    events.listen(Count, () => seen.push('listener'))
    stream.subscribe(() => seen.push('second'))
    events.emit(Count, 1)
    expect(seen).toEqual(['first', 'listener', 'second'])
    expect(events.listenerCount(Count)).toBe(3)
  })

  it('keeps the context in which it was asked for', () => {
    const ambient = new EventBroker(new BrokerHub())
    const tenant = BrokerContext.create('tenant')
    const seen: number[] = []
    const stream = tenant.run(() => ambient.on(Count))
    stream.subscribe((n) => seen.push(n))
    ambient.emit(Count, 1)
    tenant.run(() => ambient.emit(Count, 2))
    expect(seen).toEqual([2])
  })

  it('takes observers in every form', () => {
    const seen: unknown[] = []
    const stream = events.on(Count)
    const observer = {
      total: 0,
      next(n: number) {
        this.total += n
      }
    }
    stream.subscribe(observer)
    stream.subscribe({ next: (n) => seen.push(n) })
    stream.subscribe((n) => seen.push(n))
    stream.subscribe({ error: () => seen.push('error') })
    stream.subscribe()
    events.emit(Count, 1)
    expect(observer.total).toBe(1)
    expect(seen).toEqual([1, 1])
  })

  it('works with operators, and unsubscribing ends the registration', async () => {
    const pairs: number[][] = []
    const subscription = events
      .on(Count)
      .pipe(
        filter((n) => n % 2 === 0),
        map((n) => n * 10),
        mergeMap((n) => of(n, n + 1)),
        bufferCount(2)
      )
      .subscribe((pair) => pairs.push(pair))
    for (const n of [1, 2, 3, 4]) events.emit(Count, n)
    subscription.unsubscribe()
    expect(pairs).toEqual([
      [20, 21],
      [40, 41]
    ])
    expect(events.listenerCount(Count)).toBe(0)
  })

  it('ends the registration when an operator has enough', async () => {
    const first = firstValueFrom(events.on(Count))
    const three = firstValueFrom(events.on(Count).pipe(take(3), toArray()))
    for (const n of [1, 2, 3, 4]) events.emit(Count, n)
    expect(await first).toBe(1)
    expect(await three).toEqual([1, 2, 3])
    expect(events.listenerCount(Count)).toBe(0)
  })

  it('can be shared', () => {
    const shared = events.on(Count).pipe(share())
    const seen: string[] = []
    const a = shared.subscribe((n) => seen.push(`a${n}`))
    const b = shared.subscribe((n) => seen.push(`b${n}`))
    expect(events.listenerCount(Count)).toBe(1)
    events.emit(Count, 1)
    a.unsubscribe()
    b.unsubscribe()
    expect(seen).toEqual(['a1', 'b1'])
    expect(events.listenerCount(Count)).toBe(0)
  })

  it('ends with dropping all, without an error', async () => {
    const seen: unknown[] = []
    events.on(Count).subscribe({ next: (n) => seen.push(n), error: (error) => seen.push(error) })
    expect(await events.dropAll(Count)).toBe(true)
    events.emit(Count, 1)
    expect(seen).toEqual([])
  })
})

describe('a subscriber that throws', () => {
  it('keeps its subscription, hurts nobody else, and is reported', async () => {
    const seen: number[] = []
    let calls = 0
    events.on(Count).subscribe(() => {
      calls++
      failWith('subscriber')
    })
    events.on(Count).subscribe((n) => seen.push(n))
    events.emit(Count, 1)
    events.emit(Count, 2)
    await nextTurn()
    expect(calls).toBe(2)
    expect(seen).toEqual([1, 2])
    expect(failures).toMatchObject([
      { event: Count.name, error: new Error('subscriber') },
      { event: Count.name, error: new Error('subscriber') }
    ])
    expect(failures[0]?.context).toBe(events.context)
  })

  it('keeps its subscription behind operators, too', () => {
    const seen: number[] = []
    events
      .on(Count)
      .pipe(
        map((n) => n * 10),
        switchMap((n) => of(n))
      )
      .subscribe((n) => {
        seen.push(n)
        failWith('subscriber')
      })
    events.emit(Count, 1)
    events.emit(Count, 2)
    expect(seen).toEqual([10, 20])
    expect(failures.map(({ error }) => error)).toEqual([new Error('subscriber'), new Error('subscriber')])
  })

  it('is reported when it rejects, in whatever handler, and keeps its subscription', async () => {
    const seen: number[] = []
    events.on(Count).subscribe(async (n) => {
      seen.push(n)
      failWith('next')
    })
    events
      .on(Count)
      .pipe(take(1))
      .subscribe({ complete: async () => failWith('complete') })
    events.emit(Count, 1)
    events.emit(Count, 2)
    await nextTurn()
    expect(seen).toEqual([1, 2])
    expect(failures.map(({ event, error }) => [event, (error as Error).message])).toEqual([
      [Count.name, 'next'],
      [Count.name, 'complete'],
      [Count.name, 'next']
    ])
  })

  it('does not end the process when it rejects and nobody watches', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineEvent, EventBroker } from 'persistency'
      process.on('warning', (warning) => print({ warning: warning.code }))
      const Count = defineEvent('count')
      const events = new EventBroker(new BrokerHub())
      events.on(Count).subscribe(async () => { throw new Error('async') })
      events.emit(Count, 1)
      await turn()
      print('alive')
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: [{ warning: 'PERSISTENCY_LISTENER_FAILED' }, 'alive'] })
  })

  it('does not hurt those that share a stream with it', () => {
    const shared = events.on(Count).pipe(share())
    const seen: number[] = []
    shared.subscribe(() => failWith('subscriber'))
    shared.subscribe((n) => seen.push(n))
    events.emit(Count, 1)
    events.emit(Count, 2)
    expect(seen).toEqual([1, 2])
    expect(failures).toHaveLength(2)
  })

  it('is reported when it throws in complete or in error', () => {
    events
      .on(Count)
      .pipe(take(1))
      .subscribe({ complete: () => failWith('complete') })
    events
      .on(Count)
      .pipe(map(() => failWith('operator')))
      .subscribe({ error: () => failWith('error') })
    events.emit(Count, 1)
    expect(failures.map(({ error }) => error)).toEqual([new Error('complete'), new Error('error')])
    expect(events.listenerCount(Count)).toBe(0)
  })
})

describe('an operator that throws', () => {
  it('ends its own subscription, hurts nobody else, and is reported', () => {
    const seen: number[] = []
    const subscription = events
      .on(Count)
      .pipe(map((n) => (n === 2 ? failWith('operator') : n)))
      .subscribe((n) => seen.push(n))
    events.on(Count).subscribe((n) => seen.push(n * 10))
    for (const n of [1, 2, 3]) events.emit(Count, n)
    expect(seen).toEqual([1, 10, 20, 30])
    expect(subscription.closed).toBe(true)
    expect(failures).toMatchObject([{ event: Count.name, error: new Error('operator') }])
    expect(events.listenerCount(Count)).toBe(1)
  })

  it('tells its subscriber instead, when that handles errors', () => {
    const seen: unknown[] = []
    events
      .on(Count)
      .pipe(map(() => failWith('operator')))
      .subscribe({ error: (error) => seen.push(error) })
    events.emit(Count, 1)
    expect(seen).toEqual([new Error('operator')])
    expect(failures).toEqual([])
  })

  it('can be recovered from with the operators for that', () => {
    const seen: unknown[] = []
    const odd = (n: number): number => (n % 2 === 0 ? failWith('even') : n)
    events
      .on(Count)
      .pipe(map(odd), retry())
      .subscribe((n) => seen.push(n))
    events
      .on(Count)
      .pipe(
        mergeMap((n) =>
          of(n).pipe(
            map(odd),
            catchError(() => of('even'))
          )
        )
      )
      .subscribe((n) => seen.push(n))
    for (const n of [1, 2, 3]) events.emit(Count, n)
    expect(seen).toEqual([1, 1, 'even', 3, 3])
    expect(failures).toEqual([])
  })

  it('rejects a promise made of the stream', async () => {
    const first = firstValueFrom(events.on(Count).pipe(map(() => failWith('operator'))))
    events.emit(Count, 1)
    await expect(first).rejects.toThrow('operator')
    expect(failures).toEqual([])
  })

  it('cannot make emit throw, wherever it throws', () => {
    events
      .on(Count)
      .pipe(
        take(1),
        finalize(() => failWith('finalize'))
      )
      .subscribe()
    events
      .on(Count)
      .pipe(tap({ complete: () => failWith('tap'), next: () => failWith('tap') }))
      .subscribe({ error: () => {} })
    let heard = 0
    events.listen(Count, () => heard++)
    expect(() => events.emit(Count, 1)).not.toThrow()
    expect(() => events.emit(Count, 2)).not.toThrow()
    expect(heard).toBe(2)
  })
})

describe('the stream of failures', () => {
  it('shows what happens after subscription and stops when one unsubscribes', () => {
    const seen: unknown[] = []
    events.listen(Count, (n) => failWith(`${n}`))
    events.emit(Count, 1)
    const subscription = events.listenerErrors.subscribe(({ error }) => seen.push((error as Error).message))
    events.emit(Count, 2)
    subscription.unsubscribe()
    events.emit(Count, 3)
    expect(seen).toEqual(['2'])
  })

  it('takes operators, and one that throws does not end it for others', () => {
    const seen: string[] = []
    events.listenerErrors.pipe(map(() => failWith('watcher'))).subscribe({ error: () => {} })
    events.listenerErrors
      .pipe(filter(({ event }) => event === Count.name))
      .subscribe(({ event }) => seen.push(event))
    events.listen(Count, () => failWith('listener'))
    events.emit(Count, 1)
    events.emit(Count, 2)
    expect(seen).toEqual([Count.name, Count.name])
  })

  it('can be awaited for the next failure, which counts as watching', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineEvent, EventBroker } from 'persistency'
      import { firstValueFrom } from 'rxjs'
      process.on('warning', (warning) => print({ warning: warning.message }))
      const Count = defineEvent('count')
      const events = new EventBroker(new BrokerHub())
      events.listen(Count, () => { throw new Error('listener') })
      const failure = firstValueFrom(events.listenerErrors)
      events.emit(Count, 1)
      print((await failure).error.message)
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: ['listener'] })
  })
})
