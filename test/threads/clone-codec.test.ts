import { createSecretKey } from 'node:crypto'
import { BlockList } from 'node:net'
import { deserialize, serialize } from 'node:v8'
import { describe, expect, it } from '@jest/globals'
import { cloneCodec } from 'persistency/threads'
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../dist/bytes/byte-writer.js'

function clone(value: unknown): unknown {
  const writer = new ByteWriter()
  writer.text('what was there before')
  const start = writer.offset
  cloneCodec.write(writer, value)
  const reader = new ByteReader(writer.take())
  reader.skip(start)
  const copy = cloneCodec.read(reader)
  expect(reader.done).toBe(true)
  return copy
}

class Point {
  x = 1
  get double(): number {
    return this.x * 2
  }
}

function holes(): unknown[] {
  const array: unknown[] = [1, 2, 3]
  delete array[1]
  return array
}

function looped(): object {
  const node: { name: string; self?: object } = { name: 'loop' }
  node.self = node
  return node
}

const VALUES: readonly (readonly [string, unknown])[] = [
  ['nothing', undefined],
  ['null', null],
  ['yes and no', [true, false]],
  ['whole numbers', [0, 1, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53]],
  ['negative zero', -0],
  ['fractions', [0.1, -1e300, Number.NaN, Number.POSITIVE_INFINITY]],
  ['text', ['', 'lamp', 'grüße 🌍', '\0', 'x'.repeat(10_000)]],
  ['a lone surrogate', { '\ud800': '\udfff' }],
  ['bytes', new Uint8Array([1, 2, 3])],
  ['a buffer', Buffer.from('abc')],
  ['other views', [new Uint16Array([1, 2]), new DataView(new ArrayBuffer(3))]],
  ['nested data', { user: { name: 'Ann', tags: ['a', 'b'], age: undefined }, at: 1.5 }],
  ['an own field __proto__', JSON.parse('{ "__proto__": { "polluted": true }, "a": 1 }')],
  ['fields with numbers for names', { 2: 'b', 1: 'a', c: 'c' }],
  ['symbols for names', { [Symbol('hidden')]: 1, seen: 2 }],
  ['a hidden field', Object.defineProperty({ seen: 1 }, 'hidden', { value: 2, enumerable: false })],
  [
    'a getter',
    {
      get now() {
        return 'computed'
      }
    }
  ],
  ['an instance of a class', new Point()],
  ['no prototype', Object.assign(Object.create(null), { a: 1 })],
  ['holes', holes()],
  ['as many fields as holes', Object.assign(holes(), { note: 'x' })],
  ['an array with fields', Object.assign([1, 2], { extra: 3 })],
  ['the match of an expression', /b(c)/.exec('abcd')],
  ['a date, a map, a set, a big number', [new Date(5), new Map([[1, { a: 2 }]]), new Set(['x']), 10n ** 30n]],
  ['a boxed number', Object(5)],
  ['an error', new TypeError('wrong')],
  ['something within itself', looped()],
  ['many objects', Array.from({ length: 100 }, (_, id) => ({ id, name: `name ${id}` }))],
  ['many fields', Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`field${i}`, i]))],
  ['deep nesting', JSON.parse('['.repeat(500) + ']'.repeat(500))]
]

describe('what crosses without a codec', () => {
  it.each(VALUES)('arrives as structured clone would have it: %s', (_, value) => {
    const copy = clone(value)
    expect(copy).toStrictEqual(deserialize(serialize(value)))
    expect(Object.getPrototypeOf({}).polluted).toBeUndefined()
  })

  it('keeps an object that occurs twice one object', () => {
    const shared = { n: 1 }
    const copy = clone({ a: shared, b: [shared] }) as { a: object; b: object[] }
    expect(copy.a).toBe(copy.b[0])
  })

  it('is a copy of its own, also of bytes', () => {
    const writer = new ByteWriter()
    cloneCodec.write(writer, new Uint8Array([1, 2, 3]))
    const frame = writer.take()
    const copy = cloneCodec.read(new ByteReader(frame)) as Uint8Array
    frame.fill(9)
    expect([...copy]).toEqual([1, 2, 3])
    expect(copy.byteLength).toBe(copy.buffer.byteLength)
  })

  it.each([
    ['a function', { run: () => 1 }],
    ['a symbol', ['ok', Symbol('no')]],
    ['a proxy', { inner: new Proxy({ a: 1 }, {}) }],
    ['a proxy of an array', new Proxy([1], {})],
    ['a promise', Promise.resolve(1)],
    ['a blob', new Blob(['a'])],
    ['a key', createSecretKey(Buffer.from('key'))],
    ['a list of addresses', { blocked: new BlockList() }],
    ['shared memory', new SharedArrayBuffer(4)],
    [
      'a getter that throws',
      {
        get broken() {
          throw new Error('broken getter')
        }
      }
    ]
  ])('refuses %s', (_, value) => {
    expect(() => cloneCodec.write(new ByteWriter(), value)).toThrow()
  })

  it('refuses bytes that nobody wrote', () => {
    expect(() => cloneCodec.read(new ByteReader(new Uint8Array([77])))).toThrow(RangeError)
    expect(() => cloneCodec.read(new ByteReader(new Uint8Array([10, 1])))).toThrow(RangeError)
    const writer = new ByteWriter()
    for (const byte of [10, 1]) writer.u8(byte)
    writer.text('__proto__')
    writer.u8(2)
    expect(() => cloneCodec.read(new ByteReader(writer.take()))).toThrow(RangeError)
  })
})

it.each([
  ['a buffer', Buffer.from('abc')],
  ['an error', { cause: Buffer.from('abc') }]
])('gives the bytes of %s memory of their own', (_, value) => {
  const copy = clone(value) as { buffer?: ArrayBuffer; cause?: Uint8Array }
  const { buffer = copy.cause?.buffer } = copy
  expect(copy).toEqual(value)
  expect(Buffer.from(buffer as ArrayBuffer).includes('what was there before')).toBe(false)
  expect((buffer as ArrayBuffer).byteLength).toBeLessThan(100)
})
