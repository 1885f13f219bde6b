/**
 * Owns the bytes of operations, in frames and in the journal. Tags 1 to 3 and their layout are format 1 of the journal
 * (see `docs/file-format.md`): they lie in files, so they do not change. A check lies in frames only.
 */
import type { ByteReader } from '../bytes/byte-reader.js'
import type { ByteWriter } from '../bytes/byte-writer.js'
import { Key } from './keys.js'
import type { PutOp, TxOp } from './types.js'

const OpTag = { put: 1, delete: 2, deletePrefix: 3, check: 4, checkAbsent: 5 } as const

const COUNT_AND_TAG_BYTES = 5

/** How many operations there are, and how many of them are puts. */
export interface OpCounts {
  readonly count: number
  readonly puts: number
}

const ONE_PUT: OpCounts = { count: 1, puts: 1 }

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

/** What `writeOps` wrote of one put. */
export function readOnlyPut(reader: ByteReader): PutOp {
  reader.skip(COUNT_AND_TAG_BYTES)
  const category = reader.text()
  return { kind: 'put', category, key: Key.view(reader.blob()), payload: reader.blob() }
}

/** Passes over what `writeOps` wrote; answers how many operations that are, and how many of them puts. */
export function skipOps(reader: ByteReader): OpCounts {
  const count = reader.u32()
  let puts = 0
  for (let left = count; left > 0; left--) {
    const tag = reader.u8()
    reader.skipText()
    reader.skipText()
    if (tag === OpTag.put) puts++
    if (tag === OpTag.put || tag === OpTag.check) reader.skipText()
    else if (tag < OpTag.put || tag > OpTag.checkAbsent) throw unknownTag(tag)
  }
  return count === 1 && puts === 1 ? ONE_PUT : { count, puts }
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
