import { describe, expect, it } from '@jest/globals'
import { type Key, key, type TxOp } from 'persistency'
import { ByteReader } from '../../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../../dist/bytes/byte-writer.js'
import { MOST_PUTS, PackedPuts, PackedWrites } from '../../../dist/persistency/frames/packed-writes.js'
import { persistEvent } from '../../../dist/persistency/frames/wire.js'

interface Announced {
  readonly seq: number
  readonly ops: readonly TxOp[]
}

const put = (at: number): TxOp => ({
  kind: 'put',
  category: at % 2 === 0 ? 'even' : 'odd',
  key: key(at),
  payload: new Uint8Array([at])
})
const remove: TxOp = { kind: 'delete', category: 'odd', key: key(1) }

function frameOf(writes: readonly Announced[]): Uint8Array {
  const writer = new ByteWriter()
  for (const { seq, ops } of writes) {
    const at = writer.offset
    writer.u32(0)
    persistEvent.write(writer, { jobId: 'some-job', seq, ops, bytes: 100 + seq })
    writer.patchU32(at, writer.offset - at - 4)
  }
  return writer.take()
}

const puts = (from: number, to: number): Announced[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ({ seq: from + at, ops: [put(from + at)] }))

const read = (writes: readonly Announced[]): PackedWrites => new PackedWrites(new ByteReader(frameOf(writes)))

/** A part as its first and last number, or as the number of a write that stands alone. */
const outline = ({ parts }: PackedWrites): unknown[] =>
  parts.map((part) => (part instanceof PackedPuts ? [part.firstSeq, part.lastSeq] : part.seq))

/** Operations with keys in one form. */
const plain = (ops: readonly TxOp[]): unknown[] =>
  ops.map((op) => ({ ...op, key: (op as { key: Key }).key.toString() }))

describe('PackedWrites', () => {
  it('keeps single puts together, and other writes apart', () => {
    const writes = [
      ...puts(1, 3),
      { seq: 4, ops: [remove] },
      { seq: 5, ops: [put(5)] },
      { seq: 6, ops: [put(6), put(7)] },
      { seq: 7, ops: [] },
      ...puts(8, 9)
    ]
    expect(outline(read(writes))).toEqual([[1, 3], 4, [5, 5], 6, 7, [8, 9]])
  })

  it('gives all writes in their order, as often as it is asked', () => {
    const writes = [...puts(1, 3), { seq: 4, ops: [remove, put(4)] }, ...puts(5, 5)]
    const run = read(writes)
    for (let times = 0; times < 2; times++) {
      expect([...run].map(({ jobId, seq, ops, bytes }) => ({ jobId, seq, ops: plain(ops), bytes }))).toEqual(
        writes.map(({ seq, ops }) => ({ jobId: 'some-job', seq, ops: plain(ops), bytes: 100 + seq }))
      )
    }
  })

  it('cuts what is more than one statement stores', () => {
    const run = read(puts(1, MOST_PUTS * 2 + 1))
    expect(outline(run)).toEqual([
      [1, MOST_PUTS],
      [MOST_PUTS + 1, MOST_PUTS * 2],
      [MOST_PUTS * 2 + 1, MOST_PUTS * 2 + 1]
    ])
  })

  it('keeps apart what has no number, and what does not follow', () => {
    const [unnumbered, gap] = [
      { seq: 0, ops: [put(1)] },
      { seq: 9, ops: [put(9)] }
    ] as const
    expect(outline(read([...puts(1, 2), unnumbered, ...puts(3, 4), gap]))).toEqual([
      [1, 2],
      0,
      [3, 4],
      [9, 9]
    ])
  })

  it('gives the values of puts, and what they count for', () => {
    const [part] = read(puts(3, 4)).parts as [PackedPuts]
    expect([part.count, part.bytes]).toEqual([2, 103 + 104])
    const categories = { even: new Uint8Array([2]), odd: new Uint8Array([1]) }
    const values = part.values((name) => categories[name as 'even' | 'odd'])
    const expected = [categories.odd, key(3).bytes, [3], categories.even, key(4).bytes, [4]]
    expect(values.map((value) => [...value])).toEqual(expected.map((value) => [...value]))
    expect(plain(part.puts)).toEqual(plain([put(3), put(4)]))
  })

  it('refuses bytes that are no writes', () => {
    const frame = frameOf([...puts(1, 2), { seq: 3, ops: [remove] }])
    const ends = new Set([0])
    for (let end = 0; end < frame.length; ) {
      end += 4 + new ByteReader(frame.subarray(end)).u32()
      ends.add(end)
    }
    for (let length = 0; length < frame.length; length++) {
      const cut = (): unknown => new PackedWrites(new ByteReader(frame.subarray(0, length)))
      if (ends.has(length)) cut()
      else expect(cut).toThrow(RangeError)
    }
  })
})
