/** Owns keeping the operations of a write: its bytes are its caller's again once it is accepted, and may change. */
import { Key } from '../keys/keys.js'
import type { ChangeOp, TxOp } from '../types.js'
import { isOp, type WriteOps } from '../write-ops.js'

/** The same operations, on bytes that nobody else has. */
export function ownOps(ops: WriteOps): WriteOps {
  return isOp(ops) ? ownOp(ops) : ops.map(ownOp)
}

/** The same operation, on bytes that nobody else has. */
export function ownOp(op: TxOp): TxOp {
  if (op.kind !== 'check') return ownChange(op)
  const key = ownKey(op.key)
  return op.equals === undefined ? { ...op, key } : { ...op, key, equals: new Uint8Array(op.equals) }
}

/** The same change, on bytes that nobody else has. */
export function ownChange(op: ChangeOp): ChangeOp {
  if (op.kind === 'deletePrefix') return { ...op, prefix: ownKey(op.prefix) }
  if (op.kind === 'delete') return { ...op, key: ownKey(op.key) }
  return { ...op, key: ownKey(op.key), payload: new Uint8Array(op.payload) }
}

function ownKey({ bytes }: Key): Key {
  return Key.view(new Uint8Array(bytes))
}
