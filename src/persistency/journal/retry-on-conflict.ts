/** Owns trying again what failed because somebody else was faster. */
import { setTimeout as delay } from 'node:timers/promises'
import { err, errAsync, type Result, ResultAsync } from 'neverthrow'
import { reasonOf } from '../../runtime/cancel-signals.js'
import type { CancelSignal } from '../../runtime/platform.js'
import { abortSignal, checkOptions, integerFrom, waitFrom } from '../checks/options.js'
import { PersistencyError } from '../errors.js'

/** How often to try, and how long to wait in between. */
export interface RetryOptions {
  /** How many times in all. Default 10. */
  readonly attempts?: number | undefined
  /** Longest wait before the second attempt, in milliseconds; it doubles with each. Default 2; 0 for no waiting. */
  readonly delayMs?: number | undefined
  /** Longest wait of all, in milliseconds. Default 100; at most that of a timer, 2 147 483 647. */
  readonly maxDelayMs?: number | undefined
  /** Makes no further attempt when it fires: `ERR_ABORTED`. */
  readonly signal?: CancelSignal | undefined
}

/** Those of trying again. */
export const RETRY_CHECKS = {
  attempts: integerFrom(1),
  delayMs: waitFrom(0),
  maxDelayMs: waitFrom(0),
  signal: abortSignal
}

/** What an attempt answers: a `Result`, a `ResultAsync`, or a promise of a `Result`. */
export type AttemptAnswer =
  | Result<unknown, unknown>
  | ResultAsync<unknown, unknown>
  | PromiseLike<Result<unknown, unknown>>

/** What an attempt answers when it is ok, whichever way it ended. */
export type AttemptValue<Answer extends AttemptAnswer> =
  Awaited<Answer> extends infer R ? (R extends Result<infer T, unknown> ? T : never) : never

/** What an attempt fails with, whichever way it ended. */
export type AttemptError<Answer extends AttemptAnswer> =
  Awaited<Answer> extends infer R ? (R extends Result<unknown, infer E> ? E : never) : never

/**
 * Reads, decides and writes again as long as the write ends in a conflict: `attempt` is called with the number of the
 * attempt, from 1, until it answers ok or an error that is no `ERR_CONFLICT` of a job. An error of your own is the answer
 * at once, whatever its `kind`. After the last attempt its error is the answer. In between it waits for a random part of a
 * time that doubles, so that rivals get out of step.
 *
 * Rejects only with what `attempt` throws. Errors: those of `attempt`, `ERR_OPTION`, `ERR_ABORTED`.
 *
 * @example
 * const sold = await retryOnConflict(() =>
 *   job.get('stock', k).andThen((before) =>
 *     job.persistAcked([
 *       { kind: 'check', category: 'stock', key: k, equals: before },
 *       { kind: 'put', category: 'stock', key: k, payload: oneLess(before) }
 *     ])
 *   )
 * )
 */
export function retryOnConflict<Answer extends AttemptAnswer>(
  attempt: (number: number) => Answer,
  options?: RetryOptions
): ResultAsync<AttemptValue<Answer>, AttemptError<Answer> | PersistencyError> {
  const checked = checkOptions<RetryOptions>(options, RETRY_CHECKS)
  if (checked.isErr()) return errAsync(checked.error)
  const answer = attemptAll(attempt, checked.value)
  return new ResultAsync(answer as Promise<Result<AttemptValue<Answer>, AttemptError<Answer>>>)
}

async function attemptAll(
  attempt: (number: number) => AttemptAnswer,
  { attempts = 10, delayMs = 2, maxDelayMs = 100, signal }: RetryOptions
): Promise<Result<unknown, unknown>> {
  for (let number = 1; ; number++) {
    if (signal?.aborted) return err(aborted(signal))
    const result = await attempt(number)
    if (result.isOk() || !isConflict(result.error) || number >= attempts) return result
    const longest = Math.min(delayMs * 2 ** (number - 1), maxDelayMs)
    if (longest === 0) continue
    try {
      await delay(Math.random() * longest, undefined, signal === undefined ? {} : { signal })
    } catch {
      return err(aborted(signal))
    }
  }
}

/** A domain may have conflicts of its own, which trying again does not mend. */
function isConflict(error: unknown): boolean {
  return PersistencyError.is(error) && error.code === 'ERR_CONFLICT'
}

function aborted(signal: CancelSignal | undefined): PersistencyError {
  return new PersistencyError('ERR_ABORTED', 'trying again was aborted by its caller', {
    cause: reasonOf(signal)
  })
}
