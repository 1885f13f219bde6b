import {
  bool,
  byte,
  bytes,
  type Codec,
  type CodecInput,
  type CodecValue,
  char,
  defineCodec,
  enumeration,
  int64,
  integer,
  json,
  type Key,
  key,
  orderedString,
  rest,
  string,
  struct,
  type TupleCodec,
  tuple,
  uint64
} from 'persistency'
import { expectType } from './expect-type.js'

enum Mood {
  bad = -1,
  good = 1
}

// Structs

const reading = struct({
  station: string,
  at: int64,
  level: integer,
  kind: enumeration('rain', 'sun'),
  place: struct({ lat: integer, lon: integer }),
  tags: tuple(string, byte),
  rest: json<{ note: string }>()
})
type Reading = CodecValue<typeof reading>

expectType<Reading>({} as Reading).is<{
  station: string
  at: bigint
  level: number
  kind: 'rain' | 'sun'
  place: { lat: number; lon: number }
  tags: [string, number]
  rest: { note: string }
}>()
expectType({} as CodecInput<typeof reading>['at']).is<number | bigint>()
const full = {
  station: 'a',
  at: 5,
  level: 5,
  kind: 'rain',
  place: { lat: 1, lon: 2 },
  tags: ['a', 1],
  rest: { note: 'n' }
} as const
expectType(reading.encode(full)).is<Uint8Array>()
expectType(reading.decode(new Uint8Array(1))).is<Reading>()
expectType(reading(full)).is<Key>()

const pair = struct({ name: string, count: integer })
pair.encode({ name: 'a', count: 1 })
// @ts-expect-error a field is missing
pair.encode({ name: 'a' })
// @ts-expect-error a field of the wrong type
pair.encode({ name: 'a', count: '1' })
// @ts-expect-error a field of no known name
pair.encode({ name: 'a', count: 1, more: true })
// @ts-expect-error a field that may be undefined
pair.encode({ name: 'a', count: undefined })
// @ts-expect-error a field that is not decoded
pair.decode(new Uint8Array(1)).more
// @ts-expect-error decoding takes bytes
pair.decode('a')
// @ts-expect-error a key of a struct takes its fields
key('a', pair({ name: 5, count: 1 }))
// @ts-expect-error fields are codecs
struct({ name: 'string' })
// @ts-expect-error types are no codecs
struct({ name: String })
// @ts-expect-error an array of codecs is a tuple
struct([string, integer]).encode({ name: 'a' })

// Tuples

const both = tuple(string, int64)
expectType(both).is<TupleCodec<[string, bigint], readonly [string, number | bigint]>>()
both satisfies Codec<[string, bigint], readonly [string, number | bigint]>
expectType(both.prefix('a', 1)).is<Key>()
both.prefix()
tuple(...([string, string] as Codec<string>[])).prefix('a', 'b', 'c')
// @ts-expect-error a prefix of other parts
both.prefix(1)
// @ts-expect-error a prefix of too many parts
both.prefix('a', 1, 2)
both.encode(['a', 1])
// @ts-expect-error too short
both.encode(['a'])
// @ts-expect-error too long
both.encode(['a', 1, 2])
// @ts-expect-error out of order
both.encode([1, 'a'])
// @ts-expect-error an item that is not decoded
both.decode(new Uint8Array(1))[2]

// Enumerations

const colour = enumeration('red', 'green')
expectType(colour).is<Codec<'red' | 'green'>>()
expectType(enumeration({ low: -5, high: 7 })).is<Codec<'low' | 'high'>>()
expectType(enumeration(Mood).decode(new Uint8Array(8))).is<Mood>()
colour.encode('red')
// @ts-expect-error a name that is not in the set
colour.encode('blue')
// @ts-expect-error an ordinal is no name
colour.encode(0)
// @ts-expect-error a set of nothing
enumeration()
// @ts-expect-error ordinals are numbers
enumeration(1, 2)
// @ts-expect-error a name is no member
enumeration(Mood).encode('good')
// @ts-expect-error a value in between
if (enumeration({ low: 1, high: 2 }).decode(new Uint8Array(1)) === 'middle') throw 'middle'

// Single values

expectType(int64.decode(new Uint8Array(8))).is<bigint>()
expectType(uint64(5)).is<Key>()
expectType(integer.decode(new Uint8Array(8))).is<number>()
expectType(char.decode(new Uint8Array(1))).is<string>()
expectType(bool.decode(new Uint8Array(1))).is<boolean>()
expectType(bytes.decode(new Uint8Array(1))).is<Uint8Array>()
expectType(json<{ a: number }>().decode(new Uint8Array(1))).is<{ a: number }>()
expectType(json().decode(new Uint8Array(1))).is<unknown>()
char.encode(65)
rest.encode(key('a'))
orderedString('a')

// @ts-expect-error text is no integer
int64.encode('5')
// @ts-expect-error a bigint is no JavaScript number
integer.encode(5n)
// @ts-expect-error a number is no text
string.encode(5)
// @ts-expect-error a number is no truth
bool.encode(1)
// @ts-expect-error a bigint is no byte
byte.encode(5n)
// @ts-expect-error text is no bytes
bytes.encode('a')
// @ts-expect-error text is no rest
rest.encode('a')
// @ts-expect-error a number is no text
orderedString(5)
// @ts-expect-error json of another type
json<{ a: number }>().encode({ a: 'text' })

// Codecs of one's own

const date = defineCodec<Date, Date | number>({
  label: 'date',
  write: (writer, value) => int64.write(writer, Number(value)),
  read: (reader) => new Date(Number(int64.read(reader)))
})
expectType(date).is<Codec<Date, Date | number>>()
expectType(struct({ at: date }).decode(new Uint8Array(8))).is<{ at: Date }>()
date.encode(5)
// @ts-expect-error a value that it does not take
date.encode('today')
// @ts-expect-error a codec has a label
defineCodec<string>({ write: () => {}, read: () => '' })
const writeText = string.write
// @ts-expect-error a codec that reads another type
defineCodec<string>({ label: 'bad', write: writeText, read: (reader) => reader.u8() })
// @ts-expect-error a codec that only writes
defineCodec<string>({ label: 'bad', write: writeText })
