// Owns the checks of the scenarios and their children, which run under jest and by themselves alike.

import { isDeepStrictEqual } from 'node:util'

/** Throws when a promise is broken. */
export function check(holds, broken) {
  if (!holds) throw new Error(broken)
}

export function checkEqual(actual, expected, what) {
  if (!isDeepStrictEqual(actual, expected))
    throw new Error(`${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

function shown(value) {
  const text = JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? `${part}n` : part))
  return text === undefined ? String(value) : text.slice(0, 2000)
}
