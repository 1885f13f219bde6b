import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CallTable } from '../../dist/threads/call-table.js'

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
