import { once } from 'node:events'
import { MessageChannel } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  BrokerContext,
  BrokerHub,
  defineRequest,
  MultiRequestBroker,
  RequestBroker,
  type RequestTrace
} from 'persistency/brokers'
import { Link, startWorker, type WorkerHost } from 'persistency/threads'
import { contract, Where, WhereAll } from '../fixtures/traced-worker.mjs'
import { useChannels } from '../support/channels.js'

const START = 'tracing:persistency:request:start'
const WORKER = new URL('../fixtures/traced-worker.mjs', import.meta.url)

const channels = useChannels()

/** Has every request carry this. */
function carry(traceparent: unknown): void {
  channels.on<RequestTrace>(START, (trace) => {
    trace.traceparent = traceparent as string
  })
}

describe('a traceparent across threads', () => {
  const hub = new BrokerHub()
  const context = BrokerContext.create('traced')
  const requests = new RequestBroker(hub, context)
  let worker: WorkerHost

  beforeAll(async () => {
    worker = (await startWorker(WORKER, contract, { hub, context }))._unsafeUnwrap()
  })
  afterAll(() => worker.stop())

  const where = async (): Promise<string | undefined> => (await requests.request(Where))._unsafeUnwrap()

  it('reaches the provider of the request that it was set for, and no other', async () => {
    let calls = 0
    channels.on<RequestTrace>(START, (trace) => {
      if (++calls % 2 === 0) trace.traceparent = `call ${calls}`
    })
    const got = await Promise.all([where(), where(), where(), where()])
    expect(got).toEqual([undefined, 'call 2', undefined, 'call 4'])
  })

  it('reaches all providers of a multi-request', async () => {
    const multi = new MultiRequestBroker(hub, context)
    carry('here')
    expect((await multi.request(WhereAll))._unsafeUnwrap()).toEqual(['here', 'here'])
  })

  it('that is no text is left out, and spoils nothing', async () => {
    carry(42)
    expect(await Promise.all([where(), where()])).toEqual([undefined, undefined])
  })
})

describe('the frame of a request', () => {
  const Ask = defineRequest<number, number>('traced.ask')

  /** How many bytes a request takes, its channel being open already. */
  async function bytesOf(watch: () => void): Promise<number> {
    const { port1, port2 } = new MessageChannel()
    const hub = new BrokerHub()
    const context = BrokerContext.create('measured')
    const link = new Link(port1, hub, { maxFramesInFlight: 10, acknowledgeEvery: 10 })
    link.route(context, { send: [Ask], receive: [] })
    const ask = async (): Promise<Uint8Array> => {
      void new RequestBroker(hub, context).request(Ask, 1, { timeoutMs: Number.POSITIVE_INFINITY })
      return (await once(port2, 'message'))[0] as Uint8Array
    }
    await ask()
    watch()
    const { byteLength } = await ask()
    link.close('measured')
    port1.close()
    return byteLength
  }

  it('has no byte for a traceparent that is absent', async () => {
    const unwatched = await bytesOf(() => {})
    const watched = await bytesOf(() => channels.on(START, () => {}))
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const carried = await bytesOf(() => carry(traceparent))
    expect(watched).toBe(unwatched)
    expect(carried).toBe(unwatched + 4 + traceparent.length)
  })
})
