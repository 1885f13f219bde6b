/** Owns keeping the operations of a write: its bytes are its caller's again once it is accepted, and may change. */
import { isOp, type WriteOps } from '../accepted-writes.js'
import { Key } from '../keys.js'
import type { TxOp } from '../types.js'
import { copyOp } from '../watch/matching.js'

/** The same operations, on bytes that nobody else has. */
export function ownOps(ops: WriteOps): WriteOps {
  return isOp(ops) ? ownOp(ops) : ops.map(ownOp)
}

/** The same operation, on bytes that nobody else has. */
export function ownOp(op: TxOp): TxOp {
  if (op.kind !== 'check') return copyOp(op)
  const key = Key.view(new Uint8Array(op.key.bytes))
  return op.equals === undefined ? { ...op, key } : { ...op, key, equals: new Uint8Array(op.equals) }
}
