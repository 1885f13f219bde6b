import 'reflect-metadata'
import { expect, it } from '@jest/globals'
import { defineEvent, defineRequest } from 'persistency'
import { answers, handles, listens, provides } from 'persistency/di'

const Sold = defineEvent<number>('marked.sold')
const Count = defineRequest<void, number>('marked.count')

it('a static method cannot be marked: objects do not have it', () => {
  expect(() => {
    class Shop {
      readonly name = 'shop'

      @listens(Sold)
      static onSold(): void {}
    }
    return Shop
  }).toThrow(new TypeError('a static or #private method cannot be marked: onSold'))
})

it.each([
  ['a static one', { name: 'onSold', static: true, private: false }],
  ['a private one', { name: '#onSold', static: false, private: true }]
])('standard decorators refuse %s as well', (_, about) => {
  const context = { kind: 'method', addInitializer: () => {}, ...about }
  expect(() => listens(Sold)(() => {}, context as unknown as ClassMethodDecoratorContext)).toThrow(TypeError)
})

it.each([
  ['@listens names must be an event', listens, Count],
  ['@provides names must be a request', provides, Sold],
  ['@answers names must be a multi-request', answers, Count],
  ['@handles names must be a signal', handles, Sold]
])('a decorator refuses what is no message of its kind: what %s', (words, decorator, otherKind) => {
  const mark = decorator as unknown as (definition: unknown) => unknown
  expect(() => mark(undefined)).toThrow(`what ${words}`)
  expect(() => mark(undefined)).toThrow('in a circle')
  expect(() => mark(otherKind)).toThrow(TypeError)
  expect(() => mark('marked.sold')).toThrow(TypeError)
})
