/** Owns the checks of the scenarios, which run under jest and by themselves alike. */
import { isDeepStrictEqual } from 'node:util'

/** Throws when a promise is broken. */
export function check(holds: boolean, broken: string): asserts holds {
  if (!holds) throw new Error(broken)
}

export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new Error(`${what}: expected ${shown(expected)}, got ${shown(actual)}`)
}

/** The value of a promise that must settle; throws, naming it, when it does not within the time. */
export async function settles<T>(what: string, promise: PromiseLike<T>, limitMs = 30_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has not settled within ${limitMs} ms`)), limitMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
  return text === undefined ? String(value) : text.slice(0, 2000)
}
