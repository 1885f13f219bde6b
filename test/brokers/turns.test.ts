import { beforeEach, describe, expect, it } from '@jest/globals'
import { BrokerHub } from 'persistency/brokers'

let turns: BrokerHub['turns']
let seen: string[]
const note = (text: string) => (): void => {
  seen.push(text)
}

beforeEach(() => {
  turns = new BrokerHub().turns
  seen = []
})

describe('work that is put off outside of a batch', () => {
  it('is done in a microtask, in order and once', async () => {
    turns.atEnd(note('one'))
    turns.atEnd(note('two'))
    expect(seen).toEqual([])
    await Promise.resolve()
    expect(seen).toEqual(['one', 'two'])
    turns.atEnd(note('three'))
    await Promise.resolve()
    expect(seen).toEqual(['one', 'two', 'three'])
  })

  it('is done with the next batch when that comes first, and not again', async () => {
    turns.atEnd(note('before'))
    turns.run(() => turns.atEnd(note('within')))
    expect(seen).toEqual(['before', 'within'])
    await Promise.resolve()
    expect(seen).toEqual(['before', 'within'])
  })
})

describe('work that is put off within a batch', () => {
  it('is done once the batch is taken in, before the call returns', () => {
    turns.run(() => {
      turns.atEnd(note('end'))
      seen.push('batch')
    })
    seen.push('returned')
    expect(seen).toEqual(['batch', 'end', 'returned'])
  })

  it('is done at the end of the outermost batch', () => {
    turns.run(() => {
      turns.run(() => turns.atEnd(note('end')))
      seen.push('batch')
    })
    expect(seen).toEqual(['batch', 'end'])
  })

  it('may put off more, which is done in the same turn, also through a batch of its own', () => {
    turns.run(() => {
      turns.atEnd(() => {
        seen.push('first')
        turns.atEnd(note('third'))
        turns.run(() => turns.atEnd(note('fourth')))
      })
      turns.atEnd(note('second'))
    })
    expect(seen.sort()).toEqual(['first', 'fourth', 'second', 'third'])
  })

  it('is done when the batch throws, and the next batch is a batch again', () => {
    const batch = (): never => {
      turns.atEnd(note('end'))
      throw new Error('batch')
    }
    expect(() => turns.run(batch)).toThrow('batch')
    expect(seen).toEqual(['end'])
    turns.run(() => {
      turns.atEnd(note('next end'))
      seen.push('next batch')
    })
    expect(seen).toEqual(['end', 'next batch', 'next end'])
  })
})
