/** Owns turning a `Result` into its value, for code that would only throw its error. */
import type { Result, ResultAsync } from 'neverthrow'
import { isResult } from '../runtime/is-result.js'
import { isError, messageOf, textOf } from '../runtime/message-of.js'
import { isThenable } from '../runtime/thenable.js'

/**
 * The value of a `Result`. Throws the error of an `Err`; for a `ResultAsync`, or a promise of a `Result`, the promise
 * rejects with it, and its stack ends with the functions that wait for it. An `Error` is thrown as it is, anything else as
 * the `cause` of an `Error` whose message describes it. For scripts, tests, and what a program cannot start without; to
 * handle a failure, look at the `Result` itself.
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
  return isThenable(answer) ? awaited(answer) : settled(answer as Result<T, E>)
}

async function awaited<T, E>(answer: PromiseLike<Result<T, E>>): Promise<T> {
  const result = await answer
  try {
    return settled(result)
  } catch (thrown) {
    showCallers(thrown, new Error().stack)
    throw thrown
  }
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

/** A function in what V8 shows of a stack, not one of Node.js itself, and the line of source where it is. */
const PLACE = /^ +at (?!.*node:internal).*?([^\s(]+:\d+):\d+\)?$/

/** Adds to the stack of an error, which knows where it was made, those who wait for it and are not in there. */
function showCallers(error: unknown, here: string | undefined): void {
  const { stack } = error as Error
  if (here === undefined || typeof stack !== 'string') return
  const [, ...callers] = here.split('\n').filter((line) => PLACE.test(line))
  const missing = callers.filter((line) => !stack.includes(`${PLACE.exec(line)?.[1]}:`))
  try {
    if (missing.length > 0) (error as Error).stack = [stack, ...missing].join('\n')
  } catch {
    // It cannot be changed.
  }
}
