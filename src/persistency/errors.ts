/** Owns the failures of the storage: one closed catalogue of codes, each of one kind. */
import { textOf } from '../runtime/message-of.js'
import { type Conflict, type ConflictData, conflictData, conflictFrom } from './conflict.js'

/** Every code, and the kind it belongs to. `docs/errors.md` says when each occurs and what to do. */
const KIND_OF = {
  ERR_ROOT_DIR: 'invalidArgument',
  ERR_JOB_ID: 'invalidArgument',
  ERR_CATEGORY: 'invalidArgument',
  ERR_KEY: 'invalidArgument',
  ERR_PAYLOAD: 'invalidArgument',
  ERR_OP: 'invalidArgument',
  ERR_RANGE: 'invalidArgument',
  ERR_OPTION: 'invalidArgument',
  ERR_VALUE: 'invalidArgument',
  ERR_EVENT: 'invalidArgument',
  ERR_SEQ: 'invalidArgument',
  ERR_KEY_REUSED: 'invalidArgument',
  ERR_NO_JOURNAL: 'invalidArgument',
  ERR_OTHER_INSTANCE: 'invalidArgument',
  ERR_PATH: 'invalidArgument',
  ERR_NOT_INITIALISED: 'closed',
  ERR_PERSISTENCY_CLOSED: 'closed',
  ERR_JOB_CLOSED: 'closed',
  ERR_SUBSCRIPTION_ENDED: 'closed',
  ERR_JOB_NOT_FOUND: 'jobNotFound',
  ERR_TIMEOUT: 'timeout',
  ERR_ABORTED: 'aborted',
  ERR_OVERLOADED: 'overloaded',
  ERR_TOO_MANY_JOBS: 'overloaded',
  ERR_JOB_IN_USE: 'inUse',
  ERR_SUBSCRIPTION_HELD: 'inUse',
  ERR_SUBSCRIPTION_LOST: 'inUse',
  ERR_HANDLER_FAILED: 'handlerFailed',
  ERR_CONFLICT: 'conflict',
  ERR_EVENTS_GONE: 'gone',
  ERR_ROOT_IN_USE: 'inUse',
  ERR_EXISTS: 'exists',
  ERR_CREATE_DIR: 'backend',
  ERR_OPEN: 'backend',
  ERR_NOT_A_DATABASE: 'backend',
  ERR_VERSION: 'backend',
  ERR_FOREIGN_SCHEMA: 'backend',
  ERR_STORAGE: 'backend',
  ERR_STORAGE_DIED: 'backend',
  ERR_WRITES_LOST: 'backend',
  ERR_JOURNAL: 'backend',
  ERR_LIST: 'backend',
  ERR_REMOVE: 'backend',
  ERR_BACKUP: 'backend',
  ERR_RESTORE: 'backend',
  ERR_BACKUP_UNSOUND: 'backend',
  ERR_BROKER: 'backend'
} as const

/** Names one cause of failure; stable, unlike the message. */
export type PersistencyErrorCode = keyof typeof KIND_OF

/** What sort of failure it is. The first five are the Nim library's. */
export type PersistencyErrorKind = (typeof KIND_OF)[PersistencyErrorCode]

/** A `PersistencyError` as plain data, for another thread or a log. */
export interface PersistencyErrorData {
  readonly name?: string
  /** Follows from the code, for whoever reads a log. */
  readonly kind?: PersistencyErrorKind
  readonly code: PersistencyErrorCode
  readonly message: string
  readonly backendCode: string | undefined
  readonly cause: string | undefined
  readonly conflict?: ConflictData
}

/** What goes with a failure besides its message. */
export interface PersistencyErrorDetails {
  readonly cause?: unknown
  readonly backendCode?: string | undefined
  readonly conflict?: Conflict | undefined
}

/** An expected failure of the storage. It arrives as an `Err` value; only streams and iterators throw it. */
export class PersistencyError extends Error {
  override readonly name = 'PersistencyError'
  /** What sort of failure; enough for most decisions. */
  readonly kind: PersistencyErrorKind
  /** The exact cause. */
  readonly code: PersistencyErrorCode
  /** The code of the storage engine, such as `SQLITE_FULL`, when the failure comes from there. */
  declare readonly backendCode: string | undefined
  /** Of an `ERR_CONFLICT`: what was expected, and where. */
  declare readonly conflict: Conflict | undefined

  constructor(code: PersistencyErrorCode, message: string, details: PersistencyErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = KIND_OF[code]
    this.code = code
    // Where there is none, printing the error says nothing of it.
    if (details.backendCode !== undefined) this.backendCode = details.backendCode
    if (details.conflict !== undefined) this.conflict = details.conflict
  }

  /** The error that `toJSON` printed, for instance on another thread. An unknown code becomes `ERR_STORAGE`. */
  static from(data: PersistencyErrorData): PersistencyError {
    const code = Object.hasOwn(KIND_OF, data.code) ? data.code : 'ERR_STORAGE'
    const { cause, backendCode, conflict } = data
    const details = {
      cause,
      backendCode,
      ...(conflict !== undefined && { conflict: conflictFrom(conflict) })
    }
    return new PersistencyError(code, data.message, details)
  }

  /** Whether a value is a `PersistencyError` of any copy of this package. */
  static is(value: unknown): value is PersistencyError {
    return value instanceof Error && value.name === 'PersistencyError' && 'code' in value && 'kind' in value
  }

  override toString(): string {
    const code = this.backendCode === undefined ? this.code : `${this.code}, ${this.backendCode}`
    return `PersistencyError(${this.kind}: ${this.message}) [${code}]`
  }

  toJSON(): PersistencyErrorData {
    const cause = this.cause === undefined ? undefined : textOf(this.cause)
    const { name, kind, code, message, backendCode } = this
    const conflict = this.conflict === undefined ? undefined : conflictData(this.conflict)
    return { name, kind, code, message, backendCode, cause, ...(conflict !== undefined && { conflict }) }
  }
}

/** Whether plain data is what `PersistencyError.toJSON` printed. */
export function isPersistencyErrorData(value: unknown): value is PersistencyErrorData {
  if (typeof value !== 'object' || value === null) return false
  const { code, message } = value as Partial<PersistencyErrorData>
  return typeof code === 'string' && Object.hasOwn(KIND_OF, code) && typeof message === 'string'
}
