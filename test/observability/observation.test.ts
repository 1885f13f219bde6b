import { hasSubscribers } from 'node:diagnostics_channel'
import { expect, test } from '@jest/globals'
import { err } from 'neverthrow'
import {
  BrokerContext,
  BrokerHub,
  defineMultiRequest,
  EventBroker,
  JobRestarted,
  MultiRequestBroker
} from 'persistency'
import { observe, observeBrokers } from 'persistency/observability'
import { useStorage } from '../support/storage-folder.js'
import { useWorkers } from '../support/storage-process.js'
import { okOf } from '../support/storage-results.js'
import { useTelemetry } from '../support/telemetry.js'

const storage = useStorage()
const workers = useWorkers()
const telemetry = useTelemetry()

const watched = (): boolean[] =>
  ['persistency:commit', 'tracing:persistency:request:start'].map((name) => hasSubscribers(name))

test('an observation ends with the block that uses it', async () => {
  const persistency = storage.owner()
  {
    using _brokers = observeBrokers({ ...telemetry(), meterProvider: false })
    expect(watched()).toEqual([false, true])
    using _jobs = observe(persistency, telemetry())
    expect(watched()).toEqual([true, true])
  }
  expect(watched()).toEqual([false, false])
})

test('a job that is restarted is a transition, with what its storage died of', async () => {
  const { job, persistency } = await storage.open({ restart: true })
  const { meterProvider, metrics } = telemetry()
  using _observing = observe(persistency, { meterProvider, tracerProvider: false })
  const restarted = new Promise((resolve) =>
    new EventBroker(undefined, job.context).listen(JobRestarted, resolve)
  )
  await workers.killLast()
  await restarted
  await okOf(job.flush())
  const attributes = { 'persistency.job.state': 'restarted', 'error.type': 'ERR_STORAGE_DIED' }
  expect((await metrics())['persistency.job.transitions']).toMatchObject([{ attributes, value: 1 }])
})

test('a multi-request is measured by name and kind, a failure by what it is', async () => {
  const Health = defineMultiRequest<string, string, { reason: string }>('observation.health')
  const broker = new MultiRequestBroker(new BrokerHub(), BrokerContext.create('observed'))
  broker.provide(Health, (what) => (what === 'sick' ? err({ reason: 'flu' }) : 'fine'))
  broker.provide(Health, () => 'fine')
  const { meterProvider, tracerProvider, metrics, spans } = telemetry()
  using _observing = observeBrokers({ meterProvider, tracerProvider })
  expect((await broker.request(Health, 'well'))._unsafeUnwrap()).toEqual(['fine', 'fine'])
  expect((await broker.request(Health, 'sick')).isErr()).toBe(true)
  const attributes = {
    'persistency.request.name': 'observation.health',
    'persistency.request.kind': 'multiRequest'
  }
  expect((await metrics())['persistency.request.duration']).toEqual([
    { unit: 's', attributes, value: expect.any(Number), count: 1 },
    { unit: 's', attributes: { ...attributes, 'error.type': '_OTHER' }, value: expect.any(Number), count: 1 }
  ])
  expect(spans().map(({ name }) => name)).toEqual(Array(2).fill('request observation.health'))
})
