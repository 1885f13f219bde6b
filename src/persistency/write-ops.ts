/** Owns what a write consists of: one operation, as most do, or a list of them. */
import type { TxOp } from './types.js'

export type WriteOps = TxOp | readonly TxOp[]

/** What an operation counts for besides its keys and payload: the objects that carry it. */
const OP_OVERHEAD_BYTES = 64

export function listOf(ops: WriteOps): readonly TxOp[] {
  return isOp(ops) ? [ops] : ops
}

/** A list of its own, for those who may do with it what they like. */
export function shownList(ops: WriteOps): readonly TxOp[] {
  return isOp(ops) ? [ops] : ops.slice()
}

export function countOf(ops: WriteOps): number {
  return isOp(ops) ? 1 : ops.length
}

/** What operations count for in the limits of a queue. */
export function sizeOf(ops: WriteOps): number {
  if (isOp(ops)) return sizeOfOp(ops)
  let bytes = 0
  for (const op of ops) bytes += sizeOfOp(op)
  return bytes
}

function sizeOfOp(op: TxOp): number {
  if (op.kind === 'put') return OP_OVERHEAD_BYTES + op.key.bytes.length + op.payload.length
  if (op.kind === 'check') return OP_OVERHEAD_BYTES + op.key.bytes.length + (op.equals?.length ?? 0)
  return OP_OVERHEAD_BYTES + (op.kind === 'delete' ? op.key.bytes.length : op.prefix.bytes.length)
}

/** Whether it is one operation, not a list of them. */
export function isOp(ops: WriteOps): ops is TxOp {
  return !Array.isArray(ops)
}
