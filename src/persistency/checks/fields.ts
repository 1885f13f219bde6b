/** Owns telling fields that nothing has: what is misspelled would be taken for what was left out, silently. */
import { isPlain } from './options.js'

/** What is wrong with an object that has a field of no known name. One that is of a class may hold what it likes. */
export function unknownField(what: string, given: object, known: readonly string[]): string | undefined {
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown === undefined || !isPlain(given)) return undefined
  return `${what} has no field ${JSON.stringify(unknown)}; known are ${known.join(', ')}`
}
