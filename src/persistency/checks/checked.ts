/** Owns what a check answers. */
import { err, type Result } from 'neverthrow'
import { PersistencyError, type PersistencyErrorCode } from '../errors.js'

/** A clean copy of what was passed in, read once, or what is wrong with it. */
export type Checked<T> = Result<T, PersistencyError>

export function refuse(code: PersistencyErrorCode, message: string): Checked<never> {
  return err(new PersistencyError(code, message))
}
