/** Owns the failures of the broker framework itself, as opposed to the errors that providers answer. */
import { textOf } from '../runtime/message-of.js'
import type { BrokerContext } from './context.js'

/**
 * Why the framework could not carry a message.
 *
 * - `noProvider`: the request has no provider in this context.
 * - `alreadyProvided`: the request has a provider already, which stays.
 * - `providerFailed`: the provider threw or rejected; see `cause`.
 * - `timeout`: no answer within the time of the call. A late answer is dropped.
 * - `aborted`: the caller's `AbortSignal` fired; `cause` is its reason.
 * - `notSendable`: a payload or an answer could not be turned into bytes for another thread; see `cause`.
 * - `disconnected`: the other thread has ended, or its link was closed.
 * - `startFailed`: a worker, or a context on a worker, could not be set up; see `cause`.
 * - `overloaded`: too many requests wait for the other thread.
 * - `noHandler`: the signal has no handler in this context.
 * - `alreadyHandled`: the signal has a handler already, which stays.
 * - `queueFull`: the handler of the signal is too far behind; the signal was not accepted.
 * - `noFactory`: the interface has no factory in this context.
 * - `factoryFailed`: the factory or the constructor of an interface failed; see `cause`.
 */
export type BrokerErrorKind =
  | 'noProvider'
  | 'alreadyProvided'
  | 'providerFailed'
  | 'timeout'
  | 'aborted'
  | 'notSendable'
  | 'disconnected'
  | 'startFailed'
  | 'overloaded'
  | 'noHandler'
  | 'alreadyHandled'
  | 'queueFull'
  | 'noFactory'
  | 'factoryFailed'

/** A `BrokerError` as plain data, for a log. */
export interface BrokerErrorData {
  readonly name: 'BrokerError'
  readonly kind: BrokerErrorKind
  readonly message: string
  /** Its text; absent where there is no cause. */
  readonly cause?: string
}

/** An expected failure of a broker call. It arrives as an `Err` value; brokers do not throw it. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
  /** Discriminates the failure; stable, unlike the message. */
  readonly kind: BrokerErrorKind

  constructor(kind: BrokerErrorKind, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.kind = kind
  }

  /** Whether a value is a `BrokerError` of any copy of this package. */
  static is(value: unknown): value is BrokerError {
    try {
      return value instanceof Error && value.name === 'BrokerError' && 'kind' in value
    } catch {
      // One whose name cannot even be read is none.
      return false
    }
  }

  override toString(): string {
    return `BrokerError(${this.kind}: ${this.message})`
  }

  /** What `JSON.stringify` makes of it: by itself it would leave out the message. Links have a codec of their own. */
  toJSON(): BrokerErrorData {
    const { name, kind, message, cause } = this
    return { name, kind, message, ...(cause !== undefined && { cause: textOf(cause) }) }
  }
}

export function noProvider(request: string, context: BrokerContext): BrokerError {
  return new BrokerError(
    'noProvider',
    `nobody provides request "${request}" in context ${context.toString()}`
  )
}

export function alreadyProvided(request: string, context: BrokerContext): BrokerError {
  const message = `request "${request}" has a provider already in context ${context.toString()}`
  return new BrokerError('alreadyProvided', message)
}

export function alreadyHandled(signal: string, context: BrokerContext): BrokerError {
  const message = `signal "${signal}" has a handler already in context ${context.toString()}`
  return new BrokerError('alreadyHandled', message)
}
