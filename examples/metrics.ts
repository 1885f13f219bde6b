// Metrics and spans through OpenTelemetry, and the diagnostics channels underneath, which need no package at all.
import { subscribe } from 'node:diagnostics_channel'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { type CommitNews, key, Persistency, unwrap } from 'persistency'
import { observe } from 'persistency/observability'

// An application sends these somewhere; the example keeps them.
const spans = new InMemorySpanExporter()
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
const meterProvider = new MeterProvider({
  readers: [new PeriodicExportingMetricReader({ exporter: measured })]
})

const persistency = unwrap(Persistency.open(':memory:'))
const observing = observe(persistency, { meterProvider, tracerProvider })

subscribe('persistency:commit', (message) => {
  const { jobId, ops } = message as CommitNews
  console.log(`channel: ${ops} operations of job ${jobId} are committed`)
})

const job = await unwrap(persistency.openJob('north'))
const put = (n: number) => ({
  kind: 'put' as const,
  category: 'readings',
  key: key(n),
  payload: new Uint8Array(8)
})
await job.persistAcked([put(1), put(2), put(3)])
await job.get('readings', key(2))

for (const { name, attributes } of spans.getFinishedSpans()) {
  console.log(`span: ${name}, of ${attributes['db.namespace']}`)
}

await meterProvider.forceFlush()
for (const { descriptor, dataPoints } of measured.getMetrics()[0]?.scopeMetrics[0]?.metrics ?? []) {
  for (const { value } of dataPoints) {
    const shown = typeof value === 'number' ? value : `${value.count} measured`
    console.log(`metric: ${descriptor.name} = ${shown} ${descriptor.unit}`)
  }
}

observing.stop()
await persistency.close()
await meterProvider.shutdown()
