import { describe, expect, it } from '@jest/globals'
import { type Key, key, type TxOp } from 'persistency'
import { ByteReader } from '../../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../../dist/bytes/byte-writer.js'
import { PackedWrite } from '../../../dist/persistency/frames/packed-write.js'
import { persistEvent } from '../../../dist/persistency/frames/wire.js'

const put = (at: number): TxOp => ({
  kind: 'put',
  category: 'a',
  key: key(at),
  payload: new Uint8Array([at])
})

const OPS: readonly TxOp[] = [
  put(1),
  { kind: 'delete', category: 'ü', key: key(2) },
  { kind: 'deletePrefix', category: '', prefix: key('x') },
  { kind: 'check', category: 'c', key: key(3), equals: new Uint8Array([1, 2]) },
  { kind: 'check', category: 'c', key: key(4) }
]

function frameOf(...writes: readonly (readonly TxOp[])[]): Uint8Array {
  const writer = new ByteWriter()
  for (const [index, ops] of writes.entries()) {
    persistEvent.write(writer, { jobId: 'some-job', seq: index + 1, ops, bytes: 100 })
  }
  return writer.take()
}

/** Operations with keys in one form. */
function plain(ops: readonly TxOp[]): unknown[] {
  const hex = (part: Key): string => part.toString()
  return ops.map((op) =>
    op.kind === 'deletePrefix' ? { ...op, prefix: hex(op.prefix) } : { ...op, key: hex(op.key) }
  )
}

describe('PackedWrite', () => {
  it('gives the operations that were written, as often as it is asked', () => {
    const write = new PackedWrite(new ByteReader(frameOf(OPS)))
    expect(write).toMatchObject({ jobId: 'some-job', seq: 1, bytes: 100, opCount: 5 })
    expect(plain(write.ops)).toEqual(plain(OPS))
    expect(plain(write.ops)).toEqual(plain(OPS))
  })

  it('can be asked while the frame is being read further', () => {
    const reader = new ByteReader(frameOf([put(1)], [put(2)], OPS))
    const first = new PackedWrite(reader)
    expect(plain(first.ops)).toEqual(plain([put(1)]))
    const second = new PackedWrite(reader)
    expect(plain([...first.ops, ...second.ops])).toEqual(plain([put(1), put(2)]))
    expect(plain(new PackedWrite(reader).ops)).toEqual(plain(OPS))
    expect(reader.done).toBe(true)
  })

  it('refuses bytes that are no write', () => {
    const frame = frameOf(OPS)
    for (let length = 0; length < frame.length; length++) {
      expect(() => new PackedWrite(new ByteReader(frame.subarray(0, length)))).toThrow(RangeError)
    }
    const unknown = frameOf([put(1)])
    unknown[4 + 8 + 8 + 8 + 4] = 9
    expect(() => new PackedWrite(new ByteReader(unknown))).toThrow('unknown operation tag 9')
  })
})
