/** What becomes of bytes whose memory somebody gives away, and of frames that cannot be deserialized for that. */
import { MessageChannel, type MessagePort, markAsUntransferable } from 'node:worker_threads'
import { afterEach, describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  defineEvent,
  defineRequest,
  EventBroker,
  RequestBroker,
  type WireCodec
} from 'persistency/brokers'
import { cloneCodec, Link, type LinkPort } from 'persistency/threads'
import { ByteWriter } from '../../dist/bytes/byte-writer.js'
import { runScript } from '../support/run-script.js'

const moved: WireCodec<Uint8Array> = {
  write: (writer, bytes) => writer.attach(bytes),
  read: (reader) => reader.attached()
}
const Moved = defineEvent<Uint8Array>('test.moved', { codec: moved })
const Length = defineRequest<Uint8Array, number>('test.length', { codec: { payload: moved } })
const Echo = defineRequest<unknown, unknown>('test.echo')

function giveAway(bytes: Uint8Array): void {
  structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] })
}

const givenAway = (): Uint8Array => {
  const bytes = new Uint8Array(8)
  giveAway(bytes)
  return bytes
}

let end: (() => void) | undefined
afterEach(() => end?.())

/** Refuses to transfer what must not be, as Node.js 22 does; Node.js 20 copies it. */
function strict(port: MessagePort, fixed: ReadonlySet<ArrayBuffer>): LinkPort {
  return {
    postMessage(frame, transfer) {
      if (transfer.some((memory) => fixed.has(memory))) throw new DOMException('fixed', 'DataCloneError')
      port.postMessage(frame, transfer)
    },
    on: (event, listener) => port.on(event, listener),
    off: (event, listener) => port.off(event, listener)
  }
}

function linked(fixed: ReadonlySet<ArrayBuffer> = new Set()) {
  const context = BrokerContext.create('linked')
  const [near, far] = [new BrokerHub(), new BrokerHub()]
  const { port1, port2 } = new MessageChannel()
  let onFault = (_: unknown): void => {}
  const broken = new Promise((resolve) => {
    onFault = resolve
  })
  const options = { maxFramesInFlight: 2, acknowledgeEvery: 1, onFault: (fault: unknown) => onFault(fault) }
  const links = [new Link(strict(port1, fixed), near, options), new Link(port2, far, options)] as const
  const messages = [Moved, Length, Echo]
  links[0].route(context, { send: messages, receive: [] })
  links[1].route(context, { send: [], receive: messages })
  new RequestBroker(far, context).provide(Length, ({ length }) => length)
  new RequestBroker(far, context).provide(Echo, (what) => what)
  const received: number[] = []
  new EventBroker(far, context).listen(Moved, ({ length }) => received.push(length))
  end = () => {
    for (const link of links) link.close('the test is over')
    port1.close()
  }
  const requests = new RequestBroker(near, context)
  return { port: port1, requests, events: new EventBroker(near, context), received, broken }
}

describe('bytes that were given away', () => {
  it('cannot be sent', async () => {
    const { requests, events, received } = linked()
    const answers = [
      requests.request(Length, givenAway()),
      requests.request(Echo, { bytes: givenAway() }),
      requests.request(Echo, { bytes: new Uint8Array(0) })
    ]
    events.emit(Moved, givenAway())
    const [length, echo, empty] = await Promise.all(answers)
    expect(length?._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    expect(echo?._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    expect(empty?._unsafeUnwrap()).toEqual({ bytes: new Uint8Array(0) })
    expect(received).toEqual([])
  })

  it('cannot be cloned, as structured clone has it', () => {
    const writer = new ByteWriter()
    expect(() => cloneCodec.write(writer, givenAway())).toThrow('detached')
    expect(() => cloneCodec.write(writer, [givenAway()])).toThrow('detached')
  })

  it('before the frame has left fail their own message', async () => {
    const { requests, events, received } = linked()
    const lost = new Uint8Array(8)
    const kept = new Uint8Array(9)
    const answers = [
      requests.request(Length, lost),
      requests.request(Length, kept),
      requests.request(Echo, 'other')
    ]
    const lostToo = new Uint8Array(10)
    for (const bytes of [lostToo, new Uint8Array(11)]) events.emit(Moved, bytes)
    giveAway(lost)
    giveAway(lostToo)
    const [length, ...others] = await Promise.all(answers)
    expect(length?._unsafeUnwrapErr()).toMatchObject({ kind: 'notSendable' })
    expect(others.map((answer) => answer._unsafeUnwrap())).toEqual([9, 'other'])
    expect(received).toEqual([11])
  })
})

describe('bytes that cannot be given away', () => {
  it('are copied, and cost no other message', async () => {
    const memory = new ArrayBuffer(8)
    markAsUntransferable(memory)
    const { requests, events, received } = linked(new Set([memory]))
    const others = [requests.request(Length, new Uint8Array(9)), requests.request(Echo, 'other')]
    events.emit(Moved, new Uint8Array(memory))
    const answers = await Promise.all(others)
    expect(answers.map((answer) => answer._unsafeUnwrap())).toEqual([9, 'other'])
    expect((await requests.request(Echo, 'later'))._unsafeUnwrap()).toBe('later')
    expect(received).toEqual([8])
    expect(memory.byteLength).toBe(8)
  })
})

/** Later versions of Node.js refuse to post what an earlier one cannot deserialize. */
const onNode20 = process.versions.node.startsWith('20.') ? describe : describe.skip

onNode20('what cannot be deserialized', () => {
  it('breaks a link', async () => {
    const { port, requests, broken } = linked()
    await requests.request(Echo, 'works')
    const bytes = givenAway()
    port.postMessage([new Uint8Array(4), bytes], [bytes.buffer as ArrayBuffer])
    expect(await broken).toMatchObject({ message: expect.stringContaining('deserialize') })
  })

  it.each([
    ['the worker', `requests.request(Spoil)`],
    ['the host', `spoil(worker)`]
  ])('ends a worker when it comes from %s', async (_, spoilt) => {
    const { output, code } = await runScript(
      `
      import { Worker } from 'node:worker_threads'
      import { BrokerContext, BrokerHub, RequestBroker } from 'persistency/brokers'
      import { startWorker } from 'persistency/threads'
      import { contract, Echo, Spoil, spoil } from './messages.mjs'
      let worker
      const { postMessage } = Worker.prototype
      Worker.prototype.postMessage = function (...args) {
        worker = this
        return postMessage.apply(this, args)
      }
      const hub = new BrokerHub()
      const context = BrokerContext.create('served')
      const requests = new RequestBroker(hub, context)
      const host = (await startWorker(new URL('worker.mjs', import.meta.url), contract, { hub, context }))._unsafeUnwrap()
      const pending = requests.request(Echo, 'never')
      ${spoilt}
      const { error } = await pending
      const exit = await host.exited
      console.log(JSON.stringify({ kind: error.kind, cause: error.cause.message, expected: exit.expected }))
      `,
      {
        'messages.mjs': `
        import { defineRequest } from 'persistency/brokers'
        export const Echo = defineRequest('test.echo', { timeoutMs: 10_000 })
        export const Spoil = defineRequest('test.spoil')
        export const contract = { toWorker: [Echo, Spoil], toHost: [] }
        export function spoil(port) {
          const bytes = new Uint8Array(8)
          structuredClone(bytes, { transfer: [bytes.buffer] })
          port.postMessage([bytes, 'more'], [bytes.buffer])
        }`,
        'worker.mjs': `
        import { parentPort } from 'node:worker_threads'
        import { RequestBroker } from 'persistency/brokers'
        import { serveBrokers } from 'persistency/threads'
        import { contract, Echo, Spoil, spoil } from './messages.mjs'
        serveBrokers(contract, ({ hub, context }) => {
          const requests = new RequestBroker(hub, context)
          requests.provide(Echo, () => new Promise(() => {}))
          requests.provide(Spoil, () => spoil(parentPort))
        })`
      }
    )
    expect(output).toEqual({
      kind: 'disconnected',
      cause: expect.stringContaining('deserialize'),
      expected: false
    })
    expect(code).toBe(0)
  })
})
