import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../dist/bytes/byte-writer.js'

describe('texts in frames', () => {
  it('are read as they were written, however often and whatever came before', () => {
    const texts = fc.array(
      fc.oneof(fc.string({ unit: 'binary', maxLength: 90 }), fc.constantFrom('rows', 'rosw', ''))
    )
    fc.assert(
      fc.property(texts, (list) => {
        const writer = new ByteWriter()
        for (const text of [...list, ...list]) writer.text(text)
        const reader = new ByteReader(writer.take())
        expect([...list, ...list].map(() => reader.text())).toEqual([...list, ...list])
        expect(reader.done).toBe(true)
      })
    )
  })

  it('are refused when they are not UTF-8, each time', () => {
    const bytes = new Uint8Array([0, 0, 0, 2, 0xc3, 0x28])
    for (let time = 0; time < 3; time++) expect(() => new ByteReader(bytes).text()).toThrow('not valid UTF-8')
  })
})

it('are their own, whatever becomes of the buffer they were read from', () => {
  const writer = new ByteWriter()
  writer.text('order-0047')
  const buffer = Buffer.from(writer.take())
  expect(new ByteReader(buffer).text()).toBe('order-0047')
  buffer[buffer.length - 2] = '5'.charCodeAt(0)
  expect(new ByteReader(buffer).text()).toBe('order-0057')
  expect(new ByteReader(new Uint8Array(buffer)).text()).toBe('order-0057')
})
