import {
  compareKeys,
  Key,
  type KeyPart,
  type KeyRange,
  key,
  keyFromHex,
  payload,
  prefixRange,
  rangeAfter,
  rawKey,
  toKey,
  toPayload
} from 'persistency'
import { expectType } from './expect-type.js'

declare const maybe: string | undefined

// Parts

expectType(key()).is<Key>()
expectType(key('a', 1, 2n, true, new Uint8Array(1), Buffer.from('a'), key('b'), ['c', [1, [2n]]])).is<Key>()
expectType(toKey('a')).is<Key>()
expectType(rawKey(new Uint8Array(1))).is<Key>()
expectType(keyFromHex('00ff')).is<Key>()
expectType(payload('a', 1)).is<Uint8Array>()
expectType(toPayload(['a', 1])).is<Uint8Array>()
key(...(['a', 1] as const))
const parts: readonly KeyPart[] = ['a', [1, true]]
key(...parts)

// @ts-expect-error an object is no part
key({ a: 1 })
// @ts-expect-error undefined is no part
key(undefined)
// @ts-expect-error a part that may be undefined
key('a', maybe)
// @ts-expect-error null is no part
key(null)
// @ts-expect-error a date is no part
key(new Date(0))
// @ts-expect-error a symbol is no part
key(Symbol.iterator)
// @ts-expect-error a function is no part
key(() => 'a')
// @ts-expect-error a map is no part
key(new Map())
// @ts-expect-error an array of objects is no part
key(['a', { b: 1 }])
// @ts-expect-error an array with holes is no part
key(['a', undefined])
// @ts-expect-error an ArrayBuffer is no part
key(new ArrayBuffer(1))
// @ts-expect-error other arrays of numbers are no part
key(new Float64Array(1))
// @ts-expect-error something with bytes is no finished key
key({ bytes: new Uint8Array(1) })
// @ts-expect-error a single value is needed
toKey()
// @ts-expect-error one value only
toKey('a', 1)
// @ts-expect-error hex is text
keyFromHex(new Uint8Array(1))
// @ts-expect-error text is no raw key
rawKey('a')
// @ts-expect-error an object is no part of a payload
payload({ a: 1 })
// @ts-expect-error undefined has no payload
toPayload(undefined)

// Keys

const k = key('a')
expectType(k.append('b', 1)).is<Key>()
expectType(k.compare(key('b'))).is<number>()
expectType(k.bytes).is<Uint8Array>()
expectType([k, key('b')].sort(compareKeys)).is<Key[]>()

// @ts-expect-error keys are made with key
new Key(new Uint8Array(1))
// @ts-expect-error a key does not change
k.bytes = new Uint8Array(1)
// @ts-expect-error undefined is no part
k.append(undefined)
// @ts-expect-error text is no key
k.equals('a')
// @ts-expect-error bytes are no key
compareKeys(k, k.bytes)

// Ranges

expectType(prefixRange(k)).is<KeyRange>()
expectType(rangeAfter(prefixRange(k), k)).is<KeyRange | undefined>()
expectType(rangeAfter(k, k, { reverse: true })).is<KeyRange | undefined>()
// @ts-expect-error a cursor is read with keyFromHex
rangeAfter(k, String(k))
// @ts-expect-error the direction goes by the name of reverse
rangeAfter(k, k, { backwards: true })
// @ts-expect-error there may be nothing left
rangeAfter(k, k).start
const _range: KeyRange = { start: k, stop: k }
// @ts-expect-error a prefix is a key
prefixRange('a')
// @ts-expect-error a range has a start
const _open: KeyRange = { stop: k }
const _undefined: KeyRange = { start: k, stop: undefined }
