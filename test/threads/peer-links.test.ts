import { once } from 'node:events'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ok } from 'neverthrow'
import { BrokerContext, BrokerHub, defineRequest, RequestBroker } from 'persistency/brokers'
import { Link } from 'persistency/threads'
import { Peers } from '../../dist/threads/worker/peers.js'

const Echo = defineRequest<string, string>('peers.echo')
const echo = { kind: 'request', name: 'peers.echo' } as const

const context = BrokerContext.create('peers')
let requests: RequestBroker
let peers: Peers
let ports: MessagePort[]
/** Ports keep no process awake once they are connected or closed. */
let awake: NodeJS.Timeout

beforeEach(() => {
  const hub = new BrokerHub()
  requests = new RequestBroker(hub, context)
  peers = new Peers(hub, { toWorker: [], toHost: [], toPeers: [Echo] }, 'this worker')
  ports = []
  awake = setInterval(() => {}, 1000)
})

afterEach(() => {
  peers.close()
  for (const port of ports) port.close()
  clearInterval(awake)
})

/** A channel of which one end has been delivered; answers the other one. */
function delivered(peer: number): { here: MessagePort; there: MessagePort } {
  const { port1: here, port2: there } = new MessageChannel()
  ports.push(here, there)
  peers.deliver({ peer, port: here })
  return { here, there }
}

const connect = (id: number) =>
  peers.connect({ id, worker: 'other', context: context.toJSON(), send: [echo], receive: [] })

/** Has the other end of a link answer, as a worker would. */
function answerAt(port: MessagePort): void {
  const hub = new BrokerHub()
  new RequestBroker(hub, context).provide(Echo, (what) => ok(what))
  const link = new Link(port, hub, { maxFramesInFlight: 2, acknowledgeEvery: 1 })
  link.route(context, { send: [], receive: [Echo] })
}

const answer = async (): Promise<unknown> => (await requests.request(Echo, 'hello')).unwrapOr('no answer')

describe('a link to another worker', () => {
  test('is not made over a port whose other end is gone', async () => {
    const { here, there } = delivered(1)
    there.close()
    await once(here, 'close')
    expect(connect(1)._unsafeUnwrapErr()).toMatchObject({ message: 'the worker at the other end is gone' })
    expect(requests.isProvided(Echo)).toBe(false)
  })

  test('ends with the other worker, and leaves its place to the next one', async () => {
    const { here, there } = delivered(1)
    expect(connect(1).isOk()).toBe(true)
    const underWay = requests.request(Echo, 'never')
    there.close()
    await once(here, 'close')
    expect((await underWay)._unsafeUnwrapErr()).toMatchObject({ kind: 'disconnected' })
    expect(requests.isProvided(Echo)).toBe(false)
    answerAt(delivered(2).there)
    expect(connect(2).isOk()).toBe(true)
    expect(await answer()).toBe('hello')
  })

  test('is not made where this worker has the place of what it is to send, which the other one hears', async () => {
    const own = requests.provide(Echo, () => ok('own'))._unsafeUnwrap()
    const { there } = delivered(1)
    const closed = once(there, 'close')
    expect(connect(1)._unsafeUnwrapErr()).toMatchObject({ kind: 'alreadyProvided' })
    await closed
    expect(await answer()).toBe('own')
    own.remove()
    answerAt(delivered(2).there)
    expect(connect(2).isOk()).toBe(true)
    expect(await answer()).toBe('hello')
  })

  test('is not made over a port that is called back, nor over one that never came', async () => {
    const { there } = delivered(1)
    const closed = once(there, 'close')
    peers.deliver({ peer: 1, port: undefined })
    await closed
    for (const peer of [1, 2]) {
      const { message } = connect(peer)._unsafeUnwrapErr() as Error
      expect(message).toBe(`no port was delivered for peer ${peer}`)
    }
  })

  test('that was made ends when its port is called back', async () => {
    const { there } = delivered(1)
    const closed = once(there, 'close')
    expect(connect(1).isOk()).toBe(true)
    const underWay = requests.request(Echo, 'never')
    peers.deliver({ peer: 1, port: undefined })
    await closed
    expect((await underWay)._unsafeUnwrapErr()).toMatchObject({ kind: 'disconnected' })
    expect(requests.isProvided(Echo)).toBe(false)
  })
})
