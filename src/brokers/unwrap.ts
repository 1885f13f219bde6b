/** Owns turning a `Result` into its value, for code that would only throw its error. */
import type { Result, ResultAsync } from 'neverthrow'
import { isResult } from '../runtime/is-result.js'
import { isError, messageOf, textOf } from '../runtime/message-of.js'
import { isThenable } from '../runtime/thenable.js'

/**
 * The value of a `Result`. Throws the error of an `Err`; for a `ResultAsync`, or a promise of a `Result`, the promise
 * rejects with it. An `Error` is thrown as it is, anything else as the `cause` of an `Error` whose message describes it.
 * For scripts, tests, and what a program cannot start without; to handle a failure, look at the `Result` itself.
 *
 * @throws TypeError for what is no `Result`; a promise of such rejects with it
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
  return isThenable(answer) ? Promise.resolve(answer).then(settled) : settled(answer as Result<T, E>)
}

function settled<T, E>(result: Result<T, E>): T {
  if (!isResult(result)) {
    throw new TypeError(
      `unwrap takes a Result, a ResultAsync or a promise of a Result; got ${textOf(result)}`
    )
  }
  if (result.isOk()) return result.value
  const { error } = result
  throw isError(error) ? error : new Error(messageOf(error), { cause: error })
}
