import { expect, it } from '@jest/globals'
import { err } from 'neverthrow'
import { BrokerContext, BrokerHub, defineRequest, PersistencyError, RequestBroker } from 'persistency'
import { observeBrokers } from 'persistency/observability'
import { useTelemetry } from '../support/telemetry.js'

const telemetry = useTelemetry()

class UnknownCity extends Error {}

const named = (name: unknown): Error => Object.assign(new TypeError('x'), { name })
const nameless = new (class extends Error {})()

it.each([
  ['an error of a class', new UnknownCity('Oz'), 'UnknownCity'],
  ['one of the platform', new RangeError('x'), 'RangeError'],
  ['one whose name is made from input', named('HTTP 404: /users/7'), 'TypeError'],
  ['one without a name', named(undefined), 'TypeError'],
  ['one of a class without a name', nameless, '_OTHER'],
  ['one without a class', Object.assign(new Error('x'), { constructor: undefined }), '_OTHER'],
  [
    'one that says that its class is something else',
    Object.assign(new Error('x'), { constructor: { name: 'a b' } }),
    '_OTHER'
  ],
  ['an error of the storage', new PersistencyError('ERR_KEY', 'x'), 'ERR_KEY'],
  ['what is no error', { name: 'NoError' }, '_OTHER'],
  ['nothing', undefined, '_OTHER']
])('error.type of %s is a name that the program gave', async (_, error, expected) => {
  const Fail = defineRequest<void, void, unknown>('error-type.fail')
  const requests = new RequestBroker(new BrokerHub(), BrokerContext.create())
  requests.provide(Fail, () => err(error))
  const { tracerProvider, meterProvider, metrics, spans } = telemetry()
  using _observing = observeBrokers({ tracerProvider, meterProvider })
  await requests.request(Fail)
  const [series] = (await metrics())['persistency.request.duration'] ?? []
  expect(series?.attributes['error.type']).toBe(expected)
  expect(spans()[0]?.attributes['error.type']).toBe(expected)
})
