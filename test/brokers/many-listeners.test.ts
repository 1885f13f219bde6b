import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { BrokerContext, BrokerHub, type ListenerHandle } from 'persistency/brokers'
import { Note, watchedEvents } from '../support/events.js'

/** One thing that happens to the listeners of an event. */
type Step =
  | { readonly does: 'add'; readonly count: number; readonly internal: boolean }
  | { readonly does: 'drop'; readonly from: number; readonly count: number }
  | { readonly does: 'emit' }

const steps = fc.array(
  fc.oneof(
    fc.record({
      does: fc.constant('add' as const),
      count: fc.integer({ min: 1, max: 50 }),
      internal: fc.boolean()
    }),
    fc.record({
      does: fc.constant('drop' as const),
      from: fc.nat(200),
      count: fc.integer({ min: 1, max: 60 })
    }),
    fc.record({ does: fc.constant('emit' as const) })
  ),
  { maxLength: 20 }
)

interface Known {
  readonly name: number
  readonly internal: boolean
  readonly handle: ListenerHandle
}

/** The listeners of an event as they should be, beside those of a hub. */
class Listeners {
  readonly hub = new BrokerHub()
  readonly context = BrokerContext.create()
  readonly known: Known[] = []
  readonly #heard: number[] = []
  #names = 0
  /** What the first listener of a delivery does. */
  meanwhile: Step[] = []

  get expected(): number[] {
    const ordered = [true, false].map((internal) => this.known.filter((each) => each.internal === internal))
    return ordered.flat().map(({ name }) => name)
  }

  take(step: Step): void {
    if (step.does === 'add') for (let index = 0; index < step.count; index++) this.#add(step.internal)
    else if (step.does === 'drop') {
      for (const { handle } of this.known.splice(step.from % (this.known.length + 1), step.count))
        void handle.drop()
    } else this.#emit()
  }

  #add(internal: boolean): void {
    const name = this.#names++
    const hear = (): void => {
      this.#heard.push(name)
      for (const step of this.meanwhile.splice(0)) this.take(step)
    }
    this.known.push({ name, internal, handle: this.hub.listen(this.context, Note, hear, { internal }) })
  }

  /** Those within it are parts of what is heard of the outer one. */
  #emit(): void {
    const { expected } = this
    const outer = this.#heard.splice(0)
    this.hub.emit(this.context, Note, 'hello')
    const heard = this.#heard.splice(0)
    this.#heard.push(...outer)
    expect(heard).toEqual(expected)
  }
}

describe('listeners', () => {
  it('hear of each event in their order, those that were there when it began, however many come and go', () => {
    fc.assert(
      fc.property(steps, steps, (before, meanwhile) => {
        const listeners = new Listeners()
        for (const step of before) listeners.take(step)
        listeners.meanwhile = [...meanwhile]
        listeners.take({ does: 'emit' })
        listeners.take({ does: 'emit' })
        for (const { handle } of listeners.known.splice(0)) void handle.drop()
        expect(listeners.hub.contextCount).toBe(0)
      }),
      { numRuns: 200 }
    )
  })

  it('keep their outcomes when others come and go before they have finished', async () => {
    const { events } = watchedEvents()
    const handles = Array.from({ length: 100 }, () => events.listen(Note, async () => {}))
    const settled = events.emitSettled(Note, 'hello')
    for (const handle of handles.slice(0, 30)) void handle.drop()
    events.listen(Note, () => {})
    expect((await settled).map(({ listenerId }) => listenerId)).toEqual(handles.map(({ id }) => id))
    expect(events.listenerCount(Note)).toBe(71)
  })
})
