import { describe, expect, it, jest } from '@jest/globals'
import { fastClock } from '../support/fast-clock.js'
import { runScript } from '../support/run-script.js'

/** Starts a worker for each module that is named, in a context of its own, and tells how long the end of the process takes. */
const PRELUDE = `
import { BrokerContext, BrokerHub, EventBroker, RequestBroker } from 'persistency/brokers'
import { startWorker } from 'persistency/threads'
import { contract, Hang, Tick } from './messages.mjs'
const hub = new BrokerHub()
const start = (name, context = BrokerContext.create(name)) =>
  startWorker(new URL(name, import.meta.url), contract, { hub, context })
let exitFrom
process.on('exit', () => (exitFrom = performance.now()))
const timed = () => process.on('exit', () => console.log(Math.round(performance.now() - exitFrom)))
`

const FILES = {
  'messages.mjs': `
import { defineEvent, defineRequest } from 'persistency/brokers'
export const Hang = defineRequest('test.hang')
export const Tick = defineEvent('test.tick')
export const contract = { toWorker: [Hang, Tick], toHost: [] }
`,
  'worker.mjs': `
import { appendFileSync } from 'node:fs'
import { EventBroker, RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { contract, Hang, Tick } from './messages.mjs'
serveBrokers(contract, ({ hub, context }) => {
  new EventBroker(hub, context).listen(Tick, (tick) => appendFileSync('told.txt', tick))
  new RequestBroker(hub, context).provide(Hang, () => {
    appendFileSync('hangs.txt', '')
    for (;;);
  })
})
`,
  'patient.mjs': `
import { appendFileSync } from 'node:fs'
import { serveBrokers } from 'persistency/threads'
import { contract } from './messages.mjs'
serveBrokers(contract, ({ urgent }) => ({
  close() {
    while (!urgent());
    appendFileSync('told.txt', 'gave up in time ')
  }
}))
`,
  'telling.mjs': `
import { writeSync } from 'node:fs'
import { serveBrokers } from 'persistency/threads'
import { contract } from './messages.mjs'
serveBrokers(contract, ({ context, exiting }) => ({ close: () => writeSync(2, context.label + ': ' + exiting() + '. ') }))
`,
  'broken.mjs': `throw new Error('broken module')`,
  'idle.mjs': `export {}`
}

const run = (body: string) => runScript(PRELUDE + body, FILES)

describe('the end of the process', () => {
  it.each(['missing.mjs', 'broken.mjs', 'idle.mjs'])(
    'does not wait for a worker that never comes to serve: %s',
    async (name) => {
      for (const delayMs of [0, 30]) {
        const { output, code, stderr } = await run(`
          void start('${name}')
          timed()
          setTimeout(() => process.exit(4), ${delayMs})
        `)
        expect({ code, stderr }).toEqual({ code: 4, stderr: '' })
        expect(output).toBeLessThan(3000)
      }
    }
  )

  it('is told to what a worker serves, and a stop is not', async () => {
    const { stderr } = await run(`
      const stopped = (await start('telling.mjs', BrokerContext.create('stopped')))._unsafeUnwrap()
      await start('telling.mjs', BrokerContext.create('left'))
      await stopped.stop()
      process.exit(0)
    `)
    expect(stderr).toBe('stopped: false. left: true. ')
  })

  it('within a getter of a message loses that message alone', async () => {
    const { output, code, stderr } = await run(`
      import { readFileSync } from 'node:fs'
      const context = BrokerContext.create('served')
      await start('worker.mjs', context)
      const events = new EventBroker(hub, context)
      timed()
      process.on('exit', () => console.log(JSON.stringify(readFileSync('told.txt', 'utf8'))))
      events.emit(Tick, 'before')
      events.emit(Tick, { get never() { return process.exit(5) } })
    `)
    expect({ output, code, stderr }).toEqual({ output: 'before', code: 5, stderr: '' })
  })

  it('keeps what was accepted on this thread although a worker hangs, and has all workers hurry', async () => {
    const { stdout, stderr } = await run(`
      import { appendFileSync, existsSync, readFileSync } from 'node:fs'
      import { LocalHost } from '${new URL('../../dist/threads/host/local-host.js', import.meta.url)}'
      import { LocalThread } from '${new URL('../../dist/threads/worker/local-thread.js', import.meta.url)}'
      const hung = BrokerContext.create('hung')
      await start('worker.mjs', hung)
      await start('patient.mjs')
      const here = BrokerContext.create('here')
      const local = new LocalHost(async () => (parts) => new LocalThread(parts, contract, ({ hub, context }) => {
        new EventBroker(hub, context).listen(Tick, (tick) => appendFileSync('told.txt', tick))
      }), hub)
      await local.serve(here, contract, undefined, 5000)
      void new RequestBroker(hub, hung).request(Hang, undefined)
      while (!existsSync('hangs.txt')) await new Promise(setImmediate)
      process.on('exit', () => console.log(readFileSync('told.txt', 'utf8')))
      new EventBroker(hub, here).emit(Tick, 'kept ')
      ${fastClock(5)}
      process.exit(0)
    `)
    expect(stdout).toBe('kept gave up in time \n')
    expect(stderr).toContain('the process ended before 1 threads had finished')
  })
})

describe('what is drained at the end of the process', () => {
  it('is told to finish at once, waited for from this thread on, and hurried all together', async () => {
    const { drainOnExit, undrain } = await import('../../dist/threads/host/exit-drain.js')
    const steps: string[] = []
    const registered = jest.spyOn(process, 'on')
    const drainable = (name: string, worksHere: boolean, finishes: boolean) => ({
      worksHere,
      beginDrain: () => void steps.push(`begin ${name}`),
      awaitDrain: () => {
        steps.push(`await ${name}`)
        return finishes
      },
      hurry: () => {
        finishes = true
        steps.push(`hurry ${name}`)
      }
    })
    const all = [
      drainable('hung', false, false),
      drainable('done', false, true),
      drainable('here', true, false)
    ]
    for (const each of all) drainOnExit(each)
    const [, drain] = registered.mock.calls.find(([event]) => event === 'exit') as unknown as [
      string,
      () => void
    ]
    drain()
    for (const each of all) undrain(each)
    expect(steps).toEqual([
      ...['begin hung', 'begin done', 'begin here'],
      ...['await here', 'await hung', 'await done'],
      ...['hurry here', 'hurry hung'],
      ...['await here', 'await hung']
    ])
  })
})
