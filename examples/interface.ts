// An interface: declared once, implemented by a class, called through a typed client, and with one request replaced
// for the time of a test.
import { err, ok, type Result } from 'neverthrow'
import {
  type ClientOf,
  createInstance,
  defineEvent,
  defineInterface,
  defineRequest,
  defineSignal,
  type EventBroker,
  type ImplementationOf,
  unwrap
} from 'persistency/brokers'

interface TooHot {
  readonly limit: number
}
const Thermostat = defineInterface('thermostat', {
  requests: {
    read: defineRequest<void, { celsius: number }>('thermostat.read'),
    set: defineRequest<{ celsius: number }, { was: number }, TooHot>('thermostat.set')
  },
  signals: { tick: defineSignal<void>('thermostat.tick') },
  events: { changed: defineEvent<{ celsius: number }>('thermostat.changed') }
})

class Heater implements ImplementationOf<typeof Thermostat> {
  #celsius = 20
  #ticks = 0
  constructor(readonly events: EventBroker) {}
  read(): { celsius: number } {
    return { celsius: this.#celsius }
  }
  set({ celsius }: { celsius: number }): Result<{ was: number }, TooHot> {
    if (celsius > 30) return err({ limit: 30 })
    const was = this.#celsius
    this.#celsius = celsius
    this.events.emit(Thermostat.events.changed, { celsius })
    return ok({ was })
  }
  tick(): void {
    console.log(`tick ${++this.#ticks}`)
  }
}

/** Knows the interface only. */
async function report(room: string, thermostat: ClientOf<typeof Thermostat>): Promise<void> {
  const reading = await thermostat.read()
  console.log(
    `${room}:`,
    reading.match(
      ({ celsius }) => `${celsius} °C`,
      ({ kind }) => kind
    )
  )
}

// Each instance lives in a context of its own.
const kitchen = await unwrap(createInstance(Thermostat, ({ events }) => new Heater(events)))
const cellar = await unwrap(createInstance(Thermostat, ({ events }) => new Heater(events)))

kitchen.events.listen(Thermostat.events.changed, ({ celsius }) => console.log(`kitchen set to ${celsius} °C`))
await kitchen.client.set({ celsius: 22 })
const refused = await kitchen.client.set({ celsius: 90 })
if (refused.isErr() && 'limit' in refused.error) console.log(`at most ${refused.error.limit} °C`)
kitchen.client.tick()
await report('kitchen', kitchen.client)
await report('cellar', cellar.client)

// What a test does: another provider for as long as the body runs.
const broken = () => ({ celsius: -273 })
await kitchen.requests.withProvider(Thermostat.requests.read, broken, () =>
  report('in the test', kitchen.client)
)
await report('after the test', kitchen.client)

await kitchen.close()
await report('kitchen, closed', kitchen.client)
await report('cellar', cellar.client)
