/** Owns the checks on how subscriptions are asked for. */
import { err, ok, type Result } from 'neverthrow'
import { coder } from '../checks/declarations.js'
import {
  abortSignal,
  booleanValue,
  checkName,
  checkOptions,
  integerFrom,
  nameText,
  oneOf,
  waitFrom
} from '../checks/options.js'
import { describeValue } from '../describe.js'
import { PersistencyError } from '../errors.js'
import { PROJECTION_PREFIX } from './subject.js'
import type { AnySubscriptionOptions, DeliveryOptions } from './types.js'

const RETRY_CHECKS = { attempts: integerFrom(1), delayMs: waitFrom(0), maxDelayMs: waitFrom(0) }
const DELIVERY_CHECKS = {
  retry: retryOption,
  onPoison: oneOf('park', 'stop'),
  pollMs: waitFrom(1),
  signal: abortSignal
}
const SUBSCRIPTION_CHECKS = {
  ...DELIVERY_CHECKS,
  batch: integerFrom(1),
  events: coder,
  startAt: startOption,
  stream: nameText,
  types: typesOption,
  writes: booleanValue
}

/** Errors: `ERR_OPTION`. */
export function checkSubscription(
  name: unknown,
  options: unknown
): Result<AnySubscriptionOptions, PersistencyError> {
  const wrong = checkOwnName(name, 'a subscription must have another name')
  if (wrong !== undefined) return err(wrong)
  return checkOptions<AnySubscriptionOptions>(options, SUBSCRIPTION_CHECKS).andThen((checked) => {
    if (checked.events === undefined || checked.writes !== true) return ok(checked)
    const message = 'option "events" reads events of your own: option "writes" does not go with it'
    return err(new PersistencyError('ERR_OPTION', message))
  })
}

/** Allows the names of subscriptions and of the checkpoints of projections. Errors: `ERR_OPTION`. */
export function checkSubscriptionName(name: unknown): PersistencyError | undefined {
  return checkName('the name of a subscription', name)
}

/** Errors: `ERR_OPTION`. */
export function checkMove(name: unknown, to: unknown): PersistencyError | undefined {
  // Its rows would miss events, or have them twice.
  const wrong = checkOwnName(name, 'a projection is rebuilt, not moved')
  if (wrong !== undefined) return wrong
  const expected = startOption(to)
  if (expected === undefined) return undefined
  const message = `a subscription can be moved to ${expected}; got ${describeValue(to)}`
  return new PersistencyError('ERR_OPTION', message)
}

/** Errors: `ERR_OPTION`. */
export function checkDelivery(options: unknown): Result<DeliveryOptions, PersistencyError> {
  return checkOptions(options, DELIVERY_CHECKS)
}

/** Allows the names of subscriptions that are no projections, for which there is a `remedy`. */
function checkOwnName(name: unknown, remedy: string): PersistencyError | undefined {
  const wrong = checkSubscriptionName(name)
  if (wrong !== undefined || !(name as string).startsWith(PROJECTION_PREFIX)) return wrong
  const message = `${JSON.stringify(name)} names the checkpoint of a projection; ${remedy}`
  return new PersistencyError('ERR_OPTION', message)
}

function retryOption(value: unknown): string | undefined {
  return checkOptions(value, RETRY_CHECKS).isOk()
    ? undefined
    : '{ attempts, delayMs, maxDelayMs } with whole numbers, attempts of at least 1 and waits that a timer can take'
}

function startOption(value: unknown): string | undefined {
  return oneOf('beginning', 'oldest', 'now')(value) === undefined || integerFrom(1)(value) === undefined
    ? undefined
    : '"beginning", "oldest", "now" or the sequence number of an event'
}

function typesOption(value: unknown): string | undefined {
  return Array.isArray(value) && value.every((type) => nameText(type) === undefined)
    ? undefined
    : 'an array of the types of events'
}
