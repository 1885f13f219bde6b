/** Owns turning an answer into its value, for those who have nothing else to do with a failure than to throw it. */
import type { Result, ResultAsync } from 'neverthrow'

/**
 * The value of an answer. Throws the error as it is when there is none; for a `ResultAsync`, or a promise of a `Result`,
 * the promise rejects with it. For scripts, tests, and what a program cannot begin without; where a failure is to be
 * dealt with, look at the answer itself.
 *
 * @example
 * const persistency = unwrap(Persistency.open('data'))
 * const job = await unwrap(persistency.openJob('acme'))
 */
export function unwrap<T, E>(answer: ResultAsync<T, E> | Promise<Result<T, E>>): Promise<T>
export function unwrap<T, E>(answer: Result<T, E>): T
export function unwrap<T, E>(
  answer: Result<T, E> | ResultAsync<T, E> | Promise<Result<T, E>>
): T | Promise<T> {
  return 'then' in answer ? Promise.resolve(answer).then(settled) : settled(answer)
}

function settled<T, E>(result: Result<T, E>): T {
  if (result.isErr()) throw result.error
  return result.value
}
