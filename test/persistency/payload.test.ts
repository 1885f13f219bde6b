import { describe, expect, it } from '@jest/globals'
import { bytes, enumeration, integer, key, payload, string, struct, toPayload } from 'persistency'

describe('payload', () => {
  it('encodes like a key and gives bytes', () => {
    const parts = ['a', 1, [true, 2n], key('x')] as const
    expect(payload(...parts)).toEqual(key(...parts).bytes)
    expect(payload(...parts)).toBeInstanceOf(Uint8Array)
    expect(payload()).toHaveLength(0)
  })

  it('gives bytes that the caller owns', () => {
    const first = payload('abc')
    expect(first.buffer.byteLength).toBe(first.length)
    first.fill(0xff)
    expect([...payload('abc')]).toEqual([0, 3, 0x61, 0x62, 0x63])
  })

  it('makes the same payload of one value with toPayload', () => {
    for (const value of ['a', 1, 2n, true, new Uint8Array(3), key('x'), ['a', 1]]) {
      expect(toPayload(value)).toEqual(payload(value))
    }
  })

  it('puts a 2-byte length before bytes', () => {
    expect([...toPayload(new Uint8Array([9, 8]))]).toEqual([0, 2, 9, 8])
  })

  it('refuses an object and tells what it got', () => {
    expect(() => toPayload({ a: 1 } as never)).toThrow(/got an object/)
    expect(() => toPayload({ a: 1 } as never)).toThrow(TypeError)
  })

  it('refuses text over 65535 bytes with a RangeError and goes on working', () => {
    expect(() => toPayload('x'.repeat(65536))).toThrow(RangeError)
    expect(() => payload('a', 'é'.repeat(40000))).toThrow(/part 1: .*got 80000/)
    expect([...payload('a')]).toEqual([0, 1, 0x61])
  })
})

describe('the payload of an object', () => {
  const message = struct({
    header: struct({ sender: string, epoch: integer }),
    mood: enumeration('calm', 'happy', 'angry'),
    body: bytes
  })
  const value = {
    header: { sender: 'alice', epoch: 9 },
    mood: 'happy',
    body: new Uint8Array([0xaa, 0xbb, 0xcc])
  } as const

  it('is its fields in order, nested, with enums as int64', () => {
    expect(message.encode(value)).toEqual(payload('alice', 9, 1, new Uint8Array([0xaa, 0xbb, 0xcc])))
  })

  it('decodes', () => {
    expect(message.decode(message.encode(value))).toEqual(value)
  })
})
