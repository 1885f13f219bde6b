import { getEventListeners } from 'node:events'
import { beforeEach, describe, expect, it } from '@jest/globals'
import { err, ok } from 'neverthrow'
import {
  BrokerContext,
  type BrokerError,
  defineRequest,
  type ProviderCall,
  type RequestBroker
} from 'persistency/brokers'
import { runChild } from '../support/brokers-child.js'
import { Add, newRequests } from '../support/requests.js'

let requests: RequestBroker
beforeEach(() => {
  ;({ requests } = newRequests())
})

describe('a synchronous request', () => {
  it('is answered at once, or through request', async () => {
    requests.provide(Add, ([a, b]) => (a < 0 ? err('negative') : a + b))._unsafeUnwrap()
    expect(requests.requestSync(Add, [1, 2])).toEqual(ok(3))
    expect(requests.requestSync(Add, [-1, 2])).toEqual(err('negative'))
    expect(await requests.request(Add, [1, 2])).toEqual(ok(3))
    expect(await requests.request(Add, [-1, 2])).toEqual(err('negative'))
  })

  it('needs no payload when its definition has none, and may answer with nothing', () => {
    const Reset = defineRequest<void, void, string>('requests.reset', { sync: true })
    const results = [ok(undefined), err('busy')]
    requests.provide(Reset, () => results.shift()!)
    expect(requests.requestSync(Reset)).toEqual(ok(undefined))
    expect(requests.requestSync(Reset)).toEqual(err('busy'))
  })

  it('passes the context, and a signal that never fires', () => {
    const calls: ProviderCall[] = []
    requests.provide(Add, ([a, b], call) => {
      calls.push(call)
      return a + b
    })
    requests.requestSync(Add, [1, 2])
    expect(calls[0]?.context).toBe(requests.context)
    expect(calls[0]?.signal.aborted).toBe(false)
  })

  it('keeps nothing that a provider adds to its signal', () => {
    const signals: AbortSignal[] = []
    requests.provide(Add, ([a, b], { signal }) => {
      signal.addEventListener('abort', () => {})
      signals.push(signal)
      return a + b
    })
    for (let n = 0; n < 3; n++) requests.requestSync(Add, [1, n])
    expect(signals.map((signal) => getEventListeners(signal, 'abort').length)).toEqual([1, 1, 1])
  })

  it('follows the rules of all requests', () => {
    const elsewhere = requests.in(BrokerContext.create('elsewhere'))
    elsewhere.provide(Add, () => 0)
    const missing = requests.requestSync(Add, [1, 2])._unsafeUnwrapErr()
    expect(missing).toMatchObject({ kind: 'noProvider' })
    expect((missing as BrokerError).message).toContain(requests.context.toString())
    const cause = new Error('out of order')
    requests.provide(Add, () => {
      throw cause
    })
    expect(requests.requestSync(Add, [1, 2])._unsafeUnwrapErr()).toMatchObject({
      kind: 'providerFailed',
      cause
    })
    expect(requests.provide(Add, () => 1)._unsafeUnwrapErr()).toMatchObject({ kind: 'alreadyProvided' })
    requests.clear(Add)
    expect(requests.isProvided(Add)).toBe(false)
    expect(elsewhere.requestSync(Add, [1, 2])).toEqual(ok(0))
  })

  it('fails with providerFailed when its provider answers with a promise', async () => {
    requests.replace(Add, (async () => 3) as never)
    const results = [requests.requestSync(Add, [1, 2]), await requests.request(Add, [1, 2])]
    for (const result of results) {
      expect(result._unsafeUnwrapErr()).toMatchObject({ kind: 'providerFailed' })
      expect((result._unsafeUnwrapErr() as BrokerError).message).toContain('promise')
    }
  })

  it('fails with providerFailed when its provider was registered for an asynchronous definition of that name', () => {
    const Asynchronous = defineRequest<readonly [number, number], number, string>(Add.name)
    requests.provide(Asynchronous, async ([a, b]) => a + b)
    expect(requests.requestSync(Add, [1, 2])._unsafeUnwrapErr()).toMatchObject({ kind: 'providerFailed' })
  })

  it('does not leave a rejection behind when its provider answers with a promise that rejects', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineRequest, RequestBroker } from 'persistency'
      const requests = new RequestBroker(new BrokerHub())
      const Ask = defineRequest('ask', { sync: true })
      requests.provide(Ask, async () => { throw new Error('rejected') })
      print(requests.requestSync(Ask, {}).error.kind)
      print((await requests.request(Ask, {})).error.kind)
      await turn()
    `)
    expect({ code, lines }).toEqual({ code: 0, lines: ['providerFailed', 'providerFailed'] })
  })
})
