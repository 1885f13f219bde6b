import { describe, expect, it } from '@jest/globals'
import { fastClock } from '../support/fast-clock.js'
import { runScript } from '../support/run-script.js'

const PRELUDE = `
import { readFileSync } from 'node:fs'
import { BrokerContext, BrokerHub, EventBroker, RequestBroker } from 'persistency/brokers'
import { startWorker } from 'persistency/threads'
import { contract, IsShared, IsUrgent, Later, Log, Note, Work } from './messages.mjs'
const hub = new BrokerHub()
const [busy, quiet] = ['busy', 'quiet'].map((label) => BrokerContext.create(label))
const requests = new RequestBroker(hub)
const events = new EventBroker(hub)
const entry = new URL('./worker.mjs', import.meta.url)
const start = async (options) =>
  (await startWorker(entry, contract, { hub, context: [busy, quiet], ...options }))._unsafeUnwrap()
const work = (how) => events.in(busy).emit(Work, how)
const note = (context, what) => requests.in(context).request(Note, what)
const log = async (context = busy) => (await requests.in(context).request(Log)).value
const print = (value) => console.log(JSON.stringify(value))
`

const FILES = {
  'messages.mjs': `
import { defineEvent, defineRequest } from 'persistency/brokers'
export const Work = defineEvent('fair.work')
export const Note = defineRequest('fair.note')
export const Log = defineRequest('fair.log')
export const IsShared = defineRequest('fair.isShared')
export const IsUrgent = defineRequest('fair.isUrgent')
export const Later = defineRequest('fair.later', { timeoutMs: 5000 })
export const contract = { toWorker: [Work, Note, Log, IsShared, IsUrgent, Later], toHost: [] }
`,
  'worker.mjs': `
import { appendFileSync } from 'node:fs'
import { EventBroker, RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { contract, IsShared, IsUrgent, Later, Log, Note, Work } from './messages.mjs'
const log = []
serveBrokers(contract, ({ hub, context, data, share, urgent }) => {
  const requests = new RequestBroker(hub, context)
  const until = performance.now() + 5000
  // In vain where the other context gets no turn.
  const waits = () => !log.includes('quiet') && performance.now() < until
  const WAYS = {
    slices() {
      while (waits()) if (share.over()) return share.goOn(WAYS.slices)
      log.push('worked')
    },
    pauses() {
      if (waits()) share.goOn(WAYS.pauses, 5)
      else log.push('worked')
    },
    turn() {
      share.push(() => log.push('pushed'))
      log.push('worked')
    }
  }
  new EventBroker(hub, context).listen(Work, (how) => {
    log.push('begun')
    WAYS[how]()
  })
  requests.provide(Note, (what) => void log.push(what))
  requests.provide(Log, () => log)
  requests.provide(Later, (what) => new Promise((resolve) => share.goOn(() => resolve(log.push(what)))))
  requests.provide(IsShared, () => share !== undefined)
  requests.provide(IsUrgent, urgent)
  const never = new Int32Array(new SharedArrayBuffer(4))
  const close = () => {
    while (data === 'holds out' && !urgent()) Atomics.wait(never, 0, 0, 10)
    appendFileSync('closed.txt', context.label + ' ')
  }
  return { close }
})
`
}

const run = (body: string) => runScript(PRELUDE + body, FILES)

describe('a context of a fair worker', () => {
  it.each(['slices', 'pauses'])(
    'leaves others their turn amid its work, which comes before all else of its own: %s',
    async (way) => {
      const { output, code } = await run(`
      const worker = await start({ fair: true })
      work('${way}')
      while (!(await log(quiet)).includes('begun'));
      const behind = note(busy, 'behind')
      await note(quiet, 'quiet')
      await behind
      print(await log())
      await worker.stop()
    `)
      expect(output).toEqual(['begun', 'quiet', 'worked', 'behind'])
      expect(code).toBe(0)
    }
  )

  it('puts work behind what has come for it', async () => {
    const { output } = await run(`
      const worker = await start({ fair: true })
      work('turn')
      await note(busy, 'behind')
      print(await log())
      await worker.stop()
    `)
    expect(output).toEqual(['begun', 'worked', 'behind', 'pushed'])
  })

  it('answers all requests of a frame that go on later, before it handles the next frame', async () => {
    const { output, code } = await run(`
      const worker = await start({ fair: true })
      const asked = ['a', 'b', 'c'].map((what) => requests.in(busy).request(Later, what))
      await new Promise(setImmediate)
      await note(busy, 'behind')
      print({ answers: (await Promise.all(asked)).map(({ value }) => value), log: await log() })
      await worker.stop()
    `)
    expect(output).toEqual({ answers: [1, 2, 3], log: ['a', 'b', 'c', 'behind'] })
    expect(code).toBe(0)
  })

  it('shares nothing where the worker is not fair', async () => {
    const { output } = await run(`
      const worker = await start()
      print((await requests.in(busy).request(IsShared)).value)
      await worker.stop()
    `)
    expect(output).toBe(false)
  })
})

describe('a worker that is stopped', () => {
  it('learns that it is urgent, and gives up what it waits for', async () => {
    const { output, code } = await run(`
      const worker = await start({ data: 'holds out' })
      const before = (await requests.in(busy).request(IsUrgent)).value
      ${fastClock(5)}
      await worker.stop()
      const { expected, code } = await worker.exited
      print({ before, expected, code, after: readFileSync('closed.txt', 'utf8') })
    `)
    // One that does not give up is terminated, which is another code.
    expect(output).toEqual({ before: false, expected: true, code: 0, after: 'busy quiet ' })
    expect(code).toBe(0)
  })
})
