import { expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

const SCRIPT = `
import { BrokerContext, BrokerHub, clientOf, EventBroker } from 'persistency/brokers'
import { startWorker } from 'persistency/threads'
import { contract, Thermostat } from './thermostat.mjs'
const hub = new BrokerHub()
const [kitchen, cellar] = ['kitchen', 'cellar'].map((label) => BrokerContext.create(label))
const served = { hub, context: [kitchen, cellar], data: 20 }
const entry = new URL('./worker.mjs', import.meta.url)
const worker = (await startWorker(entry, contract, served))._unsafeUnwrap()
const clients = [kitchen, cellar].map((context) => clientOf(Thermostat, context, hub))
const heard = []
new EventBroker(hub, kitchen).listen(Thermostat.events.changed, (celsius) => heard.push(celsius))
const [here, there] = clients
const shown = (result) => (result.isErr() ? result.error.kind ?? result.error : result.value)
const answers = {
  set: shown(await here.set(25)),
  refused: shown(await here.set(99)),
  read: [shown(await here.read()), shown(await there.read())],
  sync: shown(here.unit()),
  reset: here.reset().isOk(),
}
while (heard.length < 2) await here.read()
answers.after = shown(await here.read())
await worker.stop()
const gone = [shown(await here.read()), shown(here.reset())]
console.log(JSON.stringify({ ...answers, heard, gone }))
`

const FILES = {
  'thermostat.mjs': `
import { defineEvent, defineInterface, defineRequest, defineSignal } from 'persistency/brokers'
export const Thermostat = defineInterface('thermostat', {
  requests: {
    read: defineRequest('thermostat.read'),
    set: defineRequest('thermostat.set'),
    unit: defineRequest('thermostat.unit', { sync: true }),
  },
  signals: { reset: defineSignal('thermostat.reset') },
  events: { changed: defineEvent('thermostat.changed') },
})
export const contract = {
  toWorker: [...Object.values(Thermostat.requests), ...Object.values(Thermostat.signals)],
  toHost: Object.values(Thermostat.events),
}
`,
  'worker.mjs': `
import { createInstance } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { err, ok } from '${import.meta.resolve('neverthrow')}'
import { contract, Thermostat } from './thermostat.mjs'
serveBrokers(contract, ({ hub, context, data }) =>
  createInstance(
    Thermostat,
    ({ events }) => {
      let now = data
      const change = (celsius) => {
        now = celsius
        events.emit(Thermostat.events.changed, now)
      }
      return {
        read: () => now,
        set(celsius) {
          if (celsius > 30) return err({ reason: 'too hot' })
          change(celsius)
          return ok(now)
        },
        unit: () => '°C',
        reset: () => change(data),
      }
    },
    { hub, context }
  )
)
`
}

it('an interface is used on one thread and implemented on another, in each context that is served', async () => {
  const { output, code, stderr } = await runScript(SCRIPT, FILES)
  expect(output).toEqual({
    set: 25,
    refused: { reason: 'too hot' },
    read: [25, 20],
    // The answer of another thread cannot be there at once.
    sync: 'providerFailed',
    reset: true,
    after: 20,
    heard: [25, 20],
    gone: ['noProvider', 'noHandler']
  })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
