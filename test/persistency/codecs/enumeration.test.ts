import { describe, expect, it } from '@jest/globals'
import { enumeration } from 'persistency'

const fromHex = (digits: string): Uint8Array => new Uint8Array(Buffer.from(digits, 'hex'))

enum Mood {
  Calm,
  Happy = 7,
  Angry = -3
}

describe('enumeration', () => {
  it('counts names from 0', () => {
    const color = enumeration('red', 'green', 'blue')
    const decoded: 'red' | 'green' | 'blue' = color.decode(fromHex('8000000000000002'))
    expect(decoded).toBe('blue')
    expect(String(color('red'))).toBe('8000000000000000')
  })

  it('takes ordinals of its own, negative ones as well', () => {
    const level = enumeration({ low: -5, high: 7 })
    const decoded: 'low' | 'high' = level.decode(fromHex('7ffffffffffffffb'))
    expect(decoded).toBe('low')
    expect(String(level('high'))).toBe('8000000000000007')
  })

  it('takes a numeric enum of TypeScript, whose members are its values', () => {
    const mood = enumeration(Mood)
    const decoded: Mood = mood.decode(mood.encode(Mood.Happy))
    expect(decoded).toBe(Mood.Happy)
    expect(mood.decode(mood.encode(Mood.Angry))).toBe(-3)
    expect(String(mood(Mood.Calm))).toBe('8000000000000000')
    expect(() => mood('Calm' as never)).toThrow(RangeError)
    expect(() => mood(1 as never)).toThrow(RangeError)
  })

  it('refuses names and ordinals outside of the set', () => {
    const color = enumeration('red', 'green')
    expect(() => color('blue' as never)).toThrow(
      new RangeError('the string "blue" is not in enumeration(red, green)')
    )
    expect(() => color('toString' as never)).toThrow(RangeError)
    expect(() => color.decode(fromHex('8000000000000002'))).toThrow(RangeError)
    expect(() => color.decode(fromHex('ffffffffffffffff'))).toThrow(RangeError)
  })

  it.each<[string, () => unknown]>([
    ['no names', () => (enumeration as unknown as () => unknown)()],
    ['an empty object', () => enumeration({})],
    ['a name twice', () => enumeration('a', 'b', 'a')],
    ['an ordinal twice', () => enumeration({ a: 1, b: 1 })],
    ['a fraction', () => enumeration({ a: 1.5 })],
    ['text without a reverse mapping', () => enumeration({ a: 1, b: 'x' })],
    ['null', () => enumeration(null as never)]
  ])('refuses a definition with %s', (_, define) => {
    expect(define).toThrow(TypeError)
  })
})
