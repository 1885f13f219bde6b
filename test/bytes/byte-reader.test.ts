import { describe, expect, it } from '@jest/globals'
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { fromHex } from '../../dist/bytes/compare.js'

describe('ByteReader', () => {
  it('reads numbers big endian', () => {
    const reader = new ByteReader(fromHex('0102030405060708090a0b0c0d0e0ffffffffffffffffebff8000000000000'))
    expect(reader.u8()).toBe(0x01)
    expect(reader.u16()).toBe(0x0203)
    expect(reader.u32()).toBe(0x04050607)
    expect(reader.u64()).toBe(0x08090a0b0c0d0e0fn)
    expect(reader.i64()).toBe(-2n)
    expect(reader.f64()).toBe(-1.5)
    expect(reader.done).toBe(true)
  })

  it('tells where it is and what is left', () => {
    const reader = new ByteReader(new Uint8Array(5))
    reader.skip(2)
    expect([reader.offset, reader.remaining, reader.done]).toEqual([2, 3, false])
  })

  it('reads a slice of a larger buffer', () => {
    const reader = new ByteReader(fromHex('ff00000002616200ff').subarray(1, 8))
    expect(reader.text()).toBe('ab')
    expect(reader.u8()).toBe(0)
    expect(() => reader.u8()).toThrow(RangeError)
  })

  it('gives views that share memory', () => {
    const bytes = new Uint8Array([1, 2, 3])
    const reader = new ByteReader(bytes)
    reader.skip(1)
    const view = reader.view(2)
    bytes[1] = 9
    expect([...view]).toEqual([9, 3])
  })

  it('gives plain Uint8Array views over a Buffer', () => {
    const reader = new ByteReader(Buffer.from([0, 0, 0, 1, 7]))
    const view = reader.blob()
    expect(Object.getPrototypeOf(view)).toBe(Uint8Array.prototype)
    expect([...view]).toEqual([7])
  })

  it('keeps a byte order mark, in short and in long text', () => {
    expect(new ByteReader(fromHex('efbbbf78')).utf8(4)).toBe('\ufeffx')
    expect(new ByteReader(fromHex(`efbbbf${'78'.repeat(300)}`)).utf8(303)).toBe(`\ufeff${'x'.repeat(300)}`)
  })

  it('names what was needed, where and of how much', () => {
    const reader = new ByteReader(new Uint8Array(12))
    reader.skip(10)
    expect(() => reader.u32()).toThrow(new RangeError('truncated: needed 4 bytes at offset 10 of 12'))
  })

  it.each(['u8', 'u16', 'u32', 'u64', 'i64', 'f64', 'blob', 'text'] as const)(
    'refuses to read a %s past the end',
    (method) => {
      expect(() => new ByteReader(new Uint8Array())[method]()).toThrow(RangeError)
    }
  )

  it.each(['view', 'utf8', 'skip'] as const)('refuses to %s past the end', (method) => {
    expect(() => new ByteReader(new Uint8Array(2))[method](3)).toThrow(RangeError)
  })

  it.each(['blob', 'text'] as const)('stays where it was after a %s whose content is cut off', (method) => {
    const reader = new ByteReader(fromHex('00000005aabb'))
    expect(() => reader[method]()).toThrow(new RangeError('truncated: needed 5 bytes at offset 4 of 6'))
    expect(reader.offset).toBe(0)
  })

  it('refuses bytes that are not UTF-8', () => {
    expect(() => new ByteReader(fromHex('00000002c328')).text()).toThrow(/not valid UTF-8/)
  })

  it('counts the bytes before the next one of a value', () => {
    const reader = new ByteReader(fromHex('0102000300'))
    reader.skip(1)
    expect(reader.distanceTo(0)).toBe(1)
    expect(() => reader.distanceTo(9)).toThrow(RangeError)
  })

  it('leaves the parts within a part as well that were not left, because reading them failed', () => {
    const reader = new ByteReader(fromHex('0102030405'))
    const outer = reader.enter(4)
    const middle = reader.enter(3)
    reader.enter(1)
    reader.leave(middle)
    expect(reader.u8()).toBe(4)
    reader.enter(0)
    reader.leave(outer)
    expect(reader.u8()).toBe(5)
    expect(() => reader.again(0, 2, (again) => again.u8() + again.enter(9))).toThrow(RangeError)
    expect(reader.done).toBe(true)
  })

  it('stays within a part that was entered, and goes on behind it', () => {
    const reader = new ByteReader(fromHex('0102030004'))
    const outer = reader.enter(2)
    expect(reader.u8()).toBe(1)
    expect(reader.remaining).toBe(1)
    expect(() => reader.u16()).toThrow(RangeError)
    expect(() => reader.distanceTo(0)).toThrow(RangeError)
    reader.leave(outer)
    expect(reader.u8()).toBe(3)
    expect(() => reader.enter(3)).toThrow(RangeError)
    expect(reader.remaining).toBe(2)
  })
})
