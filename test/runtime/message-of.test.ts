/** What people read of whatever was thrown, or answered as an error. */
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from '@jest/globals'
import { err } from 'neverthrow'
import {
  BrokerContext,
  BrokerHub,
  createInstance,
  defineInterface,
  joinTeardown,
  MultiRequestBroker,
  tearDown
} from 'persistency/brokers'
import { messageOf, textOf } from '../../dist/runtime/message-of.js'
import { Length, newRequests } from '../support/requests.js'

class Refusal {
  get kind(): string {
    return 'refused'
  }
}

class Spoken {
  toString(): string {
    return 'in its own words'
  }
}

const throwing = {
  kind: 'odd',
  get other(): never {
    throw new Error('on purpose')
  }
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const circle: Record<string, unknown> = { kind: 'circle' }
circle['again'] = circle

describe('the message of what was thrown', () => {
  it.each<[string, unknown, string]>([
    ['an error', new RangeError('too far'), 'too far'],
    ['an error of another realm', runInNewContext('new TypeError("of elsewhere")'), 'of elsewhere'],
    ['an error without a message', new RangeError(), 'RangeError'],
    ['a text', 'as it is', 'as it is'],
    ['nothing', undefined, 'undefined'],
    ['a symbol', Symbol('odd'), 'Symbol(odd)'],
    ['a function', function refuse() {}, '[function refuse]'],
    ['a plain object', { id: 7n, kind: 'soldOut' }, '{ kind: "soldOut", id: 7n }'],
    [
      'one with a message',
      { kind: 'soldOut', message: 'no more' },
      '{ kind: "soldOut", message: "no more" }'
    ],
    ['one without a prototype', Object.assign(Object.create(null), { kind: 'bare' }), '{ kind: "bare" }'],
    ['one with an error in it', { kind: 'io', error: new Error('no') }, '{ kind: "io", error: Error: no }'],
    ['one with a list', { kind: 'many', of: [1, 'b', [null]] }, '{ kind: "many", of: [1, "b", [null]] }'],
    ['one of a class', new Refusal(), 'Refusal { kind: "refused" }'],
    ['one that can say what it is', new Spoken(), 'in its own words'],
    ['one with a getter that throws', throwing, '{ kind: "odd", other: (unreadable) }'],
    ['bytes', new Uint8Array(1000), 'Uint8Array(1000)'],
    ['what cannot be looked at', revoked(), 'something that has no text']
  ])('is short and readable: %s', (_, thrown, message) => {
    expect(messageOf(thrown)).toBe(message)
  })

  it('keeps the name of an error where the text of it is asked for', () => {
    expect(textOf(new RangeError('too far'))).toBe('RangeError: too far')
  })

  it.each<[string, unknown]>([
    ['long texts', { kind: 'long', text: 'x'.repeat(100_000) }],
    ['many fields', Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`field${n}`, n]))],
    ['long lists', { items: new Array(1_000_000).fill('item') }],
    ['itself', circle]
  ])('is bounded for an object with %s', (_, thrown) => {
    expect(messageOf(thrown).length).toBeLessThanOrEqual(401)
  })
})

describe('a plain object as an error', () => {
  const soldOut = { kind: 'soldOut', item: 'lamp' }
  const text = '{ kind: "soldOut", item: "lamp" }'
  const refuse = (): never => {
    throw soldOut
  }

  it('is told by a request whose provider throws it', async () => {
    const { requests } = newRequests()
    requests.provide(Length, refuse)
    const error = (await requests.request(Length, 'hello'))._unsafeUnwrapErr()
    expect(error.message).toBe(`the provider of "${Length.name}" failed: ${text}`)
  })

  it('is told by a teardown, thrown or answered', async () => {
    const broker = new MultiRequestBroker(new BrokerHub(), BrokerContext.create('app'))
    joinTeardown(broker, 'thrower', refuse)
    joinTeardown(broker, 'refuser', () => err(soldOut))
    const { failed } = await tearDown(broker)
    expect(failed.map(({ message }) => message)).toEqual([text, text])
  })

  it('is told by an instance that could not be made', async () => {
    const Shop = defineInterface('shop', { requests: {} })
    const error = (await createInstance(Shop, refuse))._unsafeUnwrapErr()
    expect(error.message).toMatch(text)
  })
})
