import { describe, expect, it } from '@jest/globals'
import { string } from 'persistency'
import {
  BrokerContext,
  BrokerHub,
  defineEvent,
  defineMultiRequest,
  defineRequest,
  defineSignal,
  MultiRequestBroker
} from 'persistency/brokers'
import { Length, newRequests } from '../support/requests.js'

const codec = { write() {}, read() {} }

describe('a declaration', () => {
  it.each([
    ['an event', () => defineEvent('unknown.event', { code: codec } as never), 'code', 'codec'],
    [
      'a request',
      () => defineRequest('unknown.request', { timeout: 5 } as never),
      'timeout',
      'timeoutMs, sync, codec'
    ],
    [
      'a multi-request',
      () => defineMultiRequest('unknown.multi', { sync: true } as never),
      'sync',
      'timeoutMs, codec'
    ],
    [
      'a signal',
      () => defineSignal('unknown.signal', { depth: undefined } as never),
      'depth',
      'queueDepth, codec'
    ],
    [
      'the codec of a request',
      () => defineRequest('unknown.coded', { codec: { answer: codec } } as never),
      'answer',
      'payload, response, error'
    ]
  ])('refuses an option that is not known: %s', (what, declare, name, known) => {
    expect(declare).toThrow(new TypeError(`${what} has no option "${name}"; known are ${known}`))
  })

  it.each([
    ['of this package', string],
    ['of somebody else', codec]
  ])('of a request refuses a codec %s in place of one for each part', (_, given) => {
    const message =
      'the codec of a request is { payload?, response?, error? }, a codec for each; got a codec: write { payload: codec }'
    for (const define of [defineRequest, defineMultiRequest]) {
      expect(() => define('unknown.coded', { codec: given } as never)).toThrow(new TypeError(message))
    }
  })

  it('refuses what is no object of options', () => {
    for (const wrong of [5000, 'sync', null, [], () => {}, AbortSignal.abort()] as never[]) {
      expect(() => defineEvent('unknown.event', wrong)).toThrow('the options of an event must be an object')
      expect(() => defineRequest('unknown.request', wrong)).toThrow(TypeError)
      expect(() => defineMultiRequest('unknown.multi', wrong)).toThrow(TypeError)
      expect(() => defineSignal('unknown.signal', wrong)).toThrow(TypeError)
    }
  })
})

describe('a call', () => {
  const Everybody = defineMultiRequest<string, number>('unknown.everybody')

  it.each([
    ['a signal', AbortSignal.timeout(10_000), /^the options of a call must be an object.*pass \{ signal \}$/],
    ['a number', 5000, /^the options of a call must be an object; got 5000$/],
    ['names of which none is known', { timeout: 5 }, /^a call has no option "timeout"; known are timeoutMs, /]
  ])('refuses in place of its options %s', (_, options, message) => {
    const { requests } = newRequests()
    const multi = new MultiRequestBroker(new BrokerHub(), BrokerContext.create())
    let asked = 0
    requests.provide(Length, () => ++asked)
    multi.provide(Everybody, () => ++asked)
    const wrong = options as never
    for (const call of [
      () => void requests.request(Length, 'hello', wrong),
      () => void multi.request(Everybody, 'hello', wrong),
      () => void multi.requestSettled(Everybody, 'hello', wrong)
    ]) {
      expect(call).toThrow(TypeError)
      expect(call).toThrow(message)
    }
    expect(asked).toBe(0)
  })
})
