import { expect, it } from '@jest/globals'
import { ByteReader } from '../../dist/bytes/byte-reader.js'
import { ByteWriter } from '../../dist/bytes/byte-writer.js'
import { errorCodec } from '../../dist/threads/link/error-codecs.js'

function crossed(error: unknown): Error {
  const writer = new ByteWriter()
  errorCodec.write(writer, error)
  return errorCodec.read(new ByteReader(writer.take())) as Error
}

const messages = (error: unknown): string[] => {
  const { message, cause } = error as Error
  return cause === undefined ? [message] : [message, ...messages(cause)]
}

it('an error keeps its causes', () => {
  const error = new Error('a', { cause: new TypeError('b', { cause: new Error('c') }) })
  expect(messages(crossed(error))).toEqual(['a', 'b', 'c'])
})

it('an error is cut where its causes go round in a circle', () => {
  const own = Object.assign(new RangeError('own'), { code: 7 })
  own.cause = own
  expect(crossed(own)).toMatchObject({ name: 'RangeError', message: 'own', code: 7 })
  expect(messages(crossed(own))).toEqual(['own'])
  const [a, b, c] = ['a', 'b', 'c'].map((text) => new TypeError(text)) as [Error, Error, Error]
  a.cause = b
  b.cause = c
  for (const back of [a, b, c]) {
    c.cause = back
    expect(messages(crossed(a))).toEqual(['a', 'b', 'c'])
  }
  expect((a.cause as Error).cause).toBe(c)
})

it('a field that holds such an error is cut as well', () => {
  const own = new Error('own')
  own.cause = own
  const { inner } = crossed(Object.assign(new Error('outer'), { inner: own })) as Error & { inner: Error }
  expect(messages(inner)).toEqual(['own'])
})

it('an error keeps the errors that it stands for', () => {
  const circular = new Error('circular')
  circular.cause = circular
  const all = new AggregateError(
    [new TypeError('a', { cause: new Error('b') }), circular, () => 1, 'text'],
    'all failed'
  )
  const { name, message, errors } = crossed(all) as AggregateError
  expect([name, message]).toEqual(['AggregateError', 'all failed'])
  expect(errors.slice(0, 2).map(messages)).toEqual([['a', 'b'], ['circular']])
  expect(errors.slice(2)).toEqual([expect.any(String), 'text'])
  expect(Object.keys(crossed(all))).toEqual([])
  expect(crossed(Object.assign(new Error('own'), { errors: ['a'] }))).toMatchObject({ errors: ['a'] })
})

/** An error with getters that throw: the error itself, which is the worst that they can do. */
function evasive(error: Error, ...parts: readonly string[]): Error {
  const get = (): never => {
    throw error
  }
  for (const part of parts) Object.defineProperty(error, part, { get, enumerable: part === 'row' })
  return error
}

it('an error loses no more than the parts whose getters throw', () => {
  const row = crossed(evasive(Object.assign(new RangeError('locked'), { kind: 'busy' }), 'row'))
  expect(row).toMatchObject({ name: 'RangeError', message: 'locked', kind: 'busy', row: '(unreadable)' })
  expect(row.stack).toContain('RangeError: locked')
  for (const part of ['name', 'message', 'stack', 'cause', 'errors']) {
    const error = crossed(evasive(Object.assign(new Error('no'), { code: 7 }), part))
    expect(error).toMatchObject({
      message: 'no',
      code: 7,
      ...(part !== 'errors' && { [part]: '(unreadable)' })
    })
  }
  expect(crossed(new Error('outer', { cause: evasive(new Error('inner'), 'message') }))).toMatchObject({
    message: 'outer',
    cause: expect.any(String)
  })
})

it('an error whose texts are something else arrives with texts', () => {
  const odd = new Error('replaced')
  const parts = { name: () => 'a function', message: { code: 7 }, stack: [Symbol('s')] }
  for (const [part, value] of Object.entries(parts)) Object.defineProperty(odd, part, { value })
  const { name, message, stack } = crossed(odd)
  expect([name, message, stack]).toEqual([expect.stringContaining('function'), '{ code: 7 }', '[Symbol(s)]'])
})

it('an error that cannot be taken apart arrives as a text', () => {
  for (const trap of ['ownKeys', 'getPrototypeOf']) {
    const refuses: Error = new Proxy(new Error('no'), {
      [trap]() {
        throw refuses
      }
    })
    expect(crossed(refuses)).toEqual(expect.any(String))
  }
})
