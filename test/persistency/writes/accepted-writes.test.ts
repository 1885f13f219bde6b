import { describe, expect, it } from '@jest/globals'
import { key, type TxOp } from 'persistency'
import { countOf, listOf, sizeOf } from '../../../dist/persistency/write-ops.js'
import { AcceptedWrites } from '../../../dist/persistency/writes/accepted-writes.js'

const op: TxOp = { kind: 'delete', category: 'c', key: key(1) }

describe('AcceptedWrites', () => {
  it('numbers writes, and gives them back in order up to a number', () => {
    const writes = new AcceptedWrites()
    expect([
      writes.push(op, 1, undefined),
      writes.push([op, op], 2, undefined),
      writes.push([], 3, undefined)
    ]).toEqual([1, 2, 3])
    expect(writes.lastSeq).toBe(3)
    expect(writes.shiftUpTo(2)).toMatchObject({ seq: 1, ops: op, bytes: 1 })
    expect(writes.shiftUpTo(2)).toMatchObject({ seq: 2, ops: [op, op], bytes: 2 })
    expect(writes.shiftUpTo(2)).toBeUndefined()
    expect(writes.shiftUpTo(9)).toMatchObject({ seq: 3 })
    expect(writes.shiftUpTo(9)).toBeUndefined()
    expect(writes.push(op, 1, undefined)).toBe(4)
  })

  it('takes a write out once, wherever it is', () => {
    const writes = new AcceptedWrites()
    const told: number[] = []
    for (let seq = 1; seq <= 4; seq++) writes.push(op, seq, () => told.push(seq) > 0)
    const third = writes.take(3)
    third?.acknowledge?.(undefined, third)
    expect(third).toMatchObject({ seq: 3, bytes: 3 })
    expect([writes.take(3), writes.take(0), writes.take(5)]).toEqual([undefined, undefined, undefined])
    const rest = []
    for (let next = writes.shiftUpTo(4); next !== undefined; next = writes.shiftUpTo(4)) rest.push(next.seq)
    expect([rest, told]).toEqual([[1, 2, 4], [3]])
    expect(writes.take(4)).toBeUndefined()
  })

  it('counts a single operation like a list of one', () => {
    expect([countOf(op), countOf([op]), listOf(op).length]).toEqual([1, 1, 1])
    expect(sizeOf(op)).toBe(sizeOf([op]))
  })
})
