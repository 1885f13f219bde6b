import { describe, expect, it } from '@jest/globals'
import { FILES, PRELUDE } from '../shared/worker-modules.js'
import { runScript } from '../support/run-script.js'

/** Two workers, each in a context of its own, which share a third that this thread does not serve. */
const PAIR = `
const peers = BrokerContext.create('peers')
const otherContext = BrokerContext.create('other')
const asking = await started({ data: { peers } })
const answering = await started({ context: otherContext, data: { peers, answers: true } })
const routes = { forth: [PeerEcho, PeerTick], back: [] }
const ask = (what) => requests.request(AskPeer, what)
`

const run = (body: string) => runScript(PRELUDE + PAIR + body, FILES)

describe('two connected workers', () => {
  it.each([
    ['forth', 'asking.connect(answering, peers, routes)'],
    ['back', 'answering.connect(asking, peers, { forth: [], back: routes.forth })']
  ])('exchange requests and events that the main thread does not see: %s', async (_, connect) => {
    const { output, code } = await run(`
      const before = (await ask('before')).error
      ;(await ${connect})._unsafeUnwrap()
      let seen = 0
      events.in(peers).listen(PeerTick, () => seen++)
      const answer = (await ask('hello')).value
      await ask('tick')
      await ask('after the tick')
      const heard = (await requests.in(otherContext).request(WhatWasHeard)).value
      print({ before, answer, heard, seen, provided: requests.in(peers).isProvided(PeerEcho) })
    `)
    expect(output).toEqual({
      before: { kind: 'noProvider' },
      answer: 'peer says hello',
      heard: ['tick'],
      seen: 0,
      provided: false
    })
    expect(code).toBe(0)
  })

  it('go on while the main thread is blocked', async () => {
    const { output } = await run(`
      ;(await asking.connect(answering, peers, routes))._unsafeUnwrap()
      await ask('later')
      const never = new Int32Array(new SharedArrayBuffer(4))
      const deadline = performance.now() + 10_000
      const written = () => existsSync('peer.txt') && readFileSync('peer.txt', 'utf8')
      while (!written() && performance.now() < deadline) Atomics.wait(never, 0, 0, 5)
      print(written())
    `)
    expect(output).toBe('tick')
  })

  it('are parted when one stops: what is under way ends with disconnected, what follows with noProvider', async () => {
    const { output, code } = await run(`
      ;(await asking.connect(answering, peers, routes))._unsafeUnwrap()
      const arrived = new Promise((resolve) => events.in(otherContext).listen(Heard, resolve))
      const pending = ask('never')
      await arrived
      await answering.stop()
      const during = (await pending).error
      print({ during, after: (await ask('hello')).error, alive: (await requests.request(Echo, 'alive')).value })
    `)
    expect(output).toEqual({
      during: { kind: 'disconnected' },
      after: { kind: 'noProvider' },
      alive: 'alive'
    })
    expect(code).toBe(0)
  })

  it('lose nothing that one of them accepted before it was stopped', async () => {
    const { output } = await run(`
      const busyContext = BrokerContext.create('busy')
      const busy = await started({ context: busyContext, data: { peers, answers: true } })
      ;(await asking.connect(busy, peers, routes))._unsafeUnwrap()
      const waited = requests.in(busyContext).request(Echo, 'wait')
      await ask('many')
      await asking.stop()
      writeFileSync('gate.txt', 'open')
      await waited
      let heard = []
      const deadline = performance.now() + 5000
      while (heard.length < 20 && performance.now() < deadline) {
        heard = (await requests.in(busyContext).request(WhatWasHeard)).value
      }
      print(heard)
    `)
    expect(output).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  it('are parted when the context is released, and can be connected again when it is served again', async () => {
    const { output } = await run(`
      const ports = async () =>
        (await requests.request(Echo, 'count ports')).value +
        (await requests.in(otherContext).request(Echo, 'count ports')).value
      const before = await ports()
      const rounds = []
      for (let n = 0; n < 2; n++) {
        const first = (await asking.serve(peers, contract, undefined, 5000))._unsafeUnwrap()
        const second = (await answering.serve(peers, { toWorker: [], toHost: [] }, undefined, 5000))._unsafeUnwrap()
        const connected = kindOf(await asking.connect(answering, peers, routes))
        const again = kindOf(await asking.connect(answering, peers, routes))
        const { value } = await ask('hello')
        await second.release()
        await first.release()
        rounds.push([connected, again, value, (await ask('hello')).error?.kind])
      }
      // Ports close a little after they were told to.
      const deadline = performance.now() + 5000
      while ((await ports()) > before && performance.now() < deadline);
      print({ rounds, left: (await ports()) - before })
    `)
    const round = ['ok', 'alreadyProvided', 'peer says hello', 'noProvider']
    expect(output).toEqual({ rounds: [round, round], left: 0 })
  })

  it('are not connected by a message that is in neither contract', async () => {
    const { output } = await run(`
      const Unknown = { ...PeerTick, name: 'workers.unknown' }
      const { error } = await asking.connect(answering, peers, { forth: [Unknown], back: [] })
      print({ kind: error.kind, cause: error.cause.message, alive: (await requests.request(Echo, 'alive')).value })
    `)
    expect(output).toMatchObject({ kind: 'startFailed', alive: 'alive' })
    expect((output as { cause: string }).cause).toContain('workers.unknown')
  })

  it('keep no port of a connection that one of them refused', async () => {
    const { output } = await run(`
      const Unknown = { ...PeerTick, name: 'workers.unknown' }
      const pairs = [[asking, answering], [answering, asking]]
      const connect = ([first, second]) => first.connect(second, peers, { forth: [Unknown], back: [] })
      const ports = async () =>
        (await requests.request(Echo, 'count ports')).value +
        (await requests.in(otherContext).request(Echo, 'count ports')).value
      for (const pair of pairs) await connect(pair)
      const before = await ports()
      for (let n = 0; n < 10; n++) for (const pair of pairs) await connect(pair)
      // Ports close a little after they were told to.
      const deadline = performance.now() + 5000
      while ((await ports()) > before && performance.now() < deadline);
      print((await ports()) - before)
    `)
    expect(output).toBeLessThanOrEqual(0)
  })

  it('are not connected a second time by what has a place for many: each link would carry a copy', async () => {
    const { output } = await run(`
      const ticks = { forth: [PeerTick], back: [] }
      ;(await asking.connect(answering, peers, ticks))._unsafeUnwrap()
      const { error } = await asking.connect(answering, peers, ticks)
      await ask('tick')
      const heardBy = async () => (await requests.in(otherContext).request(WhatWasHeard)).value
      while ((await heardBy()).length === 0);
      // A copy would come at about the same time.
      await new Promise((resolve) => setTimeout(resolve, 100))
      const heard = await heardBy()
      print({ kind: error.kind, message: error.message, heard })
    `)
    expect(output).toEqual({
      kind: 'startFailed',
      message: expect.stringContaining('carries event "workers.peerTick" already'),
      heard: ['tick']
    })
  })

  it('are not connected by what this thread takes from one to the other', async () => {
    const { output } = await run(`
      const both = { toWorker: [PeerTick], toHost: [PeerTick] }
      for (const worker of [asking, answering]) (await worker.serve(peers, both, undefined, 5000))._unsafeUnwrap()
      const outcomes = []
      for (const way of [{ forth: [PeerTick], back: [] }, { forth: [], back: [PeerTick] }]) {
        const { error } = await asking.connect(answering, peers, way)
        outcomes.push(error.cause.message)
      }
      print(outcomes)
    `)
    const taken = 'the thread of the host takes event "workers.peerTick" from one to the other already'
    expect(output).toEqual([taken, taken])
  })

  it('are two, and a request or signal goes one way', async () => {
    const { output } = await run(`
      const attempts = [
        () => asking.connect(asking, peers, routes),
        () => asking.connect(answering, peers, { forth: [PeerEcho], back: [PeerEcho] })
      ]
      print(attempts.map((attempt) => { try { attempt() } catch ({ name }) { return name } }))
    `)
    expect(output).toEqual(['TypeError', 'TypeError'])
  })

  it('are not connected once one of them is gone', async () => {
    const { output } = await run(`
      await answering.stop()
      print(kindOf(await asking.connect(answering, peers, routes)))
    `)
    expect(output).toBe('disconnected')
  })
})

it('a worker that dies as soon as it is connected can be replaced', async () => {
  const { output, code } = await run(`
    const awake = setInterval(() => {}, 1000)
    const brief = await started({
      context: BrokerContext.create('brief'),
      data: { peers, answers: 'then dies' }
    })
    const first = kindOf(await asking.connect(brief, peers, routes))
    const exit = (await brief.exited).code
    // The other one learns of it by itself, and then has room again.
    while ((await ask('gone')).error?.kind !== 'noProvider');
    const second = kindOf(await asking.connect(answering, peers, routes))
    clearInterval(awake)
    print({ first, exit, second, answer: (await ask('hello')).value })
  `)
  expect(output).toEqual({
    first: expect.stringMatching(/^(ok|startFailed|disconnected)$/),
    exit: 3,
    second: 'ok',
    answer: 'peer says hello'
  })
  expect(code).toBe(0)
})

it('three workers that are connected in a ring hear what one of them says once, and answer once', async () => {
  const files = {
    'ring.mjs': `
import { defineEvent, defineMultiRequest, defineRequest } from 'persistency/brokers'
export const Say = defineRequest('ring.say')
export const Said = defineEvent('ring.said')
export const Names = defineMultiRequest('ring.names', { timeoutMs: 2000 })
export const ringContract = { toWorker: [Say], toHost: [], toPeers: [Said, Names] }
`,
    'ring-worker.mjs': `
import { EventBroker, MultiRequestBroker, RequestBroker, BrokerContext } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { Names, ringContract, Said, Say } from './ring.mjs'
serveBrokers(ringContract, ({ hub, context, data }) => {
  const ring = BrokerContext.from(data.ring)
  let heard = 0
  let asked = 0
  new EventBroker(hub, ring).listen(Said, () => heard++)
  const names = new MultiRequestBroker(hub, ring)
  names.provide(Names, () => { asked++; return data.name })
  new RequestBroker(hub, context).provide(Say, async (what) => {
    if (what === 'say') new EventBroker(hub, ring).emit(Said)
    if (what === 'names') return (await names.request(Names))._unsafeUnwrap()
    return { heard, asked }
  })
})
`
  }
  const { output } = await runScript(
    `${PRELUDE}
      import { Names, ringContract, Said, Say } from './ring.mjs'
      const ring = BrokerContext.create('ring')
      const workers = []
      for (const name of ['a', 'b', 'c']) {
        const context = BrokerContext.create(name)
        const host = await startWorker(moduleAt('./ring-worker.mjs'), ringContract, { hub, context, data: { ring, name } })
        workers.push({ host: host._unsafeUnwrap(), ask: async (what) => (await requests.in(context).request(Say, what)).value })
      }
      const routes = { forth: [Said, Names], back: [Said, Names] }
      for (const [index, { host }] of workers.entries()) {
        (await host.connect(workers[(index + 1) % 3].host, ring, routes))._unsafeUnwrap()
      }
      await workers[0].ask('say')
      const names = await workers[0].ask('names')
      await new Promise((resolve) => setTimeout(resolve, 100))
      print({ names: names.sort(), counts: await Promise.all(workers.map(({ ask }) => ask())) })
    `,
    { ...FILES, ...files }
  )
  expect(output).toEqual({
    names: ['a', 'b', 'c'],
    counts: Array.from({ length: 3 }, () => ({ heard: 1, asked: 1 }))
  })
})
