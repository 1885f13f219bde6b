/** Owns checking objects of options: against the names and values that are known, each told in the words of its error. */
import { err, ok, type Result } from 'neverthrow'
import { isCancelSignal } from '../../runtime/cancel-signals.js'
import { LONGEST_TIMER_MS } from '../../runtime/deadlines.js'
import { describeValue } from '../describe.js'
import { PersistencyError, type PersistencyErrorCode } from '../errors.js'

/** Answers what a value must be, `undefined` when it is that. */
export type Check = (value: unknown) => string | undefined

/** Options with a value for each of them. */
export type Complete<Options> = {
  readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined>
}

/** The options that are given, and the defaults of the others. */
export function complete<Options extends object>(
  defaults: Complete<Options>,
  given: Options = {} as Options
): Complete<Options> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(entries) }
}

/**
 * Checks an object of options against the known names, each read once; options that are `undefined` count as not given,
 * and so does the object itself. `null` is no object of options. Errors: `ERR_OPTION`, naming the option, the value and
 * what is allowed.
 *
 * @param nested names of options that are objects or lists themselves, which are copied before they are checked
 */
export function checkOptions<Options>(
  options: unknown,
  checks: Readonly<Record<string, Check>>,
  nested: readonly string[] = []
): Result<Options, PersistencyError> {
  if (options === undefined) return ok({} as Options)
  if (typeof options !== 'object' || options === null || isNoOptionsObject(options)) {
    return err(new PersistencyError('ERR_OPTION', `options must be an object; got ${describeValue(options)}`))
  }
  try {
    return readOptions(options, checks, nested)
  } catch (cause) {
    return unreadable('ERR_OPTION', 'the options', cause)
  }
}

/** What a caller passes in cannot be read: a getter in there threw. */
export function unreadable(
  code: PersistencyErrorCode,
  what: string,
  cause: unknown
): Result<never, PersistencyError> {
  return err(new PersistencyError(code, `${what} could not be read: a getter in there threw`, { cause }))
}

/** A list, a map, or a signal in place of an object that holds one: what has no fields, and is no object of options. */
function isNoOptionsObject(options: object): boolean {
  try {
    return Object.keys(options).length === 0 && !isPlain(options)
  } catch {
    return false
  }
}

function readOptions<Options>(
  options: object,
  checks: Readonly<Record<string, Check>>,
  nested: readonly string[]
): Result<Options, PersistencyError> {
  const given: Record<string, unknown> = {}
  for (const [name, found] of Object.entries(options)) {
    const value: unknown = nested.includes(name) ? copyOf(found) : found
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    if (check === undefined) {
      const known = Object.keys(checks).join(', ')
      return err(new PersistencyError('ERR_OPTION', `there is no option "${name}"; known are ${known}`))
    }
    if (value === undefined) continue
    const expected = check(value)
    if (expected !== undefined) {
      const message = `option "${name}" must be ${expected}; got ${describeValue(value)}`
      return err(new PersistencyError('ERR_OPTION', message))
    }
    given[name] = value
  }
  return ok(given as Options)
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...(value as unknown[])]
  return typeof value === 'object' && value !== null && isPlain(value) ? { ...value } : value
}

/** Whether an object is one of fields, and not a list, a map or a date without any. */
export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** Allows the listed values. */
export function oneOf(...allowed: readonly unknown[]): Check {
  const expected = allowed.map((value) => JSON.stringify(value)).join(' or ')
  return (value) => (allowed.includes(value) ? undefined : expected)
}

/** Allows whole numbers in a range. */
export function integerFrom(least: number, most: number = Number.MAX_SAFE_INTEGER): Check {
  const expected =
    most === Number.MAX_SAFE_INTEGER
      ? `an integer of at least ${least}`
      : `an integer from ${least} to ${most}`
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : expected
}

/** Allows waits: what is longer than a timer can take would be no wait at all. */
export function waitFrom(leastMs: number): Check {
  return integerFrom(leastMs, LONGEST_TIMER_MS)
}

/** Allows what names something in a file. */
export function nameText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
    ? undefined
    : 'a non-empty, well-formed string'
}

/** Checks an argument that names something, told as `what`. Errors: `ERR_OPTION`. */
export function checkName(what: string, name: unknown): PersistencyError | undefined {
  const expected = nameText(name)
  if (expected === undefined) return undefined
  return new PersistencyError('ERR_OPTION', `${what} must be ${expected}; got ${describeValue(name)}`)
}

/** Allows true and false. */
export function booleanValue(value: unknown): string | undefined {
  return typeof value === 'boolean' ? undefined : 'true or false'
}

/** Allows time limits. */
export function positiveMs(value: unknown): string | undefined {
  return typeof value === 'number' && value > 0 ? undefined : 'a positive number of milliseconds, or Infinity'
}

/** Allows functions. */
export function functionValue(value: unknown): string | undefined {
  return typeof value === 'function' ? undefined : 'a function'
}

/** Allows what is checked elsewhere. */
export function anything(): undefined {
  return undefined
}

/** Allows abort signals, also those of other realms. */
export function abortSignal(value: unknown): string | undefined {
  return isCancelSignal(value) ? undefined : 'an AbortSignal'
}

/** The options of everything that takes long. */
export const OPERATION_CHECKS = { signal: abortSignal, onProgress: functionValue }

/** Those of checking what is stored. */
export const VERIFY_CHECKS = { ...OPERATION_CHECKS, quick: booleanValue }

/** The options of everything that reads: how patient it is. */
export const READ_CHECKS = { timeoutMs: positiveMs, signal: abortSignal }

/** Those of putting a backup in the place of a job. */
export const RESTORE_CHECKS = { overwrite: booleanValue }
