/** Owns what an `ERR_CONFLICT` says besides its message: which condition did not hold. */
import { type Key, keyFromHex } from './keys/keys.js'

/** A check whose row held something else. */
export interface CheckConflict {
  readonly kind: 'check'
  readonly category: string
  readonly key: Key
}

/** An append whose stream was elsewhere. */
export interface StreamConflict {
  readonly kind: 'stream'
  readonly stream: string
  readonly expectedSeq: number | 'none'
  /** Position of the last event of the stream; 0 when it is empty. */
  readonly actualSeq: number
}

/** The condition that did not hold. */
export type Conflict = CheckConflict | StreamConflict

/** A conflict as plain data; the key in hex. */
export type ConflictData = (Omit<CheckConflict, 'key'> & { readonly key: string }) | StreamConflict

export function conflictData(conflict: Conflict): ConflictData {
  return conflict.kind === 'check' ? { ...conflict, key: conflict.key.toString() } : conflict
}

export function conflictFrom(data: ConflictData): Conflict {
  return data.kind === 'check' ? { ...data, key: keyFromHex(data.key) } : data
}
