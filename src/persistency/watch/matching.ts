/** Owns which changes concern a range. */
import { compareBytes } from '../../bytes/compare.js'
import { type KeyRange, prefixRange, rangeIncludes } from '../keys/key-range.js'
import type { KvRangeQuery } from '../message-payloads.js'
import type { ChangeOp, TxOp } from '../types.js'

/** Whether an operation changes, or may remove, rows of a range. */
export function concerns(op: TxOp, { category, range }: KvRangeQuery): op is ChangeOp {
  if (op.kind === 'check' || op.category !== category) return false
  return op.kind === 'deletePrefix' ? overlap(prefixRange(op.prefix), range) : rangeIncludes(range, op.key)
}

function overlap(one: KeyRange, other: KeyRange): boolean {
  return !isEmpty(other) && startsBeforeStop(one, other) && startsBeforeStop(other, one)
}

function startsBeforeStop({ start }: KeyRange, { stop }: KeyRange): boolean {
  return stop === undefined || stop.length === 0 || compareBytes(start.bytes, stop.bytes) < 0
}

function isEmpty(range: KeyRange): boolean {
  return !startsBeforeStop(range, range)
}
