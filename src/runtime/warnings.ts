/** Owns the last resort for failures that no listener gets: the warning channel of the process, throttled. */
import { isError, messageOf } from './message-of.js'

/** Occurrences by subject, the most recent subject last. */
const counts = new Map<string, number>()

/** How many subjects are counted; beyond that the least recent one is forgotten. */
const MAX_SUBJECTS = 1000

/**
 * Reports on the process warning channel: the 1st, 10th, 100th, ... occurrence of each `subject`, so that a
 * failure in a hot path is seen but does not flood the log.
 */
export function warnThrottled(code: string, subject: string, thrown: unknown): void {
  const key = `${code} ${subject}`
  const count = (counts.get(key) ?? 0) + 1
  counts.delete(key)
  counts.set(key, count)
  if (counts.size > MAX_SUBJECTS) counts.delete(counts.keys().next().value as string)
  if (!isPowerOfTen(count)) return
  const times = count === 1 ? '' : ` (${count} times so far)`
  const stack = stackOf(thrown)
  process.emitWarning(`${subject}: ${messageOf(thrown)}${times}`, {
    type: 'PersistencyWarning',
    code,
    // Without a stack there is nothing that the message does not say: Node.js would print it twice.
    ...(stack !== undefined && { detail: stack })
  })
}

function stackOf(thrown: unknown): string | undefined {
  try {
    const stack: unknown = isError(thrown) ? thrown.stack : undefined
    return typeof stack === 'string' ? stack : undefined
  } catch {
    return undefined
  }
}

function isPowerOfTen(count: number): boolean {
  let power = 1
  while (power < count) power *= 10
  return power === count
}
