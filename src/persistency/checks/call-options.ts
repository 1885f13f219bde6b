/** Owns the checks on the options of single calls. */
import type { FlushOptions, ReadOptions } from '../types.js'
import type { Checked } from './checked.js'
import { booleanValue, checkOptions, READ_CHECKS } from './options.js'

/** Errors of all of these: `ERR_OPTION`. */
export function checkReadOptions(options: unknown): Checked<ReadOptions> {
  return checkOptions(options, READ_CHECKS)
}

export function checkFlushOptions(options: unknown): Checked<FlushOptions> {
  return checkOptions(options, { ...READ_CHECKS, durable: booleanValue })
}
