/** Which watchers a change is told: the same as if each were asked, whatever they watch. */
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { key, onlyKey, prefixRange, rawKey } from 'persistency'
import { concerns } from '../../dist/persistency/watch/matching.js'
import { Watcher } from '../../dist/persistency/watch/watcher.js'
import { WatcherIndex } from '../../dist/persistency/watch/watcher-index.js'

const bytes = fc.uint8Array({ maxLength: 3, max: 2 })
const someKey = bytes.map((found) => rawKey(found))
const category = fc.constantFrom('a', 'b')
const range = fc.oneof(
  someKey.map(onlyKey),
  someKey.map(prefixRange),
  fc.record({ start: someKey, stop: someKey }),
  someKey.map((start) => ({ start }))
)
const query = fc.record({ category, range })
const op = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    category,
    key: someKey,
    payload: fc.constant(new Uint8Array(0))
  }),
  fc.record({ kind: fc.constant('delete' as const), category, key: someKey }),
  fc.record({ kind: fc.constant('deletePrefix' as const), category, prefix: someKey })
)

test('an index finds the watchers that each would find itself concerned by', () => {
  fc.assert(
    fc.property(
      fc.array(query, { maxLength: 20 }),
      fc.array(op, { minLength: 1, maxLength: 4 }),
      fc.nat(),
      (queries, ops, leaving) => {
        const index = new WatcherIndex()
        const watchers = queries.map((found) => new Watcher(found, 1, 0))
        for (const watcher of watchers) index.add(watcher)
        const left = watchers.filter((watcher, n) => (n + leaving) % 3 !== 0 || !remove(index, watcher))
        const expected = left.filter((watcher) => ops.some((one) => concerns(one, watcher.query)))
        expect([...index.all]).toEqual(left)
        expect(new Set(index.concernedBy(ops))).toEqual(new Set(expected))
        for (const one of ops) {
          expect(index.concerns(one)).toBe(left.some((watcher) => concerns(one, watcher.query)))
        }
      }
    ),
    { numRuns: 2000 }
  )
})

function remove(index: WatcherIndex, watcher: Watcher): true {
  index.delete(watcher)
  return true
}

test('an index keeps nothing of watchers that have left', () => {
  const index = new WatcherIndex()
  const put = { kind: 'put', category: 'a', key: key(1), payload: new Uint8Array(0) } as const
  for (let n = 0; n < 3; n++) {
    const watcher = new Watcher({ category: 'a', range: onlyKey(key(1)) }, 1, 0)
    index.add(watcher)
    expect(index.concerns(put)).toBe(true)
    index.delete(watcher)
    index.delete(watcher)
    expect(index.concerns(put)).toBe(false)
    expect(index.all.size).toBe(0)
  }
})
