/** Owns the requests under way on a link: those we sent and those we were sent. */
import type { BrokerContext } from '../brokers/context.js'
import type { RequestDefinition } from '../brokers/definitions.js'
import type { Call, CancelListener } from '../brokers/provider.js'
import type { Outbox } from './outbox.js'

export type AnyRequest = RequestDefinition<unknown, unknown, unknown>

/** A request that waits for the other thread. */
export class OutboundCall implements CancelListener {
  readonly id: number
  readonly call: Call
  readonly definition: AnyRequest
  readonly #onCancel: (id: number) => void

  constructor(id: number, call: Call, definition: AnyRequest, onCancel: (id: number) => void) {
    this.id = id
    this.call = call
    this.definition = definition
    this.#onCancel = onCancel
    call.onCancel(this)
  }

  cancelled(): void {
    this.#onCancel(this.id)
  }
}

/** A request of the other thread that a provider of this one works on. */
export class InboundCall implements Call {
  readonly id: number
  readonly context: BrokerContext
  readonly #definition: AnyRequest
  readonly #outbox: Outbox
  readonly #onSettled: (id: number) => void
  #settled = false
  #cancelled = false
  #cancelListener: CancelListener | undefined
  #controller: AbortController | undefined

  constructor(
    id: number,
    context: BrokerContext,
    definition: AnyRequest,
    outbox: Outbox,
    onSettled: (id: number) => void
  ) {
    this.id = id
    this.context = context
    this.#definition = definition
    this.#outbox = outbox
    this.#onSettled = onSettled
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#cancelled) this.#controller.abort()
    return this.#controller.signal
  }

  onCancel(listener: CancelListener): void {
    this.#cancelListener = listener
  }

  resolve(response: unknown): void {
    if (!this.#finish()) return
    const { name, codec } = this.#definition
    try {
      this.#outbox.response(this.id, name, codec.response, response)
    } catch (notSendable) {
      this.#outbox.failure(this.id, name, codec.error, notSendable)
    }
  }

  reject(error: unknown): void {
    if (this.#finish())
      this.#outbox.failure(this.id, this.#definition.name, this.#definition.codec.error, error)
  }

  /** The caller gave up: nobody waits for the answer. */
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
