/** The real SDK of OpenTelemetry, which keeps what it is told in memory. */
import { afterEach } from '@jest/globals'
import type { Attributes } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor
} from '@opentelemetry/sdk-trace-base'

/** One series of a metric. A histogram counts its measurements, and sums them up. */
export interface Series {
  readonly unit: string
  readonly attributes: Attributes
  readonly value: number
  readonly count: number | undefined
}

/** Call it at the top of a test file: providers of its own for each test. */
export function useTelemetry() {
  const endings: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const end of endings.splice(0)) await end()
  })

  return () => {
    const spanExporter = new InMemorySpanExporter()
    const tracerProvider = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(spanExporter)]
    })
    const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({
      exporter: metricExporter,
      exportIntervalMillis: 2 ** 31 - 1
    })
    const meterProvider = new MeterProvider({ readers: [reader] })
    endings.push(
      () => meterProvider.shutdown(),
      () => tracerProvider.shutdown()
    )

    /** All series as they stand, by the name of their metric. */
    const metrics = async (): Promise<Record<string, Series[]>> => {
      metricExporter.reset()
      await meterProvider.forceFlush()
      const all =
        metricExporter
          .getMetrics()
          .at(-1)
          ?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? []
      return Object.fromEntries(
        all.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ attributes, value }) => seriesOf(descriptor.unit, attributes, value))
        ])
      )
    }

    return {
      tracerProvider,
      meterProvider,
      metrics,
      spans: (): ReadableSpan[] => spanExporter.getFinishedSpans()
    }
  }
}

function seriesOf(unit: string, attributes: Attributes, value: unknown): Series {
  if (typeof value === 'number') return { unit, attributes, value, count: undefined }
  const { sum = 0, count } = value as { readonly sum?: number; readonly count: number }
  return { unit, attributes, value: sum, count }
}
