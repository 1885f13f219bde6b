import { expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

const PRELUDE = `
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
import { RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { contract, Echo, Log, Open } from './messages.mjs'
const log = []
let open
const opened = new Promise((resolve) => { open = resolve })
serveBrokers(contract, async ({ hub, context, data }) => {
  const requests = new RequestBroker(hub, context)
  if (data === 'slow') await opened
  const provided = [[Echo, (what) => what], [Log, () => log], [Open, () => open()]].map(([request, provider]) =>
    requests.provide(request, provider)._unsafeUnwrap()
  )
  log.push(context.label + ' set up')
  const close = () => {
    for (const provider of provided) provider.remove()
    log.push(context.label + ' closed')
  }
  return { close }
})
`
}

it.each([
  ['one after the other', false],
  ['in turns', true]
])(
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
