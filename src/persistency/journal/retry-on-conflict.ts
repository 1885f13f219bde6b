/** Owns trying again what failed because somebody else was faster. */
import { setTimeout as delay } from 'node:timers/promises'
import { err, errAsync, type Result, ResultAsync } from 'neverthrow'
import type { CancelSignal } from '../../runtime/platform.js'
import { PersistencyError } from '../errors.js'
import { abortSignal, checkOptions, integerFrom } from '../option-checks.js'

/** How often to try, and how long to wait in between. */
export interface RetryOptions {
  /** How many times in all. Default 10. */
  readonly attempts?: number | undefined
  /** Longest wait before the second attempt, in milliseconds; it doubles with each. Default 2; 0 for no waiting. */
  readonly delayMs?: number | undefined
  /** Longest wait of all, in milliseconds. Default 100. */
  readonly maxDelayMs?: number | undefined
  /** Makes no further attempt when it fires: `ERR_ABORTED`. */
  readonly signal?: CancelSignal | undefined
}

const CHECKS = {
  attempts: integerFrom(1),
  delayMs: integerFrom(0),
  maxDelayMs: integerFrom(0),
  signal: abortSignal
}

/**
 * Reads, decides and writes again as long as the write ends in a conflict: `attempt` is called with the number of the
 * attempt, from 1, until it answers ok or an error of another kind than `conflict`. After the last attempt its error is
 * the answer. In between it waits for a random part of a time that doubles, so that rivals get out of step.
 *
 * Rejects only with what `attempt` throws. Errors: those of `attempt`, `ERR_OPTION`, `ERR_ABORTED`.
 *
 * @example
 * await retryOnConflict(() =>
 *   job.get('stock', k).andThen((before) =>
 *     job.persistAcked([
 *       { kind: 'check', category: 'stock', key: k, equals: before },
 *       { kind: 'put', category: 'stock', key: k, payload: oneLess(before) }
 *     ])
 *   )
 * )
 */
export function retryOnConflict<T, E extends { readonly kind: string }>(
  attempt: (number: number) => PromiseLike<Result<T, E>>,
  options?: RetryOptions
): ResultAsync<T, E | PersistencyError> {
  const checked = checkOptions<RetryOptions>(options, CHECKS)
  if (checked.isErr()) return errAsync(checked.error)
  return new ResultAsync(attemptAll(attempt, checked.value))
}

async function attemptAll<T, E extends { readonly kind: string }>(
  attempt: (number: number) => PromiseLike<Result<T, E>>,
  { attempts = 10, delayMs = 2, maxDelayMs = 100, signal }: RetryOptions
): Promise<Result<T, E | PersistencyError>> {
  for (let number = 1; ; number++) {
    if (signal?.aborted) return err(aborted(signal))
    const result = await attempt(number)
    if (result.isOk() || result.error.kind !== 'conflict' || number >= attempts) return result
    const longest = Math.min(delayMs * 2 ** (number - 1), maxDelayMs)
    if (longest === 0) continue
    try {
      await delay(Math.random() * longest, undefined, signal === undefined ? {} : { signal })
    } catch {
      return err(aborted(signal))
    }
  }
}

function aborted(signal: CancelSignal | undefined): PersistencyError {
  return new PersistencyError('ERR_ABORTED', 'trying again was aborted by its caller', {
    cause: signal?.reason
  })
}
