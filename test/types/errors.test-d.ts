import {
  BrokerError,
  type BrokerErrorData,
  PersistencyError,
  type PersistencyErrorCode,
  type PersistencyErrorKind
} from 'persistency'
import { expectType } from './expect-type.js'

declare const error: PersistencyError

expectType(error.kind).is<PersistencyErrorKind>()
expectType(error.code).is<PersistencyErrorCode>()
expectType(error.backendCode).is<string | undefined>()
expectType(error.cause).is<unknown>()
expectType(new BrokerError('timeout', 'late').toJSON()).is<BrokerErrorData>()

/** Every kind has to be named, or this does not compile. */
export function retryable(kind: PersistencyErrorKind): boolean {
  switch (kind) {
    case 'backend':
    case 'timeout':
    case 'overloaded':
    case 'inUse':
    case 'conflict':
      return true
    case 'exists':
    case 'closed':
    case 'invalidArgument':
    case 'jobNotFound':
    case 'aborted':
    case 'gone':
    case 'handlerFailed':
      return false
    default:
      return kind satisfies never
  }
}

/** Every code has to be named, or this does not compile. */
export const advice: Record<PersistencyErrorCode, string> = {
  ERR_ROOT_DIR: '',
  ERR_JOB_ID: '',
  ERR_CATEGORY: '',
  ERR_KEY: '',
  ERR_PAYLOAD: '',
  ERR_OP: '',
  ERR_RANGE: '',
  ERR_OPTION: '',
  ERR_VALUE: '',
  ERR_EVENT: '',
  ERR_SEQ: '',
  ERR_KEY_REUSED: '',
  ERR_NO_JOURNAL: '',
  ERR_CONFLICT: '',
  ERR_EVENTS_GONE: '',
  ERR_JOURNAL: '',
  ERR_SUBSCRIPTION_HELD: '',
  ERR_SUBSCRIPTION_LOST: '',
  ERR_SUBSCRIPTION_ENDED: '',
  ERR_HANDLER_FAILED: '',
  ERR_OTHER_INSTANCE: '',
  ERR_NOT_INITIALISED: '',
  ERR_PERSISTENCY_CLOSED: '',
  ERR_JOB_CLOSED: '',
  ERR_JOB_NOT_FOUND: '',
  ERR_TIMEOUT: '',
  ERR_PATH: '',
  ERR_ROOT_IN_USE: '',
  ERR_EXISTS: '',
  ERR_BACKUP: '',
  ERR_RESTORE: '',
  ERR_BACKUP_UNSOUND: '',
  ERR_TOO_MANY_JOBS: '',
  ERR_ABORTED: '',
  ERR_OVERLOADED: '',
  ERR_JOB_IN_USE: '',
  ERR_CREATE_DIR: '',
  ERR_OPEN: '',
  ERR_NOT_A_DATABASE: '',
  ERR_VERSION: '',
  ERR_FOREIGN_SCHEMA: '',
  ERR_STORAGE: '',
  ERR_STORAGE_DIED: '',
  ERR_WRITES_LOST: '',
  ERR_LIST: '',
  ERR_REMOVE: '',
  ERR_BROKER: ''
}

export function partly(kind: PersistencyErrorKind): boolean {
  switch (kind) {
    case 'timeout':
      return true
    default:
      // @ts-expect-error there are other kinds
      return kind satisfies never
  }
}

// @ts-expect-error a kind that does not exist
if (error.kind === 'notFound') throw error
// @ts-expect-error a code that does not exist
if (error.code === 'ERR_DISK') throw error
// @ts-expect-error a kind is no code
if (error.code === 'timeout') throw error
// @ts-expect-error an error does not change
error.kind = 'closed'
// @ts-expect-error a code is one of the catalogue
new PersistencyError('ERR_DISK', 'the disk is full')
// @ts-expect-error an error has a message
new PersistencyError('ERR_STORAGE')

declare const unknown: unknown
if (PersistencyError.is(unknown)) expectType(unknown).is<PersistencyError>()
// @ts-expect-error not before it is known to be one
else unknown.kind
