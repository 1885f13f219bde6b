/** Owns one request in flight: its answer, its time limit and its cancellation. It settles exactly once. */
import { AsyncResource } from 'node:async_hooks'
import { err, ok, type Result } from 'neverthrow'
import { addAbortListener, isCancelSignal, reasonOf, removeAbortListener } from '../runtime/cancel-signals.js'
import type { DeadlineEntry, Deadlines } from '../runtime/deadlines.js'
import { textOf } from '../runtime/message-of.js'
import type { CancelSignal } from '../runtime/platform.js'
import { withoutStack } from '../runtime/without-stack.js'
import { checkOptionNames } from './check-options.js'
import type { BrokerContext } from './context.js'
import { checkTimeout } from './definitions.js'
import { BrokerError } from './errors.js'
import type { Call, CancelListener } from './provider.js'

/** How long a call waits. */
export interface RequestOptions {
  /** Time limit in milliseconds; `Infinity` for none. Default: what the definition says. */
  readonly timeoutMs?: number | undefined
  /** Gives up when it fires: the caller gets `aborted`, the provider's signal fires. */
  readonly signal?: CancelSignal | undefined
}

/**
 * @throws RangeError when `timeoutMs` is no positive number, TypeError when `signal` is no `AbortSignal`, and for options of
 *   which none is known
 */
export function checkPatience(options: RequestOptions): void {
  const { timeoutMs, signal } = options
  // Looked at only where they give nothing, as a signal in their place: names cost more than a call should.
  if (timeoutMs === undefined && signal === undefined) checkOptionNames(options, CALL_OPTIONS, 'a call')
  if (timeoutMs !== undefined) checkTimeout(timeoutMs)
  if (signal !== undefined && !isCancelSignal(signal)) {
    throw new TypeError(`signal must be an AbortSignal; got ${textOf(signal)}`)
  }
}

const CALL_OPTIONS = ['timeoutMs', 'signal'] as const

export class PendingCall implements Call, DeadlineEntry {
  readonly context: BrokerContext
  /** Set before the call is handed to a provider, when a subscriber of the tracing channel gave one. */
  traceparent: string | undefined = undefined
  readonly #request: string
  readonly #deadlines: Deadlines
  readonly #settle: (result: Result<unknown, unknown>) => void
  #timeoutMs = 0
  #settled = false
  #gaveUp: BrokerError | undefined
  #callerSignal: CancelSignal | undefined
  #cancelListener: CancelListener | undefined
  #abort: ScopedAbort | undefined
  // The node of the deadline list lives in the call itself, to spare an object per call.
  deadline = 0
  deadlineList: DeadlineEntry['deadlineList'] = undefined
  next: DeadlineEntry | undefined = undefined
  previous: DeadlineEntry | undefined = undefined

  constructor(
    context: BrokerContext,
    request: string,
    deadlines: Deadlines,
    settle: (result: Result<unknown, unknown>) => void
  ) {
    this.context = context
    this.#request = request
    this.#deadlines = deadlines
    this.#settle = settle
  }

  /** Starts the clock and watches the caller's signal; `false` when that has fired already. */
  start(timeoutMs: number, signal: CancelSignal | undefined): boolean {
    if (signal !== undefined) {
      if (signal.aborted) {
        this.reject(this.#aborted(reasonOf(signal)))
        return false
      }
      this.#callerSignal = signal
      addAbortListener(signal, this)
      if (this.#settled) return false
    }
    this.#timeoutMs = timeoutMs
    this.#deadlines.add(this, timeoutMs)
    return true
  }

  get signal(): CancelSignal {
    if (this.#abort === undefined) {
      this.#abort = new ScopedAbort()
      if (this.#gaveUp !== undefined) this.#abort.abort(this.#gaveUp)
    }
    return this.#abort.signal
  }

  onCancel(listener: CancelListener): void {
    this.#cancelListener = listener
  }

  resolve(response: unknown): void {
    if (this.#finish()) this.#settle(ok(response))
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#settle(err(error))
  }

  expire(): void {
    const message = `request "${this.#request}" got no answer within ${this.#timeoutMs} ms in context ${this.context.toString()}`
    this.#giveUp(withoutStack(() => new BrokerError('timeout', message)))
  }

  /** The caller's signal fired; the call is its own listener, to spare a closure per call. */
  handleEvent(): void {
    const signal = this.#callerSignal
    if (signal === undefined) return
    const cause = reasonOf(signal)
    this.#giveUp(withoutStack(() => this.#aborted(cause)))
  }

  #giveUp(error: BrokerError): void {
    if (this.#settled) return
    this.#gaveUp = error
    this.reject(error)
    this.#cancelListener?.cancelled()
    this.#abort?.abort(error)
  }

  #finish(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#deadlines.remove(this)
    removeAbortListener(this.#callerSignal, this)
    return true
  }

  #aborted(cause: unknown): BrokerError {
    return new BrokerError('aborted', `request "${this.#request}" was aborted by its caller`, { cause })
  }
}

/** An abort signal whose listeners run in the async context in which the signal was asked for. */
class ScopedAbort {
  readonly #controller = new AbortController()
  readonly #scope = new AsyncResource('PersistencyCall')

  get signal(): CancelSignal {
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#scope.runInAsyncScope(() => this.#controller.abort(reason))
  }
}
