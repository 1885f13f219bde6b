/**
 * Owns the bytes of operations, in frames and in the journal. Tags 1 to 3 and their layout are format 1 of the journal
 * (see `docs/file-format.md`): they lie in files, so they do not change. A check lies in frames only.
 */
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { Key } from '../keys/keys.js'
import type { TxOp } from '../types.js'

const OpTag = { put: 1, delete: 2, deletePrefix: 3, check: 4, checkAbsent: 5 } as const

const COUNT_AND_TAG_BYTES = 5

/** A count, then the operations. */
export function writeOps(writer: ByteWriter, ops: readonly TxOp[]): void {
  writer.u32(ops.length)
  for (const op of ops) writeOp(writer, op)
}

/** What `writeOps` wrote. Keys and payloads are views on the bytes that are read. */
export function readOps(reader: ByteReader): TxOp[] {
  const ops: TxOp[] = []
  for (let left = reader.u32(); left > 0; left--) ops.push(readOp(reader))
  return ops
}

/**
 * Passes over what `writeOps` wrote, if it is one put and nothing else. Answers whether it is; if not, the position is
 * somewhere in it.
 */
export function isOnlyPut(reader: ByteReader): boolean {
  if (reader.u32() !== 1 || reader.u8() !== OpTag.put) return false
  reader.skipText()
  reader.skipText()
  reader.skipText()
  return true
}

/** Passes over what `writeOps` wrote of one put, up to its category. */
export function skipPutHeader(reader: ByteReader): void {
  reader.skip(COUNT_AND_TAG_BYTES)
}

/** Passes over what `writeOps` wrote; answers how many operations that are. */
export function skipOps(reader: ByteReader): number {
  const count = reader.u32()
  for (let left = count; left > 0; left--) {
    const tag = reader.u8()
    reader.skipText()
    reader.skipText()
    if (tag === OpTag.put || tag === OpTag.check) reader.skipText()
    else if (tag < OpTag.put || tag > OpTag.checkAbsent) throw unknownTag(tag)
  }
  return count
}

export function writeOp(writer: ByteWriter, op: TxOp): void {
  if (op.kind === 'check') writer.u8(op.equals === undefined ? OpTag.checkAbsent : OpTag.check)
  else writer.u8(OpTag[op.kind])
  writer.text(op.category)
  writer.blob(op.kind === 'deletePrefix' ? op.prefix.bytes : op.key.bytes)
  if (op.kind === 'put') writer.blob(op.payload)
  else if (op.kind === 'check' && op.equals !== undefined) writer.blob(op.equals)
}

/** Whether the operation in `reader` is a put; what follows is its category, key and payload, bytes behind their length. */
export function isPut(reader: ByteReader): boolean {
  return reader.u8() === OpTag.put
}

function readOp(reader: ByteReader): TxOp {
  const tag = reader.u8()
  const category = reader.text()
  const key = Key.view(reader.blob())
  switch (tag) {
    case OpTag.put:
      return { kind: 'put', category, key, payload: reader.blob() }
    case OpTag.delete:
      return { kind: 'delete', category, key }
    case OpTag.deletePrefix:
      return { kind: 'deletePrefix', category, prefix: key }
    case OpTag.check:
      return { kind: 'check', category, key, equals: reader.blob() }
    case OpTag.checkAbsent:
      return { kind: 'check', category, key }
    default:
      throw unknownTag(tag)
  }
}

function unknownTag(tag: number): RangeError {
  return new RangeError(`unknown operation tag ${tag}`)
}
