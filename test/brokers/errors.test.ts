import { expect, it } from '@jest/globals'
import { BrokerError } from 'persistency/brokers'
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../dist/bytes/byte-writer.js'
import { brokerErrorCodec } from '../../dist/threads/link/error-codecs.js'

const json = (error: BrokerError): unknown => JSON.parse(JSON.stringify({ error })).error

it('an error of the framework has its message in JSON', () => {
  expect(json(new BrokerError('noProvider', 'nobody is there'))).toEqual({
    name: 'BrokerError',
    kind: 'noProvider',
    message: 'nobody is there'
  })
})

it.each([
  ['an error', new RangeError('too far'), 'RangeError: too far'],
  ['a plain object', { kind: 'soldOut', item: 'lamp' }, '{ kind: "soldOut", item: "lamp" }'],
  ['what JSON has no words for', 10n, '10n'],
  ['nothing', null, 'null']
])('its cause is there as text: %s', (_, cause, text) => {
  expect(json(new BrokerError('providerFailed', 'it failed', { cause }))).toMatchObject({ cause: text })
})

it('a cause that goes round in a circle, or cannot be read, does no harm', () => {
  const round: Record<string, unknown> = { kind: 'round' }
  round['self'] = round
  const unreadable = Object.defineProperty({}, 'secret', {
    enumerable: true,
    get() {
      throw new Error('no')
    }
  })
  for (const cause of [round, unreadable]) {
    const error = new BrokerError('providerFailed', 'it failed', { cause })
    expect(json(error)).toMatchObject({ message: 'it failed', cause: expect.any(String) })
  }
})

it('another thread gets the error itself, with its cause as it was', () => {
  const writer = new ByteWriter()
  const error = new BrokerError('providerFailed', 'it failed', { cause: { item: 'lamp' } })
  brokerErrorCodec.write(writer, error)
  const arrived = brokerErrorCodec.read(new ByteReader(writer.take()))
  expect(arrived).toBeInstanceOf(BrokerError)
  expect(arrived).toMatchObject({ kind: 'providerFailed', message: 'it failed', cause: { item: 'lamp' } })
})
