/** What a worker has to say, and to ask, while it sets a context up. */
import { describe, expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

const FILES = {
  'messages.mjs': `
import { defineEvent, defineRequest } from 'persistency/brokers'
export const Said = defineEvent('setup.said')
export const Ask = defineRequest('setup.ask')
export const Answer = defineRequest('setup.answer')
export const contract = { toWorker: [Answer], toHost: [Said, Ask] }
`,
  'worker.mjs': `
import { writeFileSync } from 'node:fs'
import { setImmediate as nextRound } from 'node:timers/promises'
import { EventBroker, RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { Answer, Ask, contract, Said } from './messages.mjs'
serveBrokers(contract, async ({ hub, context, data }) => {
  const events = new EventBroker(hub, context)
  const requests = new RequestBroker(hub, context)
  const go = async () => {
    for (let n = 1; n <= 20; n++) {
      events.emit(Said, n)
      await (n % 2 === 0 ? nextRound() : null)
    }
    writeFileSync('said.txt', 'all')
  }
  if (data === 'speaks') void go()
  else {
    const answer = (await requests.request(Ask, 20)).unwrapOr('no answer')
    if (data === 'refuses') throw new Error('the host says ' + answer)
    requests.provide(Answer, () => {
      events.emit(Said, 'answered')
      return answer
    })
  }
})
`
}

const PRELUDE = `
import { existsSync } from 'node:fs'
import { BrokerContext, BrokerHub, EventBroker, RequestBroker } from 'persistency/brokers'
import { WorkerHost } from 'persistency/threads'
import { Answer, Ask, contract, Said } from './messages.mjs'
const hub = new BrokerHub()
const context = BrokerContext.create('spoken of')
const events = new EventBroker(hub, context)
const requests = new RequestBroker(hub, context)
const said = []
events.listen(Said, (what) => said.push(what))
requests.provide(Ask, (n) => n + 1)
const print = (value) => console.log(JSON.stringify(value))
const hosted = (fair) => new WorkerHost(new URL('./worker.mjs', import.meta.url), { hub, fair })
`

describe.each([
  ['together', false],
  ['in turns', true]
])('a set-up of a worker whose contexts are served %s', (_, fair) => {
  const run = (body: string) =>
    runScript(
      `${PRELUDE}
      const host = hosted(${fair})
      const serve = (data) => host.serve(context, contract, data, 5000)
      ${body}
      await host.stop()
    `,
      FILES
    )

  it('is heard from its beginning on by a host that is busy meanwhile', async () => {
    const { output } = await run(`
      const serving = serve('speaks')
      await new Promise(setImmediate)
      const never = new Int32Array(new SharedArrayBuffer(4))
      const until = performance.now() + 10_000
      while (!existsSync('said.txt') && performance.now() < until) Atomics.wait(never, 0, 0, 5)
      ;(await serving)._unsafeUnwrap()
      await host.stop()
      print(said)
    `)
    expect(output).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
  })

  it('may ask its host', async () => {
    const { output } = await run(`
      ;(await serve('asks'))._unsafeUnwrap()
      print((await requests.request(Answer)).value)
    `)
    expect(output).toBe(21)
  })

  it('leaves nothing of a context behind that it does not come to', async () => {
    const { output } = await run(`
      const listening = hub.contextCount
      const refused = (await serve('refuses')).error.cause.message
      const left = hub.contextCount - listening
      const served = (await serve('asks'))._unsafeUnwrap()
      const again = (await serve('asks')).error
      const answer = (await requests.request(Answer)).value
      await served.release()
      print({ refused, left, again: [again.kind, again.cause.message], answer, said })
    `)
    expect(output).toEqual({
      refused: 'the host says 21',
      left: 0,
      again: ['startFailed', expect.stringContaining('served already')],
      answer: 21,
      said: ['answered']
    })
  })
})
