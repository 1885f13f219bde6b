import { beforeEach, describe, expect, it } from '@jest/globals'
import { err, errAsync } from 'neverthrow'
import { BrokerError, type RequestBroker, type RequestProvider } from 'persistency/brokers'
import { nextTurn, thenable, unreadable } from '../support/brokers-async.js'
import { runChild } from '../support/brokers-child.js'
import { Divide, Length, newRequests } from '../support/requests.js'

let requests: RequestBroker
beforeEach(() => {
  ;({ requests } = newRequests())
})

describe('a provider that fails', () => {
  it('makes the request fail with providerFailed and the cause, whether it throws or rejects', async () => {
    const cause = new Error('out of order')
    const ways: RequestProvider<string, number, never>[] = [
      () => {
        throw cause
      },
      async () => {
        throw cause
      },
      async () => {
        await nextTurn()
        throw cause
      },
      () => thenable((_, reject) => reject(cause))
    ]
    for (const provider of ways) {
      requests.replace(Length, provider)
      const error = (await requests.request(Length, 'hello'))._unsafeUnwrapErr()
      expect(error).toBeInstanceOf(BrokerError)
      expect(error).toMatchObject({ kind: 'providerFailed' })
      expect(error.message).toContain('"requests.length"')
      expect(error.message).toContain('out of order')
      expect(error.cause).toBe(cause)
    }
  })

  it('makes the request fail with providerFailed whatever it throws', async () => {
    for (const cause of ['text', 0, null, undefined, { reason: 'object' }, Symbol('odd')]) {
      requests.replace(Length, () => {
        throw cause
      })
      const error = (await requests.request(Length, 'hello'))._unsafeUnwrapErr()
      expect(error).toMatchObject({ kind: 'providerFailed', cause })
    }
  })

  it('makes the request fail, and not reject, when what it throws cannot be printed', async () => {
    const cause: unknown = Object.create(null)
    requests.provide(Length, () => {
      throw cause
    })
    const error = (await requests.request(Length, 'hello'))._unsafeUnwrapErr()
    expect(error).toMatchObject({ kind: 'providerFailed' })
    expect(error.cause).toBe(cause)
  })

  it('makes the request fail, and not reject, when its answer cannot even be looked at', async () => {
    const throwing = thenable<number>(() => {
      throw new Error('calling then')
    })
    for (const answer of [unreadable('then'), unreadable('isOk'), throwing]) {
      requests.replace(Length, () => answer)
      expect((await requests.request(Length, 'hello'))._unsafeUnwrapErr()).toMatchObject({
        kind: 'providerFailed'
      })
    }
  })

  it('never becomes an uncaught exception or an unhandled rejection', async () => {
    const { code, lines } = await runChild(`
      import { BrokerHub, defineRequest, RequestBroker } from 'persistency'
      const requests = new RequestBroker(new BrokerHub())
      const Ask = defineRequest('ask', { timeoutMs: 50 })
      const ways = {
        throws: () => { throw new Error('thrown') },
        rejects: async () => { throw new Error('rejected') },
        rejectsLater: async () => { await turn(); throw new Error('rejected late') },
        rejectsTooLate: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('too late')))),
        rejectsUnprintable: async () => { throw Object.create(null) },
        answersOddly: async () => Object.defineProperty({}, 'isOk', { get() { throw new Error('no looking') } })
      }
      for (const [name, provider] of Object.entries(ways)) {
        requests.replace(Ask, provider)
        const result = await requests.request(Ask, {})
        await turn()
        print([name, result.error.kind])
      }
    `)
    expect(lines).toEqual([
      ['throws', 'providerFailed'],
      ['rejects', 'providerFailed'],
      ['rejectsLater', 'providerFailed'],
      ['rejectsTooLate', 'timeout'],
      ['rejectsUnprintable', 'providerFailed'],
      ['answersOddly', 'providerFailed']
    ])
    expect(code).toBe(0)
  })

  it('answers its own errors unchanged', async () => {
    const reason = { reason: 'division by zero' }
    requests.provide(Divide, ({ a, b }) => (b === 0 ? err(reason) : a / b))
    expect((await requests.request(Divide, { a: 1, b: 0 }))._unsafeUnwrapErr()).toBe(reason)
    requests.replace(Divide, () => errAsync(reason) as never)
    expect((await requests.request(Divide, { a: 1, b: 0 }))._unsafeUnwrapErr()).toBe(reason)
  })
})
