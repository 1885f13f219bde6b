/** Owns refusing what is no hub or no context where a broker is made: it would hear nothing, and nobody would hear it. */
import { textOf } from '../runtime/message-of.js'
import { type BrokerContext, isContext } from './context.js'
import { BrokerHub } from './hub.js'

/** By what is needed of it: the hub of a thread may be of another copy of this package. */
export function isHub(value: unknown): value is BrokerHub {
  if (value instanceof BrokerHub) return true
  const { emit, provide, turns } = (value ?? {}) as Partial<BrokerHub>
  return typeof emit === 'function' && typeof provide === 'function' && turns !== undefined
}

/**
 * The hub of a broker, by default that of this thread.
 *
 * @throws TypeError
 */
export function hubOf(hub: BrokerHub | null | undefined): BrokerHub {
  if (hub === undefined || hub === null) return BrokerHub.default
  if (isHub(hub)) return hub
  throw new TypeError(`the hub of a broker must be a BrokerHub; ${gotForHub(hub)}`)
}

/**
 * The context of a broker, if it has one of its own.
 *
 * @throws TypeError
 */
export function contextOf(context: BrokerContext | null | undefined): BrokerContext | undefined {
  if (context === undefined || context === null) return undefined
  checkContext(context)
  return context
}

/** @throws TypeError */
export function checkContext(context: unknown): asserts context is BrokerContext {
  if (isContext(context)) return
  throw new TypeError(`the context of a broker must be a BrokerContext; ${gotForContext(context)}`)
}

/** What was passed in place of a context, in words. */
export function gotForContext(value: unknown): string {
  const { context } = (value ?? {}) as { readonly context?: unknown }
  return isContext(context) ? `got ${ownerText(value)}: pass its .context` : `got ${textOf(value)}`
}

function gotForHub(value: unknown): string {
  if (isContext(value)) return 'got a context, which is the second argument'
  const { hub } = (value ?? {}) as { readonly hub?: unknown }
  return isHub(hub) ? `got ${ownerText(value)}: pass its .hub` : `got ${textOf(value)}`
}

/** Of a job, all its fields would say less than its class does. */
function ownerText(value: unknown): string {
  const name: unknown = (value as object).constructor?.name
  return typeof name === 'string' && name !== 'Object' ? `a ${name}` : 'an object'
}
