/** Owns how failures of SQLite and of the file system look to a user: what failed, on which file, and what to do. */
import { messageOf } from '../../runtime/message-of.js'
import { PersistencyError, type PersistencyErrorCode } from '../errors.js'

/** What a person can do about it, by the code that SQLite or the operating system gives. */
const REMEDIES: Readonly<Record<string, string>> = {
  SQLITE_BUSY: 'another process holds a lock on the file; let it finish, or raise busyTimeoutMs',
  SQLITE_FULL: 'the disk is full; make room and write again',
  SQLITE_READONLY: 'the file or its directory is read-only; allow writing',
  SQLITE_READONLY_DBMOVED:
    'somebody moved, replaced or deleted the file while it was open; put it back, or close the job and open it again',
  SQLITE_CANTOPEN:
    'check that the directory is there, that this user may write to it, that its path has fewer than 500 bytes, and that its file system supports write-ahead logging',
  SQLITE_NOTADB: 'the file is not a SQLite database; move it away or choose another job id',
  SQLITE_CORRUPT: 'the file is damaged; restore it from a backup',
  SQLITE_IOERR: 'the disk reports an error; check it and the free space',
  SQLITE_TOOBIG: 'a row, or with a journal a whole write, is larger than SQLite takes; write it in parts',
  EACCES: 'this user has no permission there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EISDIR: 'a directory is in the place of the file; move it away or choose another name'
}

const NO_NATIVE_CODE =
  'better-sqlite3 has no native code that this Node.js can load: run "npm rebuild better-sqlite3", or allow its install script ("npm approve-scripts better-sqlite3", "pnpm approve-builds") and install again'

/** better-sqlite3 gives no code to what SQLite refuses to take in for its length. */
const NOT_BOUND = /^The bound .* is too big$/

/** Wraps whatever was thrown; a `PersistencyError` passes as it is. */
export function storageError(code: PersistencyErrorCode, file: string, thrown: unknown): PersistencyError {
  if (thrown instanceof PersistencyError) return thrown
  const backendCode = codeOf(thrown)
  const cause = messageOf(thrown)
  return new PersistencyError(code, told(file, cause, backendCode), { cause, backendCode })
}

function told(file: string, cause: string, backendCode: string | undefined): string {
  // What is thrown then has a long list of paths, and says nowhere what to do.
  if (backendCode === 'ERR_DLOPEN_FAILED' || cause.includes('better_sqlite3.node')) {
    return `${NO_NATIVE_CODE} (${file}: ${cause.split('\n', 1)[0]})`
  }
  const remedy = backendCode === undefined ? undefined : remedyFor(backendCode)
  return `${file}: ${cause}${remedy === undefined ? '' : ` (${remedy})`}`
}

/** What the file system throws for a directory in the place of a file, for where it is not asked. */
export function directoryInPlace(): Error {
  return Object.assign(new Error('is a directory'), { code: 'EISDIR' })
}

/** The code of a thrown error, if it has one. */
export function codeOf(thrown: unknown): string | undefined {
  const { code, message } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === 'string') return code
  return typeof message === 'string' && NOT_BOUND.test(message) ? 'SQLITE_TOOBIG' : undefined
}

/** Extended codes such as SQLITE_BUSY_SNAPSHOT share the remedy of their primary code. */
function remedyFor(code: string): string | undefined {
  return REMEDIES[code] ?? REMEDIES[code.split('_').slice(0, 2).join('_')]
}
