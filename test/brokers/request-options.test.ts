import { describe, expect, it } from '@jest/globals'
import { BrokerContext, BrokerHub, defineMultiRequest, MultiRequestBroker } from 'persistency/brokers'
import { clinging, deaf, NO_SIGNALS, silent } from '../support/odd-signals.js'
import { Length, newRequests } from '../support/requests.js'

const Everybody = defineMultiRequest<string, number>('request-options.everybody')

describe('what is no signal', () => {
  it.each([
    ['null', null],
    ['an object', {}],
    ['a controller', new AbortController()],
    ['a string', 'abort'],
    ...Object.entries(NO_SIGNALS)
  ])('is refused at once, and nobody is asked: %s', (_, signal) => {
    const { requests } = newRequests()
    const multi = new MultiRequestBroker(new BrokerHub(), BrokerContext.create())
    let asked = 0
    requests.provide(Length, () => ++asked)
    multi.provide(Everybody, () => ++asked)
    const options = { signal: signal as never }
    expect(() => requests.request(Length, 'hello', options)).toThrow(TypeError)
    expect(() => multi.request(Everybody, 'hello', options)).toThrow(TypeError)
    expect(() => void multi.requestSettled(Everybody, 'hello', options)).toThrow(TypeError)
    expect(asked).toBe(0)
  })

  it('may throw, and the call ends nevertheless', async () => {
    const { requests } = newRequests()
    requests.provide(Length, (text) => text.length)
    const ask = (signal: AbortSignal) => requests.request(Length, 'hello', { signal })
    expect((await ask(clinging))._unsafeUnwrap()).toBe(5)
    expect((await ask(deaf))._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted' })
    expect((await ask(silent))._unsafeUnwrapErr()).toMatchObject({ kind: 'aborted' })
  })

  it('may be left out in every way', async () => {
    const { requests } = newRequests()
    requests.provide(Length, (text) => text.length)
    const none = [undefined, {}, { signal: undefined, timeoutMs: undefined }]
    const answers = await Promise.all(none.map((options) => requests.request(Length, 'hello', options)))
    expect(answers.map((answer) => answer._unsafeUnwrap())).toEqual([5, 5, 5])
  })
})
