import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../dist/bytes/byte-writer.js'
import { toHex } from '../../dist/bytes/compare.js'

describe('ByteWriter', () => {
  it('writes numbers big endian', () => {
    const writer = new ByteWriter()
    writer.u8(0x01)
    writer.u16(0x0203)
    writer.u32(0x04050607)
    writer.u64(0x08090a0b0c0d0e0fn)
    writer.i64(-2n)
    writer.f64(-1.5)
    expect(writer.offset).toBe(31)
    expect(toHex(writer.take())).toBe('0102030405060708090a0b0c0d0e0ffffffffffffffffebff8000000000000')
  })

  it('writes raw bytes without and blobs with a length', () => {
    const writer = new ByteWriter()
    writer.raw(new Uint8Array([1, 2]))
    writer.blob(new Uint8Array([3]))
    writer.blob(new Uint8Array())
    expect(toHex(writer.take())).toBe('01020000000103' + '00000000')
  })

  it.each([0, 2, 40])('keeps to the length of %p bytes, whatever they say of it', (length) => {
    let lie: unknown
    class Lying extends Uint8Array {
      override get length(): number {
        return lie as number
      }
    }
    const bytes = new Lying(length).fill(7)
    for (lie of [-5, Number.NaN, 3.5, '2', 3, 43, 70_000]) {
      const writer = new ByteWriter(128)
      writer.raw(new Uint8Array(100).fill(9))
      writer.clear()
      writer.blob(bytes)
      writer.u8(1)
      const reader = new ByteReader(writer.take())
      expect(reader.blob().includes(9)).toBe(false)
      expect(reader.u8()).toBe(1)
      expect(reader.done).toBe(true)
      writer.raw(bytes)
      expect(writer.take().includes(9)).toBe(false)
    }
  })

  it('writes text with its length in bytes', () => {
    const writer = new ByteWriter()
    writer.text('aé')
    expect(toHex(writer.take())).toBe('0000000361c3a9')
  })

  it('writes U+FFFD for a lone surrogate', () => {
    const writer = new ByteWriter()
    writer.text('\ud800')
    expect(toHex(writer.take())).toBe('00000003efbfbd')
  })

  it('refuses more than the lengths in it can tell', () => {
    const writer = new ByteWriter()
    writer.u8(1)
    expect(() => writer.makeRoom(2 ** 32 - 1)).toThrow(RangeError)
    writer.u8(2)
    expect(toHex(writer.take())).toBe('0102')
  })

  it.each<readonly [string, (writer: ByteWriter, wrong: never) => unknown, readonly unknown[]]>([
    ['text', (writer, wrong) => writer.text(wrong), [5, undefined, null, {}, Symbol('s'), { length: 9e9 }]],
    ['utf8', (writer, wrong) => writer.utf8(wrong), [5, undefined, ['a'], new Uint8Array(40)]],
    ['raw', (writer, wrong) => writer.raw(wrong), [undefined, { length: -1 }, { length: Symbol('s') }]],
    ['blob', (writer, wrong) => writer.blob(wrong), [undefined, { length: -1 }, { length: 99 }]],
    ['attach', (writer, wrong) => writer.attach(wrong), [undefined, 5, { buffer: new ArrayBuffer(8) }]],
    ['u32', (writer, wrong) => writer.u32(wrong), [5n, Symbol('s')]],
    ['u64', (writer, wrong) => writer.u64(wrong), [5, undefined]],
    ['makeRoom', (writer, wrong) => writer.makeRoom(wrong), [Number.NaN, {}]]
  ])('keeps what was written when it is given what it cannot write: %s', (_, write, wrongs) => {
    for (const wrong of wrongs) {
      const writer = new ByteWriter(4)
      const kept = new Uint8Array(3)
      writer.u8(7)
      writer.attach(kept)
      const { offset } = writer
      expect(() => write(writer, wrong as never)).toThrow()
      writer.rewind(offset)
      writer.u8(8)
      expect(writer.takeAttached()).toEqual([kept])
      expect(toHex(writer.take())).toBe('070000000008')
    }
  })

  it('says what is no text, and writes nothing of it', () => {
    const writer = new ByteWriter()
    expect(() => writer.text(5 as never)).toThrow(new TypeError('text must be a string, not of type number'))
    expect(writer.offset).toBe(0)
  })

  it('grows from any initial size without losing what was written', () => {
    for (const initialBytes of [0, 1, 3, 1024]) {
      const writer = new ByteWriter(initialBytes)
      for (let i = 0; i < 1000; i++) writer.u32(i)
      writer.text('é'.repeat(5000))
      const reader = new ByteReader(writer.take())
      for (let i = 0; i < 1000; i++) expect(reader.u32()).toBe(i)
      expect(reader.text()).toBe('é'.repeat(5000))
      expect(reader.done).toBe(true)
    }
  })

  it('patches lengths after the fact', () => {
    const writer = new ByteWriter()
    writer.u32(0)
    writer.u16(0)
    writer.u8(9)
    writer.patchU32(0, 0xfffefdfc)
    writer.patchU16(4, 0xabcd)
    expect(toHex(writer.take())).toBe('fffefdfcabcd09')
  })

  it('rewinds', () => {
    const writer = new ByteWriter()
    writer.u32(1)
    writer.rewind(2)
    writer.u8(7)
    expect(toHex(writer.take())).toBe('000007')
  })

  it('takes copies that own exactly their buffer', () => {
    const writer = new ByteWriter()
    writer.u16(0x0102)
    const first = writer.take()
    expect(first.byteOffset).toBe(0)
    expect(first.buffer.byteLength).toBe(2)
    expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype)
    expect(writer.offset).toBe(0)
    writer.u16(0xffff)
    expect(toHex(first)).toBe('0102')
    expect(toHex(writer.take())).toBe('ffff')
    expect(writer.take()).toHaveLength(0)
  })

  it('takes the tail and goes back to where it began', () => {
    const writer = new ByteWriter()
    writer.u16(0x0102)
    const start = writer.offset
    writer.u16(0x0304)
    expect(toHex(writer.takeFrom(start))).toBe('0304')
    expect(toHex(writer.take())).toBe('0102')
  })

  it('works on after it has given back an overgrown buffer', () => {
    const writer = new ByteWriter(16)
    writer.raw(new Uint8Array(3 * 1024 * 1024).fill(5))
    const large = writer.take()
    writer.u8(1)
    expect(large).toHaveLength(3 * 1024 * 1024)
    expect(large.every((byte) => byte === 5)).toBe(true)
    expect(toHex(writer.take())).toBe('01')
  })

  it('shows what was written without a copy, and forgets it, however large it was', () => {
    const writer = new ByteWriter(8)
    writer.text('ab')
    expect(toHex(writer.written(4, 6))).toBe('6162')
    writer.raw(new Uint8Array(3 * 1024 * 1024).fill(5))
    expect(writer.written(6, 6 + 3 * 1024 * 1024).every((byte) => byte === 5)).toBe(true)
    writer.clear()
    expect(writer.offset).toBe(0)
    writer.u8(1)
    expect(toHex(writer.take())).toBe('01')
  })

  it('attaches bytes beside what is written, and forgets those of what is rewound', () => {
    const writer = new ByteWriter()
    const [first, second, third] = [1, 2, 3].map((n) => new Uint8Array(n).fill(n)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array
    ]
    writer.u8(9)
    writer.attach(first)
    const before = writer.offset
    writer.attach(second)
    expect(writer.size).toBe(writer.offset + 3)
    writer.rewind(before)
    expect(writer.size).toBe(before + 1)
    writer.attach(third)
    const attached = writer.takeAttached()
    expect(attached).toEqual([first, third])
    expect(attached[1]).toBe(third)
    expect(writer.takeAttached()).toEqual([])
    const bytes = writer.take()
    expect(toHex(bytes)).toBe('090000000000000001')
    expect(writer.size).toBe(0)
    const reader = new ByteReader(bytes, attached)
    reader.u8()
    expect(reader.attached()).toBe(first)
    expect(reader.attached()).toBe(third)
    expect(() => new ByteReader(new Uint8Array([0, 0, 0, 2]), attached).attached()).toThrow(
      new RangeError('truncated: needed 3 attached byte values, of 2')
    )
    expect(() => new ByteReader(new Uint8Array(4)).attached()).toThrow(RangeError)
  })

  it('attaches a copy of what fills no more than half of its buffer, as parts of a pool do', () => {
    const writer = new ByteWriter()
    const pool = new Uint8Array(8).fill(1)
    writer.attach(pool.subarray(2, 6))
    writer.attach(pool.subarray(3))
    const [half, more] = writer.takeAttached() as [Uint8Array, Uint8Array]
    expect([half, more]).toEqual([new Uint8Array(4).fill(1), new Uint8Array(5).fill(1)])
    expect([half.buffer === pool.buffer, more.buffer === pool.buffer]).toEqual([false, true])
  })

  it('has the reader find nothing in place of what was given away after it was attached', () => {
    const writer = new ByteWriter()
    const [lost, kept] = [new Uint8Array(4), new Uint8Array(5)]
    writer.attach(lost)
    writer.attach(kept)
    structuredClone(lost, { transfer: [lost.buffer] })
    const attached = writer.takeAttached()
    const reader = new ByteReader(writer.take(), attached)
    expect(() => reader.attached()).toThrow(
      new RangeError('attached bytes were given away before they were sent')
    )
    expect(reader.attached()).toBe(kept)
  })

  it('refuses to attach shared memory, which cannot be given away', () => {
    const writer = new ByteWriter()
    expect(() => writer.attach(new Uint8Array(new SharedArrayBuffer(8)))).toThrow(
      new TypeError(
        'bytes to be attached must lie in an ArrayBuffer; those in shared memory are to be written'
      )
    )
    expect([writer.offset, writer.takeAttached().length]).toEqual([0, 0])
  })

  it('is read back by ByteReader whatever is written', () => {
    const entry = fc.oneof(
      fc.record({
        kind: fc.constant('text' as const),
        value: fc.string({ unit: 'grapheme', maxLength: 80 })
      }),
      fc.record({ kind: fc.constant('blob' as const), value: fc.uint8Array({ maxLength: 80 }) }),
      fc.record({ kind: fc.constant('f64' as const), value: fc.double() }),
      fc.record({ kind: fc.constant('i64' as const), value: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) }),
      fc.record({ kind: fc.constant('u16' as const), value: fc.integer({ min: 0, max: 0xffff }) })
    )
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const writer = new ByteWriter(8)
        for (const { kind, value } of entries) writer[kind](value as never)
        const reader = new ByteReader(writer.take())
        for (const { kind, value } of entries) expect(reader[kind]()).toEqual(value)
        expect(reader.done).toBe(true)
      })
    )
  })
})
