import { beforeEach, describe, expect, it } from '@jest/globals'
import { BrokerContext, type EventBroker, type ListenerError } from 'persistency/brokers'
import { nextTurn, thenable, unreadable } from '../support/brokers-async.js'
import { runChild } from '../support/brokers-child.js'
import { Note, watchedEvents } from '../support/events.js'

let events: EventBroker
let failures: ListenerError[]
beforeEach(() => {
  ;({ events, failures } = watchedEvents())
})

describe('a listener that fails', () => {
  it('hurts neither the other listeners nor the emitter when it throws', () => {
    const seen: string[] = []
    const error = new Error('listener')
    events.listen(Note, () => seen.push('before'))
    const failing = events.listen(Note, () => {
      throw error
    })
    events.listen(Note, () => seen.push('after'))
    expect(() => events.emit(Note, 'hello')).not.toThrow()
    expect(seen).toEqual(['before', 'after'])
    expect(failures).toEqual([{ context: events.context, event: Note.name, listenerId: failing.id, error }])
    expect(failures[0]?.error).toBe(error)
  })

  it('hurts nobody when it rejects', async () => {
    const failing = events.listen(Note, async () => {
      await nextTurn()
      throw new Error('listener')
    })
    let heard = 0
    events.listen(Note, () => heard++)
    events.emit(Note, 'hello')
    await failing.drop()
    expect(heard).toBe(1)
    expect(failures).toMatchObject([{ listenerId: failing.id, error: new Error('listener') }])
  })

  it('stays registered', () => {
    let calls = 0
    const handle = events.listen(Note, () => {
      calls++
      throw new Error('again')
    })
    events.emit(Note, 'one')
    events.emit(Note, 'two')
    expect([calls, failures.length, handle.active]).toEqual([2, 2, true])
  })

  it('is reported whatever it throws', async () => {
    const thrown: unknown[] = ['text', 0, null, undefined, { reason: 'object' }, Symbol('odd')]
    for (const value of thrown) {
      const handle = events.listen(Note, () => {
        throw value
      })
      events.emit(Note, 'hello')
      await handle.drop()
    }
    expect(failures.map(({ error }) => error)).toEqual(thrown)
  })

  it('is reported when it answers with a thenable that fails, of whatever make', async () => {
    const rejecting = thenable((_, reject) => reject('rejected'))
    const throwing = thenable(() => {
      throw 'thrown'
    })
    const handles = [rejecting, throwing].map((answer) => events.listen(Note, () => answer))
    events.emit(Note, 'hello')
    await Promise.all(handles.map((handle) => handle.drop()))
    expect(failures.map(({ error }) => error).sort()).toEqual(['rejected', 'thrown'])
  })

  it('is reported when looking at its answer fails', () => {
    const seen: string[] = []
    events.listen(Note, () => unreadable('then'))
    events.listen(Note, () => seen.push('after'))
    expect(() => events.emit(Note, 'hello')).not.toThrow()
    expect(seen).toEqual(['after'])
    expect(failures.map(({ error }) => error)).toEqual([new Error('reading then')])
  })

  it('is reported in its own context only', () => {
    const other = events.in(BrokerContext.create('other'))
    const elsewhere: ListenerError[] = []
    const subscription = other.listenerErrors.subscribe((failure) => elsewhere.push(failure))
    other.listen(Note, () => {
      throw new Error('other')
    })
    other.emit(Note, 'hello')
    subscription.unsubscribe()
    expect(failures).toEqual([])
    expect(elsewhere.map(({ context }) => context.label)).toEqual(['other'])
  })

  it('is reported to every watcher, also when one of them throws', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineEvent, EventBroker } from 'persistency'
      const Note = defineEvent('note')
      const events = new EventBroker(new BrokerHub())
      process.on('warning', (warning) => print(warning.message))
      events.listenerErrors.subscribe(() => { throw new Error('watcher') })
      events.listenerErrors.subscribe(({ error }) => print(error.message))
      events.listen(Note, () => { throw new Error('listener') })
      events.emit(Note, '')
    `)
    expect({ code, lines }).toEqual({
      code: 0,
      lines: ['listener', 'a listener of "brokers.listenerFailed" failed in context default: watcher']
    })
  })

  it('never becomes an uncaught exception or an unhandled rejection', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineEvent, EventBroker } from 'persistency'
      import { map } from 'rxjs'
      process.on('warning', () => {})
      const Note = defineEvent('note')
      for (const watched of [true, false]) {
        const events = new EventBroker(new BrokerHub())
        let reported = 0
        if (watched) events.listenerErrors.subscribe(() => { reported++ })
        events.listen(Note, () => { throw new Error('thrown') })
        events.listen(Note, async () => { throw new Error('rejected') })
        events.listen(Note, async () => { await turn(); throw new Error('rejected late') })
        events.listen(Note, () => ({ then(_, reject) { reject(new Error('thenable')) } }))
        events.on(Note).subscribe(() => { throw new Error('subscriber') })
        events.on(Note).pipe(map(() => { throw new Error('operator') })).subscribe()
        events.on(Note).pipe(map(() => { throw new Error('operator') })).subscribe({ error() { throw new Error('error handler') } })
        let heard = 0
        events.listen(Note, () => { heard++ })
        events.emit(Note, 'hello')
        await events.emitSettled(Note, 'hello')
        await turn()
        print({ watched, heard, reported })
      }
    `)
    expect(lines).toEqual([
      { watched: true, heard: 2, reported: 12 },
      { watched: false, heard: 2, reported: 0 }
    ])
    expect(code).toBe(0)
  })

  it('never makes emit throw, even when what it throws cannot be printed', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineEvent, EventBroker } from 'persistency'
      process.on('warning', () => {})
      const Note = defineEvent('note')
      const events = new EventBroker(new BrokerHub())
      let heard = 0
      events.listen(Note, () => { throw Object.create(null) })
      events.listen(Note, async () => { throw { message: Object.create(null) } })
      events.listen(Note, () => { heard++ })
      try { events.emit(Note, '') } catch (error) { print({ emitThrew: String(error) }) }
      await turn()
      print({ heard })
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: [{ heard: 1 }] })
  })
})
