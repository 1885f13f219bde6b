/** 'persistency/observability': metrics and spans through OpenTelemetry. Needs `@opentelemetry/api`. */
/// <reference lib="esnext.disposable" preserve="true" />

export { observe } from './observe.js'
export { observeBrokers } from './observe-brokers.js'
export type { Observation, ObserverOptions } from './options.js'
export type { ObserveOptions } from './storage-attributes.js'
export { traceContextOf } from './traceparent.js'
