/** Codecs of 8-byte integers. */
import { describeValue } from '../describe.js'
import { readInt64, readSafeInt64, writeInt64, writeUint64 } from '../keys/integers.js'
import { type Codec, defineCodec } from './codec.js'

/**
 * Signed 64-bit integers, the Nim library's `int` and `int8` to `int64`: 8 bytes, big endian, sign bit flipped. Takes safe
 * integers and bigints, gives bigints.
 */
export const int64: Codec<bigint, number | bigint> = defineCodec({
  label: 'int64',
  write: (writer, value: number | bigint) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') throw notNumeric(value)
    writeInt64(writer, value)
  },
  read: readInt64
})

/**
 * Unsigned 64-bit integers, the Nim library's `uint` and `uint16` to `uint64`: 8 bytes, big endian. Takes safe integers and
 * bigints from 0 on, gives bigints.
 */
export const uint64: Codec<bigint, number | bigint> = defineCodec({
  label: 'uint64',
  write: (writer, value: number | bigint) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') throw notNumeric(value)
    writeUint64(writer, value)
  },
  read: (reader) => reader.u64()
})

/** The bytes of `int64` for values that are JavaScript numbers; decoding one that is not safe is a RangeError. */
export const integer: Codec<number> = defineCodec({
  label: 'integer',
  write: (writer, value: number) => {
    if (typeof value !== 'number') throw new TypeError(`expected a number, got ${describeValue(value)}`)
    writeInt64(writer, value)
  },
  read: readSafeInt64
})

function notNumeric(value: never): TypeError {
  return new TypeError(`expected a number or bigint, got ${describeValue(value)}`)
}
