/**
 * Owns the checks on writes. Nothing is queued before it has passed here; what passes is a clean copy, read once, so that
 * later changes and getters in the caller's objects have no effect.
 */
import { err, ok } from 'neverthrow'
import { describeValue } from '../describe.js'
import { bytesOf, MAX_EVENT_BYTES, MAX_WRITE_BYTES, recordedBytesOf } from '../size-limits.js'
import type { TxOp } from '../types.js'
import { listOf, type WriteOps } from '../write-ops.js'
import { type Checked, refuse } from './checked.js'
import { unreadable } from './options.js'
import { checkCategory, checkKey, checkPayload, ownKey, ownPayload } from './rows.js'

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
      const known = '"put", "delete", "deletePrefix" or "check"'
      return refuse('ERR_OP', `the kind of an operation must be ${known}; got ${describeValue(kind)}`)
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
