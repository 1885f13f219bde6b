import { describe, expect, it } from '@jest/globals'
import { DEFAULT_TIMEOUT_MS, defineEvent, defineRequest, type WireCodec } from 'persistency/brokers'

const text: WireCodec<string> = {
  write: (writer, value) => writer.text(value),
  read: (reader) => reader.text()
}
const badNames = ['', 'lone \ud800', undefined, null, 5, {}, Symbol('name')] as never[]

describe('an event definition', () => {
  it('is frozen plain data: kind, name and codec', () => {
    expect(defineEvent('definitions.plain')).toEqual({
      kind: 'event',
      name: 'definitions.plain',
      codec: undefined
    })
    const coded = defineEvent<string>('definitions.coded', { codec: text })
    expect(coded.codec).toBe(text)
    expect(Object.isFrozen(coded)).toBe(true)
  })

  it('may be declared any number of times under one name', () => {
    expect(defineEvent('definitions.same')).toEqual(defineEvent('definitions.same'))
  })

  it('needs a non-empty, well-formed string as its name', () => {
    for (const name of badNames) expect(() => defineEvent(name)).toThrow(TypeError)
  })
})

describe('a request definition', () => {
  it('is frozen plain data with a default time limit of five seconds', () => {
    expect(defineRequest<string, number>('definitions.request')).toEqual({
      kind: 'request',
      name: 'definitions.request',
      sync: false,
      timeoutMs: 5000,
      codec: {}
    })
    expect(DEFAULT_TIMEOUT_MS).toBe(5000)
    expect(Object.isFrozen(defineRequest('definitions.request'))).toBe(true)
  })

  it('keeps what it is given', () => {
    const codec = { payload: text, response: text }
    const request = defineRequest<string, string>('definitions.given', { sync: true, timeoutMs: 10, codec })
    expect(request).toMatchObject({ sync: true, timeoutMs: 10, codec })
    expect(defineRequest('definitions.patient', { timeoutMs: Number.POSITIVE_INFINITY }).timeoutMs).toBe(
      Number.POSITIVE_INFINITY
    )
  })

  it('does not change when its options do', () => {
    const codec: { payload?: WireCodec<string> } = { payload: text }
    const request = defineRequest<string, void>('definitions.copied', { codec })
    delete codec.payload
    expect(request.codec.payload).toBe(text)
    expect(Object.isFrozen(request.codec)).toBe(true)
  })

  it('needs a non-empty, well-formed string as its name', () => {
    for (const name of badNames) expect(() => defineRequest(name)).toThrow(TypeError)
  })

  it('needs a positive number of milliseconds as its time limit', () => {
    for (const timeoutMs of [0, -1, Number.NaN, Number.NEGATIVE_INFINITY, '5' as never]) {
      expect(() => defineRequest('definitions.limit', { timeoutMs })).toThrow(RangeError)
    }
  })
})
