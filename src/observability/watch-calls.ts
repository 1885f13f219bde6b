/** Owns following calls on a tracing channel from their start to their end: a span and a duration for each. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  type Attributes,
  type Histogram,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer
} from '@opentelemetry/api'
import { messageOf } from '../runtime/message-of.js'
import { traceparentOf } from './traceparent.js'

/** What the messages of all tracing channels have in common. */
interface CallTrace {
  readonly kind?: string
  traceparent?: string | undefined
  error?: unknown
}

/** A call as it is reported. */
export interface CallReport {
  readonly spanName: string
  readonly spanAttributes: Attributes
  readonly metricAttributes: Attributes
}

export interface CallWatch<Trace> {
  /** The tracing channel, such as `persistency:request`. */
  readonly channel: string
  readonly tracer: Tracer | undefined
  /** In seconds. */
  readonly durations: Histogram | undefined
  /** How a call is reported; `undefined` when it is none of ours. Runs as the call begins. */
  report(trace: Trace): CallReport | undefined
  /** What sort of failure it was, for `error.type`. */
  errorType(trace: Trace): string
  /** What is known of a call in the end. */
  endAttributes?(trace: Trace, seconds: number): Attributes
}

interface OpenCall {
  readonly report: CallReport
  readonly span: Span | undefined
  readonly startedMs: number
}

/** Reports calls until the function that it answers is called. */
export function watchCalls<Trace extends CallTrace>(watch: CallWatch<Trace>): () => void {
  const { channel, tracer, durations } = watch
  if (tracer === undefined && durations === undefined) return () => {}
  const open = new WeakMap<object, OpenCall>()

  const begin = (message: unknown): void => {
    const trace = message as Trace
    const report = watch.report(trace)
    if (report === undefined) return
    const { spanName, spanAttributes: attributes } = report
    const span = tracer?.startSpan(spanName, { kind: SpanKind.CLIENT, attributes })
    // On the way to a provider; a message that goes to none has no place for it.
    if (span !== undefined && 'traceparent' in trace) trace.traceparent ??= traceparentOf(span.spanContext())
    open.set(trace, { report, span, startedMs: performance.now() })
  }

  const finish = (message: unknown): void => {
    const trace = message as Trace
    const call = open.get(trace)
    if (call === undefined) return
    open.delete(trace)
    const seconds = (performance.now() - call.startedMs) / 1000
    const failed = 'error' in trace
    const type = failed ? { 'error.type': watch.errorType(trace) } : {}
    durations?.record(seconds, { ...call.report.metricAttributes, ...type })
    if (call.span === undefined) return
    call.span.setAttributes({ ...type, ...watch.endAttributes?.(trace, seconds) })
    if (failed) call.span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(trace.error) })
    call.span.end()
  }

  const ended = (message: unknown): void => {
    if ((message as Trace).kind === 'requestSync') finish(message)
  }

  const handlers = { start: begin, asyncStart: finish, end: ended }
  for (const [event, handler] of Object.entries(handlers)) subscribe(`tracing:${channel}:${event}`, handler)
  return () => {
    for (const [event, handler] of Object.entries(handlers))
      unsubscribe(`tracing:${channel}:${event}`, handler)
  }
}
