import 'reflect-metadata'
import { expect, it } from '@jest/globals'
import { defineEvent } from 'persistency'
import { listens } from 'persistency/di'

const Sold = defineEvent<number>('marked.sold')

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
