/** Owns how a place in a trace is written down: the `traceparent` of W3C Trace Context. */
import { type Context, context, isSpanContextValid, type SpanContext, trace } from '@opentelemetry/api'

const FORM = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** The place of a span; `undefined` for one that belongs to no trace. */
export function traceparentOf(span: SpanContext): string | undefined {
  if (!isSpanContextValid(span)) return undefined
  const flags = (span.traceFlags & 0xff).toString(16).padStart(2, '0')
  return `00-${span.traceId}-${span.spanId}-${flags}`
}

/**
 * The OpenTelemetry context in which a call was made, wherever its caller lives: a span that is started in it is a child
 * of the caller's. Without a valid `traceparent` it is the active context. Works on any thread.
 *
 * @param call what a provider gets besides the payload
 * @example
 * unwrap(
 *   requests.provide(Resize, (image, call) =>
 *     tracer.startActiveSpan('resize', {}, traceContextOf(call), (span) => { ... })
 *   )
 * )
 */
export function traceContextOf(call: { readonly traceparent?: string | undefined }): Context {
  const active = context.active()
  const match = FORM.exec(call.traceparent ?? '')
  // Version 00 ends with the flags; a later one may say more.
  if (match === null || (match[1] === '00' && match[5] !== undefined)) return active
  const [, , traceId = '', spanId = '', flags = '00'] = match
  const caller = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return isSpanContextValid(caller) ? trace.setSpanContext(active, caller) : active
}
