import { afterEach, describe, expect, it } from '@jest/globals'
import { withoutStack } from '../../dist/runtime/without-stack.js'

const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor
afterEach(() => {
  Object.defineProperty(Error, 'stackTraceLimit', before)
})

const made = (): Error => withoutStack(() => new RangeError('too many'))

describe('an error without a stack', () => {
  it('has its name and message there, and nothing else is changed', () => {
    Error.stackTraceLimit = 7
    const error = made()
    expect(error.stack).toBe('RangeError: too many')
    expect(Object.keys(error)).toEqual([])
    expect(Error.stackTraceLimit).toBe(7)
    expect(new Error('another').stack).toContain('without-stack.test')
  })

  it('leaves the limit as it was when it cannot be made', () => {
    const fail = (): never => {
      throw new TypeError('no')
    }
    expect(() => withoutStack(fail)).toThrow('no')
    expect(Error.stackTraceLimit).toBe(before.value)
  })

  it('has one where the limit belongs to somebody else', () => {
    Object.defineProperty(Error, 'stackTraceLimit', { ...before, writable: false })
    expect(made().stack).toContain('without-stack.test')
    let looks = 0
    Object.defineProperty(Error, 'stackTraceLimit', { configurable: true, get: () => looks++ })
    expect(made().message).toBe('too many')
    expect(looks).toBeLessThanOrEqual(1)
  })

  it('may be made where there is no limit', () => {
    expect(Reflect.deleteProperty(Error, 'stackTraceLimit')).toBe(true)
    expect(made().message).toBe('too many')
    expect(Object.hasOwn(Error, 'stackTraceLimit')).toBe(false)
  })
})
