import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Fifo } from '../../dist/runtime/fifo.js'

it('is what an array is that is pushed to and shifted from', () => {
  const runs = fc.array(fc.tuple(fc.boolean(), fc.nat(3000)), { maxLength: 12 })
  fc.assert(
    fc.property(runs, (steps) => {
      const queue = new Fifo<number>()
      const model: number[] = []
      let next = 0
      for (const [pushes, count] of steps) {
        const taken: [number | undefined, number | undefined][] = []
        for (let index = 0; index < count; index++) {
          if (pushes) queue.push(next)
          if (pushes) model.push(next++)
          else taken.push([queue.shift(), model.shift()])
        }
        expect(taken.filter(([one, other]) => one !== other)).toEqual([])
        expect([queue.size, queue.first, queue.last, queue.at(2)]).toEqual([
          model.length,
          model[0],
          model.at(-1),
          model[2]
        ])
      }
      expect(queue.items.join()).toBe(model.join())
    }),
    { numRuns: 20 }
  )
})

it('lets one be replaced wherever it stands', () => {
  const queue = new Fifo<number>()
  for (let n = 0; n < 6; n++) queue.push(n)
  queue.shift()
  expect(queue.replace(3, 40)).toBe(4)
  expect(queue.replace(5, 0)).toBeUndefined()
  expect(queue.items).toEqual([1, 2, 3, 40, 5])
})
