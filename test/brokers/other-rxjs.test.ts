import { createRequire } from 'node:module'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { defineEvent, type EventBroker, type ListenerError } from 'persistency/brokers'
import * as own from 'rxjs'
import { watchedEvents } from '../support/events.js'

/** The whole of RxJS in one file: a copy besides the one that the package uses. */
const other = createRequire(import.meta.url)('../../node_modules/rxjs/dist/bundles/rxjs.umd.js') as typeof own

const Count = defineEvent<number>('other-rxjs.count')

let events: EventBroker
let failures: ListenerError[]
beforeEach(() => {
  ;({ events, failures } = watchedEvents())
})

describe('operators of another copy of RxJS', () => {
  it('take the listener out when one unsubscribes', () => {
    expect(other.Subscriber).not.toBe(own.Subscriber)
    const seen: number[] = []
    const subscription = events
      .on(Count)
      .pipe(other.map((n) => n * 10))
      .subscribe((n) => seen.push(n))
    events.emit(Count, 1)
    subscription.unsubscribe()
    events.emit(Count, 2)
    expect([seen, events.listenerCount(Count)]).toEqual([[10], 0])
  })

  it('take it out when they have enough', async () => {
    const first = other.firstValueFrom(events.on(Count))
    events.on(Count).pipe(other.take(1)).subscribe()
    other.merge(events.on(Count), other.of(0)).subscribe().unsubscribe()
    events.emit(Count, 1)
    expect(await first).toBe(1)
    expect(events.listenerCount(Count)).toBe(0)
  })

  it('keep the isolation of their subscriber', () => {
    events
      .on(Count)
      .pipe(other.map((n) => n))
      .subscribe(() => {
        throw new Error('subscriber')
      })
    events.emit(Count, 1)
    events.emit(Count, 2)
    expect(failures.map(({ error }) => (error as Error).message)).toEqual(['subscriber', 'subscriber'])
  })
})
