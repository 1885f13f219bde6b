/** Serving a context more than once, with what came before still there. */
import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, it } from '@jest/globals'
import { BrokerContext, BrokerHub, defineEvent, defineRequest, RequestBroker } from 'persistency/brokers'
import { Link, type Setup } from 'persistency/threads'
import { LocalHost } from '../../dist/threads/host/local-host.js'
import { LocalThread } from '../../dist/threads/worker/local-thread.js'

const Who = defineRequest<void, number>('test.who')
const Tick = defineEvent<number>('test.tick')
const contract = { toWorker: [Who], toHost: [] }

/** A door that opens once. */
function door(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open }
}

/** A host without a thread; each set-up and each closing waits for what `doors` has for it, and is told of in `life`. */
function hosted(doors: { setup?: Promise<void>[]; close?: Promise<void>[] }) {
  const hub = new BrokerHub()
  const context = BrokerContext.create('served')
  const life: string[] = []
  let count = 0
  const setup: Setup = async (call) => {
    const number = ++count
    await doors.setup?.[number - 1]
    const requests = new RequestBroker(call.hub, call.context)
    life.push(`set up ${number}: ${requests.provide(Who, () => number).isOk()}`)
    return {
      async close() {
        await doors.close?.[number - 1]
        requests.clear(Who)
        life.push(`closed ${number}`)
      }
    }
  }
  const host = new LocalHost(async () => (parts) => new LocalThread(parts, contract, setup), hub)
  end = () => void host.stop()
  const serve = (timeoutMs = 5000) => host.serve(context, contract, undefined, timeoutMs)
  return { serve, who: () => new RequestBroker(hub, context).request(Who, undefined), life }
}

let end: (() => void) | undefined
afterEach(() => end?.())

/** Until everything that can happen by itself has happened. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 30))

const REFUSED = { kind: 'startFailed', cause: { message: expect.stringContaining('served already') } }

describe('a context', () => {
  it('is not served twice at a time', async () => {
    const { serve, who, life } = hosted({})
    const first = (await serve())._unsafeUnwrap()
    expect((await serve())._unsafeUnwrapErr()).toMatchObject(REFUSED)
    expect((await who())._unsafeUnwrap()).toBe(1)
    await first.release()
    const second = (await serve())._unsafeUnwrap()
    expect((await who())._unsafeUnwrap()).toBe(2)
    await first.release()
    expect((await who())._unsafeUnwrap()).toBe(2)
    await second.release()
    expect(life).toEqual(['set up 1: true', 'closed 1', 'set up 2: true', 'closed 2'])
  })

  it('can be served again when it has been closed, not before', async () => {
    const closing = door()
    const { serve, who, life } = hosted({ close: [closing.opened] })
    const released = (await serve())._unsafeUnwrap().release()
    expect((await serve())._unsafeUnwrapErr()).toMatchObject(REFUSED)
    closing.open()
    await released
    ;(await serve())._unsafeUnwrap()
    expect((await who())._unsafeUnwrap()).toBe(2)
    expect(life).toEqual(['set up 1: true', 'closed 1', 'set up 2: true'])
  })

  it('whose set-up took too long is closed when that ends, and nothing else is', async () => {
    const slow = door()
    const { serve, who, life } = hosted({ setup: [slow.opened] })
    expect((await serve(20))._unsafeUnwrapErr()).toMatchObject({ kind: 'timeout' })
    expect((await serve())._unsafeUnwrapErr()).toMatchObject(REFUSED)
    slow.open()
    await settled()
    expect(life).toEqual(['set up 1: true', 'closed 1'])
    const second = (await serve())._unsafeUnwrap()
    expect((await who())._unsafeUnwrap()).toBe(2)
    await second.release()
    expect(life).toEqual(['set up 1: true', 'closed 1', 'set up 2: true', 'closed 2'])
  })
})

it('a link goes on to receive what is received again when the first to do so ends', async () => {
  const { port1, port2 } = new MessageChannel()
  const options = { maxFramesInFlight: 2, acknowledgeEvery: 1 }
  const [near, far] = [new BrokerHub(), new BrokerHub()]
  const [sender, receiver] = [new Link(port1, near, options), new Link(port2, far, options)]
  end = () => port1.close()
  const context = BrokerContext.create('linked')
  const heard: number[] = []
  far.listen(context, Tick, (n) => heard.push(n))
  sender.route(context, { send: [Tick], receive: [] })
  const stop = receiver.route(context, { send: [], receive: [Tick] })
  near.emit(context, Tick, 1)
  await sender.drained()
  receiver.route(context, { send: [], receive: [Tick] })
  near.emit(context, Tick, 2)
  await sender.drained()
  stop()
  near.emit(context, Tick, 3)
  await sender.drained()
  expect(heard).toEqual([1, 2, 3])
  receiver.close('the test is over')
  sender.close('the test is over')
})
