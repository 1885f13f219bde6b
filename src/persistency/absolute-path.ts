/** Owns making a path absolute, which fails where a relative one leads nowhere: the working directory may be gone. */
import { resolve } from 'node:path'
import { Result } from 'neverthrow'

/** The error is what was thrown. */
export const absolutePath: (path: string) => Result<string, unknown> = Result.fromThrowable((path: string) =>
  resolve(path)
)
