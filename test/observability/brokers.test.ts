import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BrokerContext, BrokerHub, MultiRequestBroker, RequestBroker } from 'persistency/brokers'
import { type Observation, observeBrokers, traceContextOf } from 'persistency/observability'
import { startWorker, type WorkerHost } from 'persistency/threads'
import { AskBack, contract, Home, Where, WhereAll, Work } from '../fixtures/traced-worker.mjs'
import { Add, Divide, Length, newRequests } from '../support/requests.js'
import { useTelemetry } from '../support/telemetry.js'

const WORKER = new URL('../fixtures/traced-worker.mjs', import.meta.url)
const telemetry = useTelemetry()

let observing: Observation | undefined
afterEach(() => observing?.stop())

function observed() {
  const { tracerProvider, meterProvider, metrics, spans } = telemetry()
  observing = observeBrokers({ tracerProvider, meterProvider })
  return { metrics, spans, tracer: tracerProvider.getTracer('test') }
}

const traceparent = (traceId: string, spanId: string): string => `00-${traceId}-${spanId}-01`

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
})
afterAll(() => context.disable())

describe('requests on one thread', () => {
  it('are measured by name and kind, failures by what they are', async () => {
    const { requests } = newRequests()
    requests.provide(Divide, ({ a, b }) => {
      if (b === 0) throw new Error('by zero')
      return a / b
    })
    requests.provide(Add, ([a, b]) => a + b)
    const { metrics } = observed()
    await requests.request(Divide, { a: 1, b: 1 })
    await requests.request(Divide, { a: 1, b: 0 })
    await requests.request(Length, 'nobody')
    requests.requestSync(Add, [1, 2])
    const duration = (name: string, kind: string, error = {}) => ({
      unit: 's',
      attributes: { 'persistency.request.name': name, 'persistency.request.kind': kind, ...error },
      value: expect.any(Number),
      count: 1
    })
    expect((await metrics())['persistency.request.duration']).toEqual([
      duration('requests.divide', 'request'),
      duration('requests.divide', 'request', { 'error.type': 'providerFailed' }),
      duration('requests.length', 'request', { 'error.type': 'noProvider' }),
      duration('requests.add', 'requestSync')
    ])
  })

  it('are children of the active span, and have their provider go on from them', async () => {
    const { requests } = newRequests()
    const { spans, tracer } = observed()
    requests.provide(Length, (text, call) => {
      tracer.startSpan('count', {}, traceContextOf(call)).end()
      return text.length
    })
    await tracer.startActiveSpan('outer', async (outer) => {
      await requests.request(Length, 'four')
      outer.end()
    })
    const [count, request, outer] = spans()
    expect([count, request, outer].map((span) => span?.name)).toEqual([
      'count',
      'request requests.length',
      'outer'
    ])
    expect(request).toMatchObject({
      kind: SpanKind.CLIENT,
      status: { code: SpanStatusCode.UNSET },
      parentSpanContext: { spanId: outer?.spanContext().spanId },
      attributes: { 'persistency.context': 'requests' }
    })
    expect(count?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
    expect(count?.spanContext().traceId).toBe(outer?.spanContext().traceId)
  })
})

describe('requests to a worker and back', () => {
  const hub = new BrokerHub()
  const served = BrokerContext.create('traced')
  const requests = new RequestBroker(hub, served)
  let worker: WorkerHost

  beforeAll(async () => {
    requests.provide(Home, (_, call) => call.traceparent)
    worker = (await startWorker(WORKER, contract, { hub, context: served }))._unsafeUnwrap()
  })
  afterAll(() => worker.stop())

  it('take the place of their span along, and nothing when nobody observes', async () => {
    expect((await requests.request(Where))._unsafeUnwrap()).toBeUndefined()
    const { spans } = observed()
    const got = (await requests.request(Where))._unsafeUnwrap()
    const { traceId, spanId } = spans()[0]!.spanContext()
    expect(got).toBe(traceparent(traceId, spanId))
  })

  it('have a provider there continue the trace', async () => {
    const { spans } = observed()
    const [work] = (await requests.request(Work))._unsafeUnwrap()
    const { traceId, spanId } = spans()[0]!.spanContext()
    expect(work).toEqual({ name: 'work', traceId, parentSpanId: spanId, spanId: expect.any(String) })
  })

  it('have all providers of a multi-request there continue it', async () => {
    const { spans } = observed()
    const got = (await new MultiRequestBroker(hub, served).request(WhereAll))._unsafeUnwrap()
    const { traceId, spanId } = spans()[0]!.spanContext()
    expect(got).toEqual([traceparent(traceId, spanId), traceparent(traceId, spanId)])
  })

  it('carry the trace of a worker that observes its own to this thread', async () => {
    const { got, spans } = (await requests.request(AskBack))._unsafeUnwrap()
    expect(spans).toHaveLength(1)
    expect(spans[0]?.name).toBe('request traced.home')
    expect(got).toBe(traceparent(spans[0]!.traceId, spans[0]!.spanId))
  })
})

describe('traceContextOf', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const spanId = 'b7ad6b7169203331'

  it.each([
    `00-${traceId}-${spanId}-01`,
    `01-${traceId}-${spanId}-01`,
    `cc-${traceId}-${spanId}-01-what-a-later-version-says`
  ])('reads %s', (text) => {
    const found = trace.getSpanContext(traceContextOf({ traceparent: text }))
    expect(found).toEqual({ traceId, spanId, traceFlags: 1, isRemote: true })
  })

  it.each([
    undefined,
    '',
    'nonsense',
    `ff-${traceId}-${spanId}-01`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId.toUpperCase()}-${spanId}-01`
  ])('answers the active context for %s', (text) => {
    expect(traceContextOf({ traceparent: text })).toBe(context.active())
    expect(trace.getSpanContext(traceContextOf({ traceparent: text }))).toBeUndefined()
    expect(context.active()).toBe(ROOT_CONTEXT)
  })
})
