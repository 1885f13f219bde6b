/** Owns what the observers of this package take, and how they are stopped. */
import {
  type Attributes,
  type Meter,
  type MeterProvider,
  metrics,
  type Tracer,
  type TracerProvider,
  trace
} from '@opentelemetry/api'

/** Where to report to, and what to add. */
export interface ObserverOptions {
  /** Where metrics go; `false` for none. Default: the global one, as it is registered when this is called. */
  readonly meterProvider?: MeterProvider | false | undefined
  /** Where spans go; `false` for none, and then nothing is added to the requests either. Default: the global one. */
  readonly tracerProvider?: TracerProvider | false | undefined
  /** Added to every measurement and span. */
  readonly attributes?: Attributes | undefined
}

/** An observation that goes on until it is stopped. */
export interface Observation {
  /** Observes nothing from now on; what has begun is not reported. Repeating it is harmless. */
  stop(): void
  [Symbol.dispose](): void
}

/** The scope under which everything is reported. */
const SCOPE = 'persistency'

export function meterOf({ meterProvider }: ObserverOptions): Meter | undefined {
  return meterProvider === false ? undefined : (meterProvider ?? metrics.getMeterProvider()).getMeter(SCOPE)
}

export function tracerOf({ tracerProvider }: ObserverOptions): Tracer | undefined {
  return tracerProvider === false ? undefined : (tracerProvider ?? trace.getTracerProvider()).getTracer(SCOPE)
}

export function observation(endings: readonly (() => void)[]): Observation {
  const stop = (): void => {
    for (const end of endings) end()
  }
  return { stop, [Symbol.dispose]: stop }
}
