/** Owns the checks on what makes up a row: category, key and payload. */
import { err, ok } from 'neverthrow'
import { isDetached } from '../../bytes/detached.js'
import { plainBytes } from '../../bytes/length-of.js'
import { describeValue } from '../describe.js'
import { PersistencyError } from '../errors.js'
import { isKeyLike, isUint8Array } from '../keys/key-parts.js'
import { Key } from '../keys/keys.js'
import { MAX_ROW_BYTES, mostUtf8Bytes } from '../size-limits.js'
import { type Checked, refuse } from './checked.js'
import { unreadable } from './options.js'

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
export function checkPayload(payload: unknown, category: string, key: Key): PersistencyError | undefined {
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
export function ownPayload(payload: unknown): Uint8Array {
  return isUint8Array(payload) ? plainBytes(payload) : (payload as Uint8Array)
}
