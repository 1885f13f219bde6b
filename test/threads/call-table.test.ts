import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CallTable } from '../../dist/threads/link/call-table.js'

interface TestCall {
  readonly id: number
}

describe('CallTable', () => {
  it('finds calls by their numbers until they are taken out', () => {
    const table = new CallTable<TestCall>()
    const id = table.nextId()
    const call = { id }
    table.add(call)
    expect(table.get(id)).toBe(call)
    expect(table.take(id)).toBe(call)
    expect(table.take(id)).toBeUndefined()
    expect(table.size).toBe(0)
  })

  it('takes one number for another only if they are the same', () => {
    const table = new CallTable<TestCall>()
    table.add({ id: 1 })
    expect(table.get(65)).toBeUndefined()
    expect(table.take(65)).toBeUndefined()
    expect(table.size).toBe(1)
  })

  it('gives no number twice, and passes over calls that take long', () => {
    const table = new CallTable<TestCall>()
    const slow = { id: table.nextId() }
    table.add(slow)
    const given = new Set([slow.id])
    for (let round = 0; round < 1000; round++) {
      const id = table.nextId()
      expect(given.has(id)).toBe(false)
      given.add(id)
      table.add({ id })
      table.take(id)
    }
    expect(table.get(slow.id)).toBe(slow)
  })

  it('refuses a number that is in use', () => {
    const table = new CallTable<TestCall>()
    table.add({ id: 7 })
    expect(() => table.add({ id: 7 })).toThrow('call 7 is under way already')
    expect(table.size).toBe(1)
  })

  it('does not grow for the sake of numbers that nobody gives', () => {
    const table = new CallTable<TestCall>()
    const ids = Array.from({ length: 2000 }, (_, index) => (index * 2 ** 20) >>> 0)
    const before = process.memoryUsage().rss
    const calls = [...new Set(ids)].map((id) => ({ id }))
    for (const call of calls) table.add(call)
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024)
    for (const call of calls) expect(table.get(call.id)).toBe(call)
    for (const call of calls) expect(table.take(call.id)).toBe(call)
    expect(table.size).toBe(0)
  })

  it('does what a map would do, whatever the numbers', () => {
    const id = fc.integer({ min: 0, max: 7 }).map((n) => ((n & 3) * 2 ** 30 + (n >> 2)) >>> 0)
    const steps = fc.array(fc.record({ add: fc.boolean(), id: fc.oneof(id, fc.nat(300)) }), {
      maxLength: 400
    })
    fc.assert(
      fc.property(steps, (list) => {
        const table = new CallTable<TestCall>()
        const map = new Map<number, TestCall>()
        for (const { add, id } of list) {
          if (add && !map.has(id)) {
            const call = { id }
            table.add(call)
            map.set(id, call)
          } else {
            expect(table.take(id)).toBe(map.get(id))
            map.delete(id)
          }
          expect(table.size).toBe(map.size)
        }
        for (const [id, call] of map) expect(table.get(id)).toBe(call)
        expect(table.clear().length).toBe(map.size)
      })
    )
  })

  it('does what a map would do', () => {
    const steps = fc.array(fc.oneof(fc.constant('add'), fc.nat(200)), { maxLength: 600 })
    fc.assert(
      fc.property(steps, (list) => {
        const table = new CallTable<TestCall>()
        const map = new Map<number, TestCall>()
        for (const step of list) {
          if (typeof step === 'string') {
            const call = { id: table.nextId() }
            table.add(call)
            map.set(call.id, call)
          } else {
            const id = [...map.keys()][step % Math.max(1, map.size)] ?? step
            expect(table.take(id)).toBe(map.get(id))
            map.delete(id)
          }
          expect(table.size).toBe(map.size)
        }
        for (const [id, call] of map) expect(table.get(id)).toBe(call)
        expect(
          table
            .clear()
            .map(({ id }) => id)
            .sort()
        ).toEqual([...map.keys()].sort())
        expect(table.size).toBe(0)
      })
    )
  })
})
