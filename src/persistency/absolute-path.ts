/** Owns making a path absolute, which fails where a relative one leads nowhere: the working directory may be gone. */
import { resolve } from 'node:path'
import { err, Result } from 'neverthrow'
import { messageOf } from '../runtime/message-of.js'
import { describeValue } from './describe.js'
import { PersistencyError } from './errors.js'

/** The error is what was thrown. */
export const absolutePath: (path: string) => Result<string, unknown> = Result.fromThrowable((path: string) =>
  resolve(path)
)

/** A path of a file, made absolute. Errors: `ERR_PATH`. */
export function checkPath(path: unknown): Result<string, PersistencyError> {
  if (typeof path !== 'string' || path.trim() === '' || path.includes('\0')) {
    const message = `a path of a file must be a string that is not empty and holds no NUL; got ${describeValue(path)}`
    return err(new PersistencyError('ERR_PATH', message))
  }
  if (path !== path.trim()) {
    const message = `a path of a file must not begin or end in white space: better-sqlite3 takes it off, and would open another file; got ${describeValue(path)}`
    return err(new PersistencyError('ERR_PATH', message))
  }
  return absolutePath(path).mapErr(
    (cause) => new PersistencyError('ERR_PATH', `path ${path} leads nowhere: ${messageOf(cause)}`, { cause })
  )
}
