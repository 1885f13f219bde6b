/** Owns the declarations of messages. A message is identified by its kind and name, never by the object declared here. */
import type { WireCodec } from '../bytes/wire-codec.js'
import { textOf } from '../runtime/message-of.js'
import { checkOptionNames } from './check-options.js'

/** Carries types only; no value of this exists at run time. */
declare const TYPES: unique symbol

/** Declares an event: many emitters, many listeners, no answer. See {@link defineEvent}. */
export interface EventDefinition<Payload> {
  readonly kind: 'event'
  readonly name: string
  /** How the payload crosses threads; structured clone when absent. */
  readonly codec: WireCodec<Payload> | undefined
  [TYPES]?(payload: Payload): Payload
}

/** How the parts of a request cross threads; each part falls back to structured clone. */
export interface RequestCodecs<Payload, Response, Failure> {
  readonly payload?: WireCodec<Payload> | undefined
  readonly response?: WireCodec<Response> | undefined
  readonly error?: WireCodec<Failure> | undefined
}

/** Declares a request: many callers, one provider per context, one typed answer. See {@link defineRequest}. */
export interface RequestDefinition<Payload, Response, Failure = never> {
  readonly kind: 'request'
  readonly name: string
  /** Whether the provider answers without a promise, so that `requestSync` may be used on the same thread. */
  readonly sync: boolean
  /** Default time limit of a call in milliseconds. */
  readonly timeoutMs: number
  readonly codec: RequestCodecs<Payload, Response, Failure>
  /** See {@link untraced}. @internal */
  readonly untraced?: true
  [TYPES]?(payload: Payload): { response: Response; failure: Failure }
}

/** A request whose providers are synchronous. */
export interface SyncRequestDefinition<Payload, Response, Failure = never>
  extends RequestDefinition<Payload, Response, Failure> {
  readonly sync: true
}

/** What a request may be declared with. */
export interface RequestDefinitionOptions<Payload, Response, Failure> {
  /** `true`: providers answer without a promise, and `requestSync` is allowed. Default `false`. */
  readonly sync?: boolean | undefined
  /** Default time limit of a call in milliseconds; `Infinity` for none. Default 5000. */
  readonly timeoutMs?: number | undefined
  /** How payload, response and error cross threads: a codec for each, where events and signals have one. */
  readonly codec?: RequestCodecs<Payload, Response, Failure> | undefined
}

/** Declares a request that every provider of a context answers. See {@link defineMultiRequest}. */
export interface MultiRequestDefinition<Payload, Response, Failure = never> {
  readonly kind: 'multiRequest'
  readonly name: string
  /** Default time limit of a call, for each provider, in milliseconds. */
  readonly timeoutMs: number
  readonly codec: RequestCodecs<Payload, Response, Failure>
  [TYPES]?(payload: Payload): { response: Response; failure: Failure }
}

/** Declares a signal: many signallers, one handler per context, accepted or refused, no answer. See {@link defineSignal}. */
export interface SignalDefinition<Payload> {
  readonly kind: 'signal'
  readonly name: string
  /** How many accepted signals may wait for the handler. */
  readonly queueDepth: number
  readonly codec: WireCodec<Payload> | undefined
  [TYPES]?(payload: Payload): Payload
}

/** How many signals may wait for their handler by default. */
export const DEFAULT_QUEUE_DEPTH = 256

/** How long a request waits for its answer by default, in milliseconds. */
export const DEFAULT_TIMEOUT_MS = 5000

/**
 * Declares an event.
 *
 * @param name stable and unique among the events of the program; it is what both threads agree on
 * @param options `codec`: how the payload is laid out when it crosses threads
 * @throws TypeError when the name is not a non-empty, well-formed string, or an option has an unknown name
 * @example const Greeting = defineEvent<{ text: string }>('greeting')
 */
export function defineEvent<Payload = void>(
  name: string,
  options: { readonly codec?: WireCodec<Payload> | undefined } = {}
): EventDefinition<Payload> {
  checkName(name)
  checkOptionNames(options, ['codec'], 'an event')
  return Object.freeze({ kind: 'event' as const, name, codec: options.codec })
}

/**
 * Declares a request: its payload, its response, and the error its provider may answer with.
 *
 * @throws TypeError when the name is not a non-empty, well-formed string, or an option has an unknown name, RangeError when
 *   the time limit is no positive number
 * @example const Weather = defineRequest<{ city: string }, { tempC: number }, WeatherError>('weather')
 */
export function defineRequest<Payload, Response, Failure = never>(
  name: string,
  options: RequestDefinitionOptions<Payload, Response, Failure> & { readonly sync: true }
): SyncRequestDefinition<Payload, Response, Failure>
export function defineRequest<Payload, Response, Failure = never>(
  name: string,
  options?: RequestDefinitionOptions<Payload, Response, Failure>
): RequestDefinition<Payload, Response, Failure>
export function defineRequest<Payload, Response, Failure = never>(
  name: string,
  options: RequestDefinitionOptions<Payload, Response, Failure> = {}
): RequestDefinition<Payload, Response, Failure> {
  checkName(name)
  checkOptionNames(options, ['timeoutMs', 'sync', 'codec'], 'a request')
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  checkTimeout(timeoutMs)
  return Object.freeze({
    kind: 'request' as const,
    name,
    sync: options.sync ?? false,
    timeoutMs,
    codec: codecsOf(options.codec)
  })
}

/** A codec of events and signals, given to a request as it is, would be the codec of nothing. */
function codecsOf<Payload, Response, Failure>(
  codec: RequestCodecs<Payload, Response, Failure> | undefined
): RequestCodecs<Payload, Response, Failure> {
  const codecs = codec ?? {}
  if (isCodec(codecs)) {
    throw new TypeError(
      'the codec of a request is { payload?, response?, error? }, a codec for each; got a codec: write { payload: codec }'
    )
  }
  checkOptionNames(codecs, ['payload', 'response', 'error'], 'the codec of a request')
  return Object.freeze({ ...codecs })
}

function isCodec(value: object): boolean {
  const { write, read } = value as Partial<WireCodec<unknown>>
  return typeof write === 'function' && typeof read === 'function'
}

/** The same request, hidden from the tracing channel: for calls that no caller of the application makes. @internal */
export function untraced<Payload, Response, Failure>(
  request: RequestDefinition<Payload, Response, Failure>
): RequestDefinition<Payload, Response, Failure> {
  return Object.freeze({ ...request, untraced: true as const })
}

/**
 * Declares a request that every provider of a context answers.
 *
 * @throws TypeError when the name is not a non-empty, well-formed string, or an option has an unknown name, RangeError when
 *   the time limit is no positive number
 * @example const Health = defineMultiRequest<void, { part: string; ok: boolean }>('health')
 */
export function defineMultiRequest<Payload, Response, Failure = never>(
  name: string,
  options: Omit<RequestDefinitionOptions<Payload, Response, Failure>, 'sync'> = {}
): MultiRequestDefinition<Payload, Response, Failure> {
  checkName(name)
  checkOptionNames(options, ['timeoutMs', 'codec'], 'a multi-request')
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  checkTimeout(timeoutMs)
  return Object.freeze({
    kind: 'multiRequest' as const,
    name,
    timeoutMs,
    codec: codecsOf(options.codec)
  })
}

/**
 * Declares a signal. Without a payload type it is a bare pulse.
 *
 * @param options `queueDepth`: how many accepted signals may wait for the handler, default 256; `codec`: how the
 *   payload is laid out when it crosses threads
 * @throws TypeError when the name is not a non-empty, well-formed string, or an option has an unknown name, RangeError when
 *   the depth is no positive integer
 * @example const Wake = defineSignal('wake')
 */
export function defineSignal<Payload = void>(
  name: string,
  options: { readonly queueDepth?: number | undefined; readonly codec?: WireCodec<Payload> | undefined } = {}
): SignalDefinition<Payload> {
  checkName(name)
  checkOptionNames(options, ['queueDepth', 'codec'], 'a signal')
  const queueDepth = options.queueDepth ?? DEFAULT_QUEUE_DEPTH
  if (!Number.isSafeInteger(queueDepth) || queueDepth < 1) {
    throw new RangeError(`queueDepth must be a positive integer; got ${textOf(queueDepth)}`)
  }
  return Object.freeze({ kind: 'signal' as const, name, queueDepth, codec: options.codec })
}

/** Refuses a time limit that is no positive number of milliseconds. */
export function checkTimeout(timeoutMs: number): void {
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0)) {
    throw new RangeError(
      `timeoutMs must be a positive number of milliseconds, or Infinity for none; got ${textOf(timeoutMs)}`
    )
  }
}

/** Refuses a name that is no non-empty, well-formed string. */
export function checkName(name: string, what = 'a message'): void {
  // A lone surrogate does not arrive on other threads.
  if (typeof name !== 'string' || name === '' || !name.isWellFormed()) {
    throw new TypeError(`${what} needs a non-empty, well-formed string as its name; got ${textOf(name)}`)
  }
}
