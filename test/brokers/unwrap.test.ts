import { runInNewContext } from 'node:vm'
import { describe, expect, test } from '@jest/globals'
import { err, errAsync, ok, okAsync } from 'neverthrow'
import { unwrap } from 'persistency/brokers'

const itself = (thrown: unknown): unknown => thrown

function thrownBy(call: () => unknown): unknown {
  try {
    return call()
  } catch (thrown) {
    return thrown
  }
}

describe('unwrap', () => {
  const failure = new Error('as it is')

  test('gives the value of an answer, at once or when it is there', async () => {
    expect(unwrap(ok(1))).toBe(1)
    expect(unwrap(ok(undefined))).toBeUndefined()
    expect(await unwrap(okAsync(2))).toBe(2)
    expect(await unwrap(Promise.resolve(ok(3)))).toBe(3)
  })

  test('throws an error as it is, or rejects with it, also one of another realm', async () => {
    const elsewhere: unknown = runInNewContext('new TypeError("of elsewhere")')
    expect(thrownBy(() => unwrap(err(failure)))).toBe(failure)
    expect(thrownBy(() => unwrap(err(elsewhere)))).toBe(elsewhere)
    await expect(unwrap(errAsync(failure))).rejects.toBe(failure)
  })

  test('shows in the stack who waits for the answer, once', async () => {
    const shared = new Error('made elsewhere')
    shared.stack = 'Error: made elsewhere\n    at there'
    const askedFor = async (answer: unknown): Promise<unknown> => {
      try {
        return await unwrap(answer as Promise<never>)
      } catch (thrown) {
        return (thrown as Error).stack
      }
    }
    for (const answer of [errAsync(shared), Promise.resolve(err(shared)), errAsync(shared)]) {
      const stack = (await askedFor(answer)) as string
      expect(stack).toMatch(/^Error: made elsewhere\n {4}at there\n {4}at (?:async )?askedFor .*unwrap\.test/)
      expect(stack.match(/askedFor/g)).toHaveLength(1)
    }
    const frozen = Object.freeze(new Error('frozen'))
    await expect(unwrap(errAsync(frozen))).rejects.toBe(frozen)
    expect(await askedFor(errAsync({ kind: 'soldOut' }))).toContain('askedFor')
  })

  test.each([
    ['nothing', undefined, 'got undefined'],
    ['null', null, 'got null'],
    ['a value', 5, 'got 5'],
    ['a text', 'ok', 'got ok'],
    ['a stream', { async *[Symbol.asyncIterator]() {} }, 'got {'],
    ['half a result', { isOk: () => true }, 'got {']
  ])('says what it wanted when it gets %s, at once or by a promise', async (_, value, got) => {
    const message = `unwrap takes a Result, a ResultAsync or a promise of a Result; ${got}`
    const wrong = value as never
    for (const thrown of [
      thrownBy(() => unwrap(wrong)),
      await (unwrap(Promise.resolve(wrong)) as Promise<unknown>).catch(itself)
    ]) {
      expect(thrown).toBeInstanceOf(TypeError)
      expect(thrown).toMatchObject({ message: expect.stringContaining(message) })
    }
  })

  test.each([
    [{ kind: 'soldOut', item: 'lamp' }, '{ kind: "soldOut", item: "lamp" }'],
    ['a text', 'a text'],
    [undefined, 'undefined']
  ])('throws what people can read for an error that is none: %j', async (error, message) => {
    for (const thrown of [thrownBy(() => unwrap(err(error))), await unwrap(errAsync(error)).catch(itself)]) {
      expect(thrown).toBeInstanceOf(Error)
      expect(thrown).toMatchObject({ message, stack: expect.stringContaining('unwrap') })
      expect((thrown as Error).cause).toBe(error)
    }
  })
})
