/** Owns one request in flight: its answer, its time limit and its cancellation. It settles exactly once. */

import { setMaxListeners } from 'node:events'
import { err, ok, type Result } from 'neverthrow'
import type { BrokerContext } from './context.js'
import type { DeadlineEntry, Deadlines } from './deadlines.js'
import { BrokerError } from './errors.js'
import type { CancelSignal } from './platform.js'
import type { Call, CancelListener } from './provider.js'

/** What a call may say about its own patience. */
export interface RequestOptions {
  /** Time limit in milliseconds; `Infinity` for none. Default: what the definition says. */
  readonly timeoutMs?: number | undefined
  /** Gives up when it fires: the caller gets `aborted`, the provider's signal fires. */
  readonly signal?: CancelSignal | undefined
}

export class PendingCall implements Call, DeadlineEntry {
  readonly context: BrokerContext
  /** Set before the call is handed to a provider, when somebody traces it. */
  traceparent: string | undefined = undefined
  readonly #request: string
  readonly #deadlines: Deadlines
  readonly #settle: (result: Result<unknown, unknown>) => void
  #timeoutMs = 0
  #settled = false
  #gaveUp: BrokerError | undefined
  #callerSignal: CancelSignal | undefined
  #cancelListener: CancelListener | undefined
  #controller: AbortController | undefined
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
        this.reject(this.#abortError(signal))
        return false
      }
      this.#callerSignal = signal
      allowManyListeners(signal)
      signal.addEventListener('abort', this)
    }
    this.#timeoutMs = timeoutMs
    this.#deadlines.add(this, timeoutMs)
    return true
  }

  get signal(): CancelSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#gaveUp !== undefined) this.#controller.abort(this.#gaveUp)
    }
    return this.#controller.signal
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
    this.#giveUp(new BrokerError('timeout', message))
  }

  /** The caller's signal fired; the call is its own listener, to spare a closure per call. */
  handleEvent(): void {
    if (this.#callerSignal !== undefined) this.#giveUp(this.#abortError(this.#callerSignal))
  }

  #giveUp(error: BrokerError): void {
    if (this.#settled) return
    this.#gaveUp = error
    this.reject(error)
    this.#cancelListener?.cancelled()
    // The timer may have been set by a call of another context, and must not hand that one on.
    const controller = this.#controller
    if (controller !== undefined) this.context.run(() => controller.abort(error))
  }

  #finish(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#deadlines.remove(this)
    this.#callerSignal?.removeEventListener('abort', this)
    return true
  }

  #abortError(signal: CancelSignal): BrokerError {
    return new BrokerError('aborted', `request "${this.#request}" was aborted by its caller`, {
      cause: signal.reason
    })
  }
}

function allowManyListeners(signal: CancelSignal): void {
  try {
    setMaxListeners(0, signal)
  } catch {
    // A signal of another make does not count its listeners.
  }
}
