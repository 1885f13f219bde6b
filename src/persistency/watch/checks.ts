/** Owns the checks on what callers pass to `watch`. */
import { err, ok, type Result } from 'neverthrow'
import { abortSignal, booleanValue, checkOptions, integerFrom } from '../checks/options.js'
import { PersistencyError } from '../errors.js'
import type { WatchOptions } from './types.js'

const CHECKS = {
  initial: booleanValue,
  from: integerFrom(1),
  signal: abortSignal,
  maxBufferBytes: integerFrom(1)
}

/** Errors: `ERR_OPTION`. */
export function checkWatchOptions(options: unknown): Result<WatchOptions, PersistencyError> {
  return checkOptions<WatchOptions>(options, CHECKS).andThen((checked) => {
    if (checked.initial !== true || checked.from === undefined) return ok(checked)
    const message = 'options "initial" and "from" exclude each other: begin with the rows, or with an event'
    return err(new PersistencyError('ERR_OPTION', message))
  })
}
