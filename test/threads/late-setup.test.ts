import { expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

const PRELUDE = `
import { readFileSync } from 'node:fs'
import { BrokerContext, BrokerHub, RequestBroker } from 'persistency/brokers'
import { WorkerHost } from 'persistency/threads'
import { contract, Echo, Log, Open } from './messages.mjs'
const hub = new BrokerHub()
const [prompt, slow] = ['prompt', 'slow'].map((label) => BrokerContext.create(label))
const requests = new RequestBroker(hub)
const log = async () => (await requests.in(prompt).request(Log)).value
const kindOf = (result) => (result.isErr() ? result.error.kind : 'ok')
const print = (value) => console.log(JSON.stringify(value))
`

const FILES = {
  'messages.mjs': `
import { defineRequest } from 'persistency/brokers'
export const Echo = defineRequest('late.echo')
export const Log = defineRequest('late.log')
export const Open = defineRequest('late.open')
export const contract = { toWorker: [Echo, Log, Open], toHost: [] }
`,
  'worker.mjs': `
import { appendFileSync } from 'node:fs'
import { RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { contract, Echo, Log, Open } from './messages.mjs'
const log = []
let open
const opened = new Promise((resolve) => { open = resolve })
serveBrokers(contract, async ({ hub, context, data, givenUp }) => {
  const requests = new RequestBroker(hub, context)
  if (data === 'slow') await opened
  if (data === 'asking') {
    while (!givenUp()) await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const provided = [[Echo, (what) => what], [Log, () => log], [Open, () => open()]].map(([request, provider]) =>
    requests.provide(request, provider)._unsafeUnwrap()
  )
  log.push(context.label + ' set up')
  const awake = setInterval(() => {}, 1000)
  const close = () => {
    for (const provider of provided) provider.remove()
    clearInterval(awake)
    log.push(context.label + ' closed')
    appendFileSync('closed.txt', context.label + ' ')
    // By then there is nothing else that the thread has to close.
    if (data === 'last') setTimeout(open, 20)
    if (data === 'lasting') {
      open()
      return new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  return { close }
})
`
}

const WAYS: [string, boolean][] = [
  ['one after the other', false],
  ['in turns', true]
]

it.each(WAYS)(
  'a set-up that is too late is closed once it is done, and its place is free: contexts %s',
  async (_, fair) => {
    const { output, code, stderr } = await runScript(
      `${PRELUDE}
    const host = new WorkerHost(new URL('./worker.mjs', import.meta.url), { hub, fair: ${fair} })
    const serve = (context, data, timeoutMs = 5000) => host.serve(context, contract, data, timeoutMs)
    ;(await serve(prompt))._unsafeUnwrap()
    const late = kindOf(await serve(slow, 'slow', 20))
    const meanwhile = await log()
    await requests.in(prompt).request(Open)
    while (!(await log()).includes('slow closed'));
    const done = await log()
    const provided = requests.in(slow).isProvided(Echo)
    const again = (await serve(slow, 'slow'))._unsafeUnwrap()
    const echo = (await requests.in(slow).request(Echo, 'hello')).value
    await again.release()
    print({ late, meanwhile, done, provided, echo, after: (await log()).slice(done.length) })
    await host.stop()
  `,
      FILES
    )
    expect(output).toEqual({
      late: 'timeout',
      meanwhile: ['prompt set up'],
      done: ['prompt set up', 'slow set up', 'slow closed'],
      provided: false,
      echo: 'hello',
      after: ['slow set up', 'slow closed']
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  }
)

it.each(WAYS)('a set-up hears that it is no longer waited for: contexts %s', async (_, fair) => {
  const { output, code } = await runScript(
    `${PRELUDE}
    const host = new WorkerHost(new URL('./worker.mjs', import.meta.url), { hub, fair: ${fair} })
    const serve = (context, data, timeoutMs = 5000) => host.serve(context, contract, data, timeoutMs)
    ;(await serve(prompt))._unsafeUnwrap()
    const late = kindOf(await serve(slow, 'asking', 20))
    while (!(await log()).includes('slow closed'));
    print({ late, log: await log() })
    await host.stop()
  `,
    FILES
  )
  expect(output).toEqual({
    late: 'timeout',
    log: ['prompt set up', 'slow set up', 'slow closed']
  })
  expect(code).toBe(0)
})

it.each(WAYS)(
  'a set-up that ends while its worker closes another context is not served: contexts %s',
  async (_, fair) => {
    const { output, code } = await runScript(
      `${PRELUDE}
    const host = new WorkerHost(new URL('./worker.mjs', import.meta.url), { hub, fair: ${fair} })
    const serve = (context, data) => host.serve(context, contract, data, 60_000)
    ;(await serve(prompt, 'lasting'))._unsafeUnwrap()
    const late = serve(slow, 'slow')
    await host.stop()
    print({ late: kindOf(await late), closed: readFileSync('closed.txt', 'utf8') })
  `,
      FILES
    )
    expect(output).toEqual({ late: 'disconnected', closed: 'prompt slow ' })
    expect(code).toBe(0)
  }
)

it.each(WAYS)(
  'a set-up that is under way when its worker is stopped is closed once it is done: contexts %s',
  async (_, fair) => {
    const { output, code } = await runScript(
      `${PRELUDE}
    const host = new WorkerHost(new URL('./worker.mjs', import.meta.url), { hub, fair: ${fair} })
    const serve = (context, data) => host.serve(context, contract, data, 60_000)
    ;(await serve(prompt, 'last'))._unsafeUnwrap()
    const late = serve(slow, 'slow')
    await host.stop()
    const { expected, code } = await host.exited
    print({ late: kindOf(await late), expected, code, closed: readFileSync('closed.txt', 'utf8') })
  `,
      FILES
    )
    expect(output).toEqual({ late: 'disconnected', expected: true, code: 0, closed: 'prompt slow ' })
    expect(code).toBe(0)
  }
)
