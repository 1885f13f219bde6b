import { describe, expect, it } from '@jest/globals'
import { runScript } from '../support/run-script.js'

const PRELUDE = `
import { BrokerContext, BrokerHub, defineEvent, defineRequest, EventBroker, RequestBroker, SignalBroker } from 'persistency/brokers'
import { WorkerHost } from 'persistency/threads'
import { contract, Echo, Hang, Noise } from './messages.mjs'
const hub = new BrokerHub()
const context = BrokerContext.create('served')
const requests = new RequestBroker(hub, context)
const events = new EventBroker(hub, context)
const start = () => new WorkerHost(new URL('./worker.mjs', import.meta.url), { hub })
const serve = (host, data) => host.serve(context, contract, data, 5000)
const print = (value) => console.log(JSON.stringify(value))
`

const FILES = {
  'messages.mjs': `
import { defineEvent, defineRequest, defineSignal } from 'persistency/brokers'
export const Echo = defineRequest('test.echo')
export const Hang = defineSignal('test.hang')
export const Noise = defineEvent('test.noise')
export const contract = { toWorker: [Echo, Hang], toHost: [Noise] }
`,
  'worker.mjs': `
import { serveBrokers } from 'persistency/threads'
import { defineRequest, EventBroker, RequestBroker, SignalBroker } from 'persistency/brokers'
import { writeFileSync } from 'node:fs'
import { err, ok } from '${import.meta.resolve('neverthrow')}'
import { contract, Echo, Hang, Noise } from './messages.mjs'
const Nobodys = defineRequest('test.nobodys')
serveBrokers(contract, ({ hub, context, data }) => {
  const askNobody = () => new RequestBroker(hub, context).request(Nobodys)
  if (data === 'pass on') return askNobody()
  if (data === 'throw on') return askNobody().then((result) => { throw result.error })
  if (data === 'close badly') return { close: () => askNobody().then((result) => { throw result.error }) }
  if (data === 'refuse') return err({ reason: 'refused' })
  if (data === 'throw') throw new Error('set-up failed')
  if (data === 'die') process.exit(7)
  new RequestBroker(hub, context).provide(Echo, (what) => {
    if (what === 'die') process.exit(3)
    if (what > 0) for (const until = performance.now() + what; performance.now() < until; );
    if (what === 'throw later') setImmediate(() => { throw new Error('orphan') })
    if (what === 'never') return new Promise(() => {})
    if (what === 'noise') new EventBroker(hub, context).emit(Noise, 'noise')
    return what
  })
  new SignalBroker(hub, context).on(Hang, () => new Promise(() => {}))
  return ok({
    close: () => { if (typeof data === 'string') writeFileSync('closed.txt', data) },
  })
})
`,
  'broken.mjs': `throw new Error('broken module')`
}

const run = (body: string) => runScript(PRELUDE + body, FILES)

describe('a worker host', () => {
  it('that has served nothing does not keep the process alive', async () => {
    const { code, stderr } = await run(`
      start()
      setTimeout(() => process.exit(9), 10_000).unref()
    `)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it.each([
    ['one after the other', false, ['busy', 'quiet']],
    ['in turns, where it is fair', true, ['quiet', 'busy']]
  ])('serves contexts %s', async (_, fair, expected) => {
    const { output, code, stderr } = await run(`
      const host = new WorkerHost(new URL('./worker.mjs', import.meta.url), { hub, fair: ${fair} })
      const quiet = BrokerContext.create('quiet')
      for (const served of [context, quiet]) (await host.serve(served, contract, undefined, 5000))._unsafeUnwrap()
      const ended = []
      const turn = () => new Promise(setImmediate)
      const waits = [requests.request(Echo, 300)]
      await turn()
      waits.push(requests.request(Echo, 10))
      await turn()
      for (let n = 0; n < 10; n++) waits.push(requests.request(Echo, 10))
      waits.at(-1).then(() => ended.push('busy'))
      const answer = requests.in(quiet).request(Echo, 'quiet')
      answer.then(() => ended.push('quiet'))
      const answers = await Promise.all([...waits, answer])
      await host.stop()
      print({ ended, answers: answers.map((result) => result.unwrapOr('lost')) })
    `)
    const answers = [300, ...Array.from({ length: 11 }, () => 10), 'quiet']
    expect(output).toEqual({ ended: expected, answers })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('serves a context both ways, releases it and lets the process end', async () => {
    const { output, code, stderr } = await run(`
      const host = start()
      const served = (await serve(host))._unsafeUnwrap()
      const noise = new Promise((resolve) => events.listen(Noise, resolve))
      const echo = await requests.request(Echo, { deep: [1n, new Date(0)] }).map(({ deep }) => String(deep[0]))
      const back = await requests.request(Echo, 'noise')
      const heard = await noise
      const released = await served.release()
      const provided = requests.isProvided(Echo)
      await host.stop()
      const { expected, code } = await host.exited
      print({ echo: echo.value, back: back.value, heard, released: released.isOk(), provided, expected, code })
    `)
    expect(stderr).toBe('')
    expect(output).toEqual({
      echo: '1',
      back: 'noise',
      heard: 'noise',
      released: true,
      provided: false,
      expected: true,
      code: 0
    })
    expect(code).toBe(0)
  })

  it.each([
    ['an Err', 'refuse', { kind: 'startFailed', text: '{ reason: "refused" }', cause: 'refused' }],
    ['a throw', 'throw', { kind: 'startFailed', text: 'set-up failed', cause: 'set-up failed' }],
    ['the end of the thread', 'die', { kind: 'disconnected' }]
  ])('answers a set-up that ends in %s', async (_, data, expected) => {
    const { output, code } = await run(`
      const host = start()
      const { error } = await serve(host, '${data}')
      await host.stop()
      const text = error.message.split('could not be set up: ')[1]
      print({ kind: error.kind, text, cause: error.cause?.reason ?? error.cause?.message })
    `)
    expect(output).toMatchObject(expected)
    expect(code).toBe(0)
  })

  it.each([
    ['a set-up answers', 'pass on', 'could not be set up'],
    ['a set-up throws', 'throw on', 'could not be set up'],
    ['a closing throws', 'close badly', 'was not closed cleanly']
  ])('answers with the cause when %s an error of the framework', async (_, data, text) => {
    const { output, code } = await run(`
      const host = start()
      const served = await serve(host, '${data}')
      const { error } = served.isErr() ? served : await served.value.release()
      await host.stop()
      const { kind, message, cause } = error
      print({ kind, message, cause: cause?.kind, of: cause?.message })
    `)
    expect(output).toMatchObject({ kind: 'startFailed', cause: 'noProvider' })
    const { message, of } = output as { message: string; of: string }
    expect(message).toContain(`${text}: ${of}`)
    expect(code).toBe(0)
  })

  it('answers with the cause when the module cannot be loaded', async () => {
    const { output, code } = await run(`
      const host = new WorkerHost(new URL('./broken.mjs', import.meta.url), { hub })
      const { error } = await serve(host)
      const exit = await host.exited
      const later = (await serve(host)).error.kind
      print({ kind: error.kind, cause: error.cause.message, later, expected: exit.expected, code: exit.code })
    `)
    expect(output).toEqual({
      kind: 'startFailed',
      cause: 'broken module',
      later: 'startFailed',
      expected: false,
      code: 1
    })
    expect(code).toBe(0)
  })

  it.each([
    ['exits', 'die', 3],
    ['throws outside of any call', 'throw later', 1]
  ])('settles requests under way when the worker %s', async (_, what, exitCode) => {
    const { output, code } = await run(`
      const host = start()
      await serve(host)
      const pending = [requests.request(Echo, 'never'), requests.request(Echo, '${what}'), requests.request(Echo, 'never')]
      const settled = await Promise.all(pending)
      const exit = await host.exited
      print({
        kinds: settled.map((result) => result.isErr() ? result.error.kind : 'ok').filter((kind) => kind !== 'ok'),
        code: exit.code, expected: exit.expected, provided: requests.isProvided(Echo), contexts: hub.contextCount,
      })
    `)
    expect(output).toMatchObject({ code: exitCode, expected: false, provided: false, contexts: 0 })
    expect((output as { kinds: string[] }).kinds.every((kind) => kind === 'disconnected')).toBe(true)
    expect((output as { kinds: string[] }).kinds.length).toBeGreaterThanOrEqual(2)
    expect(code).toBe(0)
  })

  it('keeps no process alive while it has nothing to do', async () => {
    const { code, signal, output } = await run(`
      const host = start()
      await serve(host)
      print((await requests.request(Echo, 'hello')).value)
    `)
    expect({ code, signal, output }).toEqual({ code: 0, signal: null, output: 'hello' })
  })

  it('keeps no process alive for a signal of a released context that nobody has handled', async () => {
    const { output, code } = await run(`
      const host = start()
      const served = (await serve(host))._unsafeUnwrap()
      const accepted = new SignalBroker(hub, context).signal(Hang).isOk()
      await served.release()
      const released = performance.now()
      process.on('exit', () => print({ accepted, soon: performance.now() - released < 2500 }))
    `)
    expect({ output, code }).toEqual({ output: { accepted: true, soon: true }, code: 0 })
  })

  it('has the worker close what it serves when the process ends', async () => {
    const { output } = await run(`
      import { readFileSync } from 'node:fs'
      const host = start()
      await serve(host, 'closed in the end')
      // Handlers run in the order they were added; the host added its own when it started.
      process.on('exit', () => print(readFileSync('closed.txt', 'utf8')))
      process.exit(0)
    `)
    expect(output).toBe('closed in the end')
  })
})
