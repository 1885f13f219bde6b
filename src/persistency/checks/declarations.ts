/** Owns the checks on what programs declare, once and before there is a job: what cannot work is a `TypeError` at once. */
import { describeValue } from '../describe.js'
import type { Check } from './options.js'
import { checkCategory } from './rows.js'

/** Throws a `TypeError` unless the check answers that it expects nothing else. */
export function demand(what: string, value: unknown, expectedOf: Check): void {
  const expected = expectedOf(value)
  if (expected !== undefined) throw new TypeError(`${what} must be ${expected}; got ${describeValue(value)}`)
}

/** Allows what has functions of these names, as what is `expected` has. */
export function withFunctions(expected: string, ...names: readonly string[]): Check {
  return (value) => {
    const given = (value ?? {}) as Readonly<Record<string, unknown>>
    return names.every((name) => typeof given[name] === 'function') ? undefined : expected
  }
}

/** Allows what encodes and decodes. Codecs are objects or functions. */
export const coder: Check = withFunctions('a codec, with encode and decode', 'encode', 'decode')

/** Allows the names of categories. */
export function categoryText(value: unknown): string | undefined {
  return checkCategory(value) === undefined ? undefined : 'a well-formed string'
}
