import { describe, expect, test } from '@jest/globals'
import { ok } from 'neverthrow'
import { BrokerContext, BrokerHub, defineEvent, defineRequest, RequestBroker } from 'persistency'
import type { Setup } from 'persistency/threads'
import { LocalHost } from '../../dist/threads/host/local-host.js'
import { LocalThread } from '../../dist/threads/worker/local-thread.js'

const Echo = defineRequest<string, string>('test.echo')
const Fault = defineEvent<string>('test.fault')
const contract = { toWorker: [Echo, Fault], toHost: [] }

/** Answers what it is asked, and fails as no set-up should when it is told to. */
const setup: Setup = ({ hub, context, data, share }) => {
  if (data === 'refuse') throw new Error('refused')
  new RequestBroker(hub, context).provide(Echo, (what) =>
    what === 'never' ? new Promise(() => {}) : ok(what)
  )
  hub.listen(context, Fault, (what) =>
    share?.push(() => {
      throw new Error(what)
    })
  )
}

const hosted = (setUp: Setup = setup): { host: LocalHost; hub: BrokerHub } => {
  const hub = new BrokerHub()
  return { hub, host: new LocalHost(async () => (parts) => new LocalThread(parts, contract, setUp), hub) }
}

describe('a host without a worker', () => {
  test('serves contexts of its own hub, each until it is released', async () => {
    const { host, hub } = hosted()
    const contexts = [BrokerContext.create('one'), BrokerContext.create('two')] as const
    const [one] = await Promise.all(
      contexts.map(async (context) => (await host.serve(context, contract, undefined, 5000))._unsafeUnwrap())
    )
    const ask = (at: 0 | 1) => new RequestBroker(hub, contexts[at]).request(Echo, `to ${at}`)
    expect([(await ask(0))._unsafeUnwrap(), (await ask(1))._unsafeUnwrap()]).toEqual(['to 0', 'to 1'])
    await one?.release()
    expect((await ask(0))._unsafeUnwrapErr()).toMatchObject({ kind: 'noProvider' })
    expect((await ask(1)).isOk()).toBe(true)
    await host.stop()
    expect(await host.exited).toMatchObject({ expected: true })
    expect((await ask(1)).isErr()).toBe(true)
  })

  test('tells why a context could not be set up', async () => {
    const { host } = hosted()
    const served = await host.serve(BrokerContext.create(), contract, 'refuse', 5000)
    expect(served._unsafeUnwrapErr()).toMatchObject({ kind: 'startFailed', cause: { message: 'refused' } })
    const slow = hosted(() => new Promise(() => {})).host
    const late = await slow.serve(BrokerContext.create(), contract, undefined, 20)
    expect(late._unsafeUnwrapErr()).toMatchObject({ kind: 'timeout' })
    await Promise.all([host.stop(), slow.stop()])
  })

  test('tells when the working side cannot be loaded', async () => {
    const host = new LocalHost(() => Promise.reject(new Error('not there')))
    const served = await host.serve(BrokerContext.create(), contract, undefined, 5000)
    expect(served._unsafeUnwrapErr()).toMatchObject({ kind: 'startFailed', cause: { message: 'not there' } })
    await host.stop()
  })

  test('ends with what the work throws that must not, as a thread would', async () => {
    const { host, hub } = hosted()
    const context = BrokerContext.create('one')
    ;(await host.serve(context, contract, undefined, 5000))._unsafeUnwrap()
    const told: unknown[] = []
    host.onExit(({ expected, error }) => told.push(expected, (error as Error).message))
    hub.emit(context, Fault, 'broken')
    const answer = new RequestBroker(hub, context).request(Echo, 'never')
    expect(await host.exited).toMatchObject({ expected: false, error: { message: 'broken' } })
    expect(told).toEqual([false, 'broken'])
    expect((await answer).isErr()).toBe(true)
    const again = await host.serve(context, contract, undefined, 5000)
    expect(again._unsafeUnwrapErr()).toMatchObject({ kind: 'disconnected' })
  })
})
