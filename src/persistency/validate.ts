/**
 * Owns the checks on what callers pass in. Nothing is queued before it has passed here; what passes is a clean copy,
 * read once, so that later changes and getters in the caller's objects have no effect.
 */
import { err, ok, type Result } from 'neverthrow'
import { isDetached } from '../bytes/detached.js'
import { plainBytes } from '../bytes/length-of.js'
import { describeValue } from './describe.js'
import { PersistencyError, type PersistencyErrorCode } from './errors.js'
import { isKeyLike, isUint8Array } from './keys/key-parts.js'
import { type KeyRange, prefixRange } from './keys/key-range.js'
import { Key } from './keys/keys.js'
import type { RestoreOptions } from './maintenance/types.js'
import type { KvRangeQuery, KvScanQuery } from './message-payloads.js'
import { booleanValue, checkOptions, integerFrom, READ_CHECKS, unreadable } from './option-checks.js'
import {
  bytesOf,
  MAX_EVENT_BYTES,
  MAX_ROW_BYTES,
  MAX_WRITE_BYTES,
  mostUtf8Bytes,
  recordedBytesOf
} from './size-limits.js'
import type { FlushOptions, ReadOptions, StreamOptions, TxOp } from './types.js'
import { listOf, type WriteOps } from './writes/accepted-writes.js'

type Checked<T> = Result<T, PersistencyError>

const JOB_ID = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/
/** Windows takes these for devices, in any case and with any ending: what is written to them is gone. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

function refuse(code: PersistencyErrorCode, message: string): Result<never, PersistencyError> {
  return err(new PersistencyError(code, message))
}

/** A job id is a name, not a path. Errors: `ERR_JOB_ID`. */
export function checkJobId(id: unknown): Checked<string> {
  if (typeof id === 'string' && JOB_ID.test(id)) {
    if (process.platform !== 'win32' || !DEVICE.test(id)) return ok(id)
    return refuse(
      'ERR_JOB_ID',
      `Windows keeps the name ${JSON.stringify(id)} for a device; choose another id`
    )
  }
  const rule = '1 to 128 characters out of letters, digits, ".", "_" and "-", not starting with a dot'
  return refuse('ERR_JOB_ID', `a job id is a name of ${rule}; got ${describeValue(id)}`)
}

/** Categories are any text. Errors: `ERR_CATEGORY`. */
export function checkCategory(category: unknown): PersistencyError | undefined {
  if (typeof category !== 'string') {
    return new PersistencyError('ERR_CATEGORY', `a category must be a string; got ${describeValue(category)}`)
  }
  if (!category.isWellFormed()) {
    const message = `a category must be well-formed text; ${describeValue(category)} has a lone surrogate`
    return new PersistencyError('ERR_CATEGORY', message)
  }
  return undefined
}

/** Keys must be made with `key`, `toKey` or `rawKey`. Takes what `ownKey` answers. Errors: `ERR_KEY`. */
export function checkKey(key: unknown, what = 'a key'): PersistencyError | undefined {
  if (!isOwnKey(key)) {
    const message = `${what} must be a Key, made with key(...parts) or rawKey(bytes); got ${describeValue(key)}`
    return new PersistencyError('ERR_KEY', message)
  }
  const { bytes } = key
  if (isDetached(bytes)) {
    const message = `the memory of ${what} was given to another thread: it has no bytes any more`
    return new PersistencyError('ERR_KEY', message)
  }
  if (bytes.length <= MAX_ROW_BYTES) return undefined
  const message = `${what} is part of a row, which holds at most ${MAX_ROW_BYTES} bytes; got ${bytes.length}`
  return new PersistencyError('ERR_KEY', message)
}

/**
 * A key as a key of this copy of the package, to be checked: itself if it is one; of another's, or of what looks like one,
 * a copy that is read once; anything else as it is.
 */
export function ownKey(key: unknown): Key {
  if (isOwnKey(key)) return key
  try {
    if (isKeyLike(key)) {
      const { bytes } = key
      if (isUint8Array(bytes)) return copiedKey(plainBytes(bytes))
    }
  } catch {
    // One whose getters throw is none.
  }
  return key as Key
}

/** A proxy may throw here already. */
function isOwnKey(key: unknown): key is Key {
  try {
    return key instanceof Key
  } catch {
    return false
  }
}

function copiedKey(bytes: Uint8Array): Key {
  return isDetached(bytes) ? Key.view(bytes) : Key.of(bytes)
}

/** A category and many keys. Errors: `ERR_CATEGORY`, `ERR_KEY`. */
export function checkKeys(category: unknown, keys: unknown): Checked<readonly Key[]> {
  const error = checkCategory(category)
  if (error !== undefined) return err(error)
  try {
    return readKeys(keys)
  } catch (cause) {
    return unreadable('ERR_KEY', 'the keys', cause)
  }
}

function readKeys(keys: unknown): Checked<readonly Key[]> {
  if (!Array.isArray(keys))
    return refuse('ERR_KEY', `keys must be an array of Keys; got ${describeValue(keys)}`)
  const checked: Key[] = []
  for (const candidate of keys) {
    const key = ownKey(candidate)
    if (checkKey(key) !== undefined) {
      return err(checkKey(key, `key ${checked.length} of ${keys.length}`) as PersistencyError)
    }
    checked.push(key)
  }
  return ok(checked)
}

/** Payloads are bytes, up to what a row can hold. Takes what `ownPayload` answers. Errors: `ERR_PAYLOAD`. */
function checkPayload(payload: unknown, category: string, key: Key): PersistencyError | undefined {
  if (!isUint8Array(payload)) {
    const message = `a payload must be a Uint8Array; got ${describeValue(payload)}; see payload(...) and persistEncoded`
    return new PersistencyError('ERR_PAYLOAD', message)
  }
  if (isDetached(payload)) {
    const message = 'the memory of a payload was given to another thread: it has no bytes any more'
    return new PersistencyError('ERR_PAYLOAD', message)
  }
  const bytes = payload.length + key.bytes.length + mostUtf8Bytes(category)
  if (bytes <= MAX_ROW_BYTES) return undefined
  const message = `a row holds at most ${MAX_ROW_BYTES} bytes with its key; got a payload of ${payload.length}`
  return new PersistencyError('ERR_PAYLOAD', message)
}

/** Bytes of an unknown class as a copy, to be checked; anything else as it is. */
function ownPayload(payload: unknown): Uint8Array {
  return isUint8Array(payload) ? plainBytes(payload) : (payload as Uint8Array)
}

/** One operation or several, as a list, for a journal. Errors: `ERR_OP`, `ERR_CATEGORY`, `ERR_KEY`, `ERR_PAYLOAD`. */
export function checkOps(input: unknown): Checked<readonly TxOp[]> {
  return checkWrite(input, true).map(listOf)
}

/**
 * One operation or several. Errors: `ERR_OP`, `ERR_CATEGORY`, `ERR_KEY`, `ERR_PAYLOAD`.
 *
 * @param recorded whether there is a journal, which has the write as one event
 */
export function checkWrite(input: unknown, recorded: boolean): Checked<WriteOps> {
  try {
    return Array.isArray(input) ? readOps(input, recorded) : checkOp(input)
  } catch (cause) {
    return unreadable('ERR_OP', 'the operations', cause)
  }
}

function readOps(input: readonly unknown[], recorded: boolean): Checked<readonly TxOp[]> {
  const ops: TxOp[] = []
  let bytes = 0
  for (const [index, candidate] of input.entries()) {
    const op = checkOp(candidate)
    if (op.isErr()) {
      const { code, message } = op.error
      return refuse(code, `operation ${index} of ${input.length}: ${message}`)
    }
    ops.push(op.value)
    bytes += bytesOf(op.value)
  }
  if (bytes > MAX_WRITE_BYTES) return tooLarge('one write', MAX_WRITE_BYTES, ops, bytes)
  const recordedBytes = recorded ? recordedBytesOf(ops) : 0
  if (recordedBytes <= MAX_EVENT_BYTES) return ok(ops)
  return tooLarge('with a journal one write', MAX_EVENT_BYTES, ops, recordedBytes)
}

function tooLarge(what: string, most: number, { length }: readonly TxOp[], bytes: number): Checked<never> {
  const rule = `${what} holds at most ${most} bytes`
  return refuse('ERR_OP', `${rule}; got ${length} operations of ${bytes} bytes; write them in parts`)
}

function checkOp(input: unknown): Checked<TxOp> {
  if (typeof input !== 'object' || input === null) {
    return refuse('ERR_OP', `an operation must be an object; got ${describeValue(input)}`)
  }
  const { kind, category } = input as Partial<TxOp>
  switch (kind) {
    case 'put': {
      const { key, payload } = input as Partial<Extract<TxOp, { kind: 'put' }>>
      return checkPut(category, key, payload)
    }
    case 'delete': {
      const { key } = input as Partial<Extract<TxOp, { kind: 'delete' }>>
      return checkDelete(category, key)
    }
    case 'deletePrefix': {
      const { prefix } = input as Partial<Extract<TxOp, { kind: 'deletePrefix' }>>
      return checkDeletePrefix(category, prefix)
    }
    case 'check': {
      const { key, equals } = input as Partial<Extract<TxOp, { kind: 'check' }>>
      // Without it the check demands the contrary: that there is no row.
      const misspelled = equals === undefined ? Object.keys(input).find(isNoFieldOfCheck) : undefined
      if (misspelled === undefined) return checkCheck(category, key, equals)
      const name = JSON.stringify(misspelled)
      return refuse(
        'ERR_OP',
        `a check without "equals" has no field ${name}: it demands that there is no row`
      )
    }
    default: {
      const known = '"put", "delete", "deletePrefix" and "check"'
      return refuse('ERR_OP', `an operation is of kind ${known}; got ${describeValue(kind)}`)
    }
  }
}

function isNoFieldOfCheck(name: string): boolean {
  return name !== 'kind' && name !== 'category' && name !== 'key' && name !== 'equals'
}

export function checkPut(category: unknown, givenKey: unknown, givenPayload: unknown): Checked<TxOp> {
  const key = ownKey(givenKey)
  const payload = ownPayload(givenPayload)
  const error = checkCategory(category) ?? checkKey(key) ?? checkPayload(payload, category as string, key)
  return error === undefined ? ok({ kind: 'put', category: category as string, key, payload }) : err(error)
}

export function checkDelete(category: unknown, givenKey: unknown): Checked<TxOp> {
  const key = ownKey(givenKey)
  const error = checkCategory(category) ?? checkKey(key)
  return error === undefined ? ok({ kind: 'delete', category: category as string, key }) : err(error)
}

export function checkDeletePrefix(category: unknown, givenPrefix: unknown): Checked<TxOp> {
  const prefix = ownKey(givenPrefix)
  const error = checkCategory(category) ?? checkKey(prefix, 'a prefix')
  return error === undefined ? ok({ kind: 'deletePrefix', category: category as string, prefix }) : err(error)
}

/** A condition on a row; `undefined` demands that there is none. */
function checkCheck(category: unknown, givenKey: unknown, expected: unknown): Checked<TxOp> {
  const key = ownKey(givenKey)
  const equals = expected === undefined ? undefined : ownPayload(expected)
  const error =
    checkCategory(category) ??
    checkKey(key) ??
    (equals === undefined ? undefined : checkPayload(equals, category as string, key))
  if (error !== undefined) return err(error)
  const row = { kind: 'check', category: category as string, key } as const
  return ok(equals === undefined ? row : { ...row, equals })
}

/** A category and a range of it, or everything under a prefix. Errors: `ERR_CATEGORY`, `ERR_RANGE`. */
export function checkQuery(category: unknown, rangeOrPrefix: unknown): Checked<KvRangeQuery> {
  const error = checkCategory(category)
  if (error !== undefined) return err(error)
  try {
    const range = isKeyLike(rangeOrPrefix) ? prefixOf(rangeOrPrefix) : checkRange(rangeOrPrefix)
    return range.map((checked) => ({ category: category as string, range: checked }))
  } catch (cause) {
    return unreadable('ERR_RANGE', 'the range', cause)
  }
}

function prefixOf(given: unknown): Checked<KeyRange> {
  const prefix = ownKey(given)
  const error = checkKey(prefix, 'a prefix')
  return error === undefined ? ok(prefixRange(prefix)) : refuse('ERR_RANGE', error.message)
}

/** One whose start lies behind its stop is legal and holds no rows. Getters of the range may throw. */
function checkRange(range: unknown): Checked<KeyRange> {
  if (typeof range !== 'object' || range === null || !('start' in range)) {
    const message = `a range must be { start: Key, stop?: Key } or a Key as a prefix; got ${describeValue(range)}`
    return refuse('ERR_RANGE', message)
  }
  const { start: first, stop: end } = range as Partial<KeyRange>
  const start = ownKey(first)
  const stop = end === undefined ? undefined : ownKey(end)
  const error =
    checkKey(start, 'the start of a range') ??
    (stop === undefined ? undefined : checkKey(stop, 'the stop of a range'))
  if (error !== undefined) return refuse('ERR_RANGE', error.message)
  return ok(stop === undefined ? { start } : { start, stop })
}

const SCAN_CHECKS = {
  reverse: booleanValue,
  limit: integerFrom(0),
  keysOnly: booleanValue,
  copy: booleanValue,
  ...READ_CHECKS
}
const STREAM_CHECKS = { ...SCAN_CHECKS, pageSize: integerFrom(1) }

/** A scan as it was asked for: what goes to the storage, and what stays with the caller. */
export interface CheckedScan {
  readonly query: KvScanQuery
  readonly read: ReadOptions
  readonly copy: boolean
}

/** Errors: those of `checkQuery`, `ERR_OPTION`. */
export function checkScan(category: unknown, rangeOrPrefix: unknown, options: unknown): Checked<CheckedScan> {
  return scanOf(category, rangeOrPrefix, options, SCAN_CHECKS)
}

/** As `checkScan`, with the size of a page. */
export function checkStream(
  category: unknown,
  rangeOrPrefix: unknown,
  options: unknown
): Checked<CheckedScan & Pick<StreamOptions, 'pageSize'>> {
  return scanOf(category, rangeOrPrefix, options, STREAM_CHECKS)
}

function scanOf(
  category: unknown,
  rangeOrPrefix: unknown,
  options: unknown,
  checks: typeof SCAN_CHECKS
): Checked<CheckedScan & Pick<StreamOptions, 'pageSize'>> {
  const where = checkQuery(category, rangeOrPrefix)
  if (where.isErr()) return err(where.error)
  return checkOptions<StreamOptions>(options, checks).map(
    ({ timeoutMs, signal, copy = false, pageSize, ...how }) => ({
      query: { ...where.value, ...how },
      read: { timeoutMs, signal },
      copy,
      pageSize
    })
  )
}

/** Errors of all of these: `ERR_OPTION`. */
export function checkReadOptions(options: unknown): Checked<ReadOptions> {
  return checkOptions(options, READ_CHECKS)
}

export function checkFlushOptions(options: unknown): Checked<FlushOptions> {
  return checkOptions(options, { ...READ_CHECKS, durable: booleanValue })
}

export function checkRestoreOptions(options: unknown): Checked<RestoreOptions> {
  return checkOptions(options, { overwrite: booleanValue })
}
