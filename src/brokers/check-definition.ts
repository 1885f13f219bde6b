/** Owns refusing what is no declared message, or one of another kind. */
import { textOf } from '../runtime/message-of.js'

const WANTED = {
  event: 'an event, as defineEvent makes it',
  request: 'a request, as defineRequest makes it',
  multiRequest: 'a multi-request, as defineMultiRequest makes it',
  signal: 'a signal, as defineSignal makes it'
} as const

/** What every declaration has. */
interface Declared {
  readonly kind: string
  readonly name: string
}

/**
 * By its fields: a definition may be of another copy of this package.
 *
 * @param what what the caller should have passed, for the error
 * @throws TypeError
 */
export function checkDefinition(
  definition: Declared | undefined,
  kind: keyof typeof WANTED,
  what = 'the message'
): void {
  // Small enough to be inlined: calls come past it.
  if (definition?.kind !== kind || typeof definition.name !== 'string') {
    throw new TypeError(`${what} must be ${WANTED[kind]}; ${gotInstead(definition)}`)
  }
}

/** What was passed in place of a definition, in words. */
export function gotInstead(value: unknown): string {
  const reason = value === undefined ? ' (modules that import each other in a circle see undefined)' : ''
  return `got ${textOf(value)}${reason}`
}
