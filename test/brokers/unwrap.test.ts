import { describe, expect, test } from '@jest/globals'
import { err, errAsync, ok, okAsync } from 'neverthrow'
import { unwrap } from 'persistency/brokers'

describe('unwrap', () => {
  const failure = new Error('as it is')

  test('gives the value of an answer, at once or when it is there', async () => {
    expect(unwrap(ok(1))).toBe(1)
    expect(unwrap(ok(undefined))).toBeUndefined()
    expect(await unwrap(okAsync(2))).toBe(2)
    expect(await unwrap(Promise.resolve(ok(3)))).toBe(3)
  })

  test('throws the error as it is, or rejects with it', async () => {
    expect(() => unwrap(err(failure))).toThrow(failure)
    await expect(unwrap(errAsync(failure))).rejects.toBe(failure)
    await expect(unwrap(Promise.resolve(err('a text')))).rejects.toBe('a text')
  })
})
