/** Owns the modules of the workers that tests start, break and stop, and the prelude of the programs that do so. */

export const PRELUDE = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { BrokerContext, BrokerHub, EventBroker, RequestBroker, SignalBroker } from 'persistency/brokers'
import { startWorker, WorkerHost } from 'persistency/threads'
import { AskPeer, Both, contract, Echo, Heard, PeerEcho, PeerTick, Tick, Unhandled, WhatWasHeard } from './messages.mjs'
const hub = new BrokerHub()
const context = BrokerContext.create('served')
const requests = new RequestBroker(hub, context)
const events = new EventBroker(hub, context)
const signals = new SignalBroker(hub, context)
const moduleAt = (name) => new URL(name, import.meta.url)
const start = (options) => startWorker(moduleAt('./worker.mjs'), contract, { hub, context, ...options })
const started = async (options) => (await start(options))._unsafeUnwrap()
const kindOf = (result) => (result.isErr() ? result.error.kind : 'ok')
const print = (value) => console.log(JSON.stringify(value))
`

export const FILES = {
  'messages.mjs': `
import { defineEvent, defineRequest, defineSignal } from 'persistency/brokers'
export const Echo = defineRequest('workers.echo')
export const WhatWasHeard = defineRequest('workers.whatWasHeard')
export const AskPeer = defineRequest('workers.askPeer')
export const Tick = defineEvent('workers.tick')
export const Both = defineEvent('workers.both')
export const Heard = defineEvent('workers.heard')
export const Unhandled = defineSignal('workers.unhandled')
export const PeerEcho = defineRequest('workers.peerEcho')
export const PeerTick = defineEvent('workers.peerTick')
export const contract = {
  toWorker: [Echo, WhatWasHeard, AskPeer, Tick, Both, Unhandled],
  toHost: [Both, Heard],
  toPeers: [PeerEcho, PeerTick],
}
`,
  'worker.mjs': `
import { appendFileSync, existsSync } from 'node:fs'
import { setImmediate as nextRound } from 'node:timers/promises'
import { queryObjects } from 'node:v8'
import { MessagePort } from 'node:worker_threads'
import { BrokerContext, EventBroker, RequestBroker } from 'persistency/brokers'
import { serveBrokers } from 'persistency/threads'
import { AskPeer, Both, contract, Echo, Heard, PeerEcho, PeerTick, Tick, WhatWasHeard } from './messages.mjs'
appendFileSync('life.txt', 'started ')
process.on('exit', () => appendFileSync('life.txt', 'gone '))
serveBrokers(contract, ({ hub, context, data }) => {
  if (data === 'refuse') throw Object.assign(new RangeError('refused'), { why: 'moon' })
  if (data === 'exit') process.exit(9)
  if (data === 'never') return new Promise(() => {})
  const requests = new RequestBroker(hub, context)
  const events = new EventBroker(hub, context)
  const heard = []
  process.on('warning', ({ code }) => heard.push(code))
  requests.provide(Echo, (what) => {
    if (what === 'exit') process.exit(3)
    if (what === 'throw') setImmediate(() => { throw new Error('orphan') })
    if (what === 'throw null') setImmediate(() => { throw null })
    if (what === 'throw undefined') setImmediate(() => { throw undefined })
    if (what === 'hoard') for (const hoard = []; ; ) hoard.push(new Array(10_000).fill(hoard.length))
    if (what === 'spin') for (;;);
    // The thread does nothing else meanwhile.
    if (what === 'wait') while (!existsSync('gate.txt')) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    if (what === 'count ports') return queryObjects(MessagePort)
    return what === 'never' || what.startsWith?.('throw') ? new Promise(() => {}) : what
  })
  requests.provide(WhatWasHeard, () => heard)
  const ticks = events.listen(Tick, (n) => {
    heard.push(n)
    events.emit(Heard, n)
  })
  events.listen(Both, (text) => {
    heard.push(text)
    if (text === 'from the host') events.emit(Both, 'from the worker')
  })
  const close = async () => {
    await ticks.drop()
    for (const request of [Echo, WhatWasHeard]) requests.clear(request)
  }
  if (data?.peers === undefined) return { close }
  const peers = BrokerContext.from(data.peers)
  requests.provide(AskPeer, (what) => {
    if (what === 'later') {
      setImmediate(() => new EventBroker(hub, peers).emit(PeerTick, 'tick'))
      return 'soon'
    }
    // More than may be under way to a worker that takes nothing in meanwhile.
    if (what === 'many') {
      return (async () => {
        for (let n = 0; n < 20; n++) {
          new EventBroker(hub, peers).emit(PeerTick, n)
          await nextRound()
        }
      })()
    }
    if (what === 'tick') return new EventBroker(hub, peers).emit(PeerTick, 'tick')
    return new RequestBroker(hub, peers).request(PeerEcho, what).mapErr(({ kind }) => ({ kind }))
  })
  if (!data.answers) return { close }
  // Connecting ends with this call: the answer still leaves, and then the thread dies.
  if (data.answers === 'then dies') MessagePort.prototype.unref = () => setImmediate(() => process.exit(3))
  new RequestBroker(hub, peers).provide(PeerEcho, (what) => {
    events.emit(Heard, what)
    return what === 'never' ? new Promise(() => {}) : 'peer says ' + what
  })
  new EventBroker(hub, peers).listen(PeerTick, (text) => {
    heard.push(text)
    appendFileSync('peer.txt', String(text))
  })
  return { close }
})
`,
  'twice.mjs': `
import { serveBrokers } from 'persistency/threads'
import { contract } from './messages.mjs'
serveBrokers(contract, () => {})
serveBrokers(contract, () => {})
`,
  'broken.mjs': `throw new Error('broken module')`,
  'idle.mjs': `export {}`,
  'exits.mjs': `process.exit(1)`,
  'waits.mjs': `setInterval(() => {}, 1000)`,
  'package.json': '{ "type": "module" }',
  'worker.xyz': `export {}`,
  'worker.ts': `export const never = 1 as number as`
}
