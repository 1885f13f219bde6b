import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { RingReader, RingWriter, ringMemory } from '../../dist/threads/port/ring.js'

function ring(): { writer: RingWriter; reader: RingReader } {
  const memory = ringMemory()
  return { writer: new RingWriter(memory), reader: new RingReader(memory) }
}

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)

/** As `toEqual`, which takes long over many bytes, and is asked only for how they differ. */
function expectBytes(frame: Uint8Array | undefined, expected: Uint8Array): void {
  if (frame === undefined || Buffer.compare(frame, expected) !== 0) expect(frame).toEqual(expected)
}

describe('a ring', () => {
  it('hands frames over in order, with their lanes', () => {
    const { writer, reader } = ring()
    expect(writer.write(0, 7, bytes(3, 1))).toBe(true)
    expect(writer.write(1, 0, bytes(0, 0))).toBe(true)
    expect(reader.take(0)).toEqual({ seq: 0, lane: 7, frame: bytes(3, 1) })
    expect(reader.take(1)).toEqual({ seq: 1, lane: 0, frame: bytes(0, 0) })
    expect(reader.empty).toBe(true)
  })

  it('keeps a frame whose turn has not come', () => {
    const { writer, reader } = ring()
    writer.write(5, 0, bytes(1, 1))
    expect(reader.take(4)).toBeUndefined()
    expect(reader.take(5)).toBeDefined()
  })

  it('gives frames memory of their own', () => {
    const { writer, reader } = ring()
    writer.write(0, 0, bytes(100, 1))
    const frame = reader.take(0)?.frame
    expect(frame?.buffer).toBeInstanceOf(ArrayBuffer)
    for (let seq = 1; seq < 2000; seq++) {
      writer.write(seq, 0, bytes(100, 2))
      reader.take(seq)
    }
    expect(frame).toEqual(bytes(100, 1))
  })

  it('refuses what is too large, and what it has no room for until something is taken', () => {
    const { writer, reader } = ring()
    expect(writer.write(0, 0, bytes(16 * 1024 + 1, 0))).toBe(false)
    let written = 0
    while (writer.write(written, 0, bytes(10_000, written))) written++
    expect(written).toBe(6)
    expect(reader.take(0)?.frame).toEqual(bytes(10_000, 0))
    expect(writer.write(written, 0, bytes(10_000, written))).toBe(true)
  })

  it('is full where its counters turn negative as elsewhere', () => {
    const memory = ringMemory()
    const counters = new Int32Array(memory)
    // Those of written and read bytes.
    counters[0] = counters[16] = 2 ** 31 - 32 * 1024
    const writer = new RingWriter(memory)
    let written = 0
    while (written < 100 && writer.write(written, 0, bytes(1000, written))) written++
    expect(written).toBe(64)
    const reader = new RingReader(memory)
    for (let seq = 0; seq < written; seq++) expectBytes(reader.take(seq)?.frame, bytes(1000, seq))
    expect(reader.empty).toBe(true)
  })

  it('loses and mixes nothing, whatever the sizes', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 16 * 1024 }), { maxLength: 200 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 9 }), (lengths, lag) => {
        const { writer, reader } = ring()
        let taken = 0
        const take = (): void => {
          const length = lengths[taken] as number
          expectBytes(reader.take(taken)?.frame, bytes(length, taken))
          taken++
        }
        for (const [seq, length] of lengths.entries()) {
          while (!writer.write(seq, 0, bytes(length, seq))) take()
          if (seq - taken >= lag) take()
        }
        while (taken < lengths.length) take()
        expect(reader.empty).toBe(true)
      })
    )
  })

  it('has a sleeping reader called once', () => {
    const { writer, reader } = ring()
    expect([writer.mustCall(), writer.mustCall()]).toEqual([true, false])
    reader.wake()
    expect(writer.mustCall()).toBe(false)
    reader.sleep()
    expect([writer.mustCall(), writer.mustCall()]).toEqual([true, false])
  })
})
