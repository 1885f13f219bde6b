/** Owns the requests under way on a link: those sent and those received. */
import type { BrokerContext } from '../../brokers/context.js'
import type { Call, CancelListener } from '../../brokers/provider.js'
import type { CancelSignal } from '../../runtime/platform.js'
import type { Exchange } from './exchange.js'

/** Where answers go. */
export interface AnswerSink {
  /** @throws BrokerError `notSendable` when the response cannot be encoded; nothing is sent then. */
  response(call: number, exchange: Exchange, response: unknown): void
  failure(call: number, exchange: Exchange, error: unknown): void
}

/** A request that waits for the other thread. */
export class OutboundCall implements CancelListener {
  readonly id: number
  readonly call: Call
  readonly exchange: Exchange
  /** The number of the frame that it leaves in. */
  readonly frame: number
  readonly #onCancel: (id: number) => void

  constructor(id: number, call: Call, exchange: Exchange, frame: number, onCancel: (id: number) => void) {
    this.id = id
    this.call = call
    this.exchange = exchange
    this.frame = frame
    this.#onCancel = onCancel
    call.onCancel(this)
  }

  cancelled(): void {
    this.#onCancel(this.id)
  }
}

/** A request of the other thread, while a provider of this one works on it. */
export class InboundCall implements Call {
  readonly id: number
  readonly context: BrokerContext
  traceparent: string | undefined = undefined
  readonly exchange: Exchange
  readonly #outbox: AnswerSink
  readonly #onSettled: (id: number) => void
  #settled = false
  #cancelled = false
  #cancelListener: CancelListener | undefined
  #controller: AbortController | undefined

  constructor(
    id: number,
    context: BrokerContext,
    exchange: Exchange,
    outbox: AnswerSink,
    onSettled: (id: number) => void
  ) {
    this.id = id
    this.context = context
    this.exchange = exchange
    this.#outbox = outbox
    this.#onSettled = onSettled
  }

  get signal(): CancelSignal {
    this.#controller ??= new AbortController()
    if (this.#cancelled) this.#controller.abort()
    return this.#controller.signal
  }

  onCancel(listener: CancelListener): void {
    this.#cancelListener = listener
  }

  resolve(response: unknown): void {
    if (!this.#finish()) return
    try {
      this.#outbox.response(this.id, this.exchange, response)
    } catch (notSendable) {
      this.#outbox.failure(this.id, this.exchange, notSendable)
    }
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#outbox.failure(this.id, this.exchange, error)
  }

  /** The caller gave up: no answer is sent. */
  cancel(): void {
    if (!this.#finish()) return
    this.#cancelled = true
    this.#cancelListener?.cancelled()
    this.#controller?.abort()
  }

  #finish(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#onSettled(this.id)
    return true
  }
}
