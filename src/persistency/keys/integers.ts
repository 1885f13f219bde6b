/**
 * The 8-byte integers of keys and payloads, in the Nim library's form: big endian, signed ones with the sign bit
 * flipped so that unsigned byte order is numeric order. Owns their range checks.
 */
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { shortened } from '../describe.js'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n
const SIGN_BIT = 2n ** 63n
const TWO_TO_32 = 2 ** 32

/**
 * Writes a signed integer.
 *
 * @throws RangeError for a number that is not a safe integer and for a bigint outside of 64 bits.
 */
export function writeInt64(writer: ByteWriter, value: number | bigint): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw notSafe(value)
    // Two 32-bit halves are several times faster than going through a bigint. `>>>` wraps modulo 2^32.
    writer.u32(Math.floor(value / TWO_TO_32) ^ 0x80000000)
    writer.u32(value >>> 0)
    return
  }
  if (value < INT64_MIN || value > INT64_MAX) {
    throw new RangeError(
      `${shortened(String(value))}n does not fit a signed 64-bit integer; for 0 to 2^64 - 1 there is uint64(...)`
    )
  }
  writer.u64(BigInt.asUintN(64, value) ^ SIGN_BIT)
}

/**
 * Writes an unsigned integer.
 *
 * @throws RangeError for a number that is not a safe integer, and for anything below 0 or above 2^64 - 1.
 */
export function writeUint64(writer: ByteWriter, value: number | bigint): void {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw notSafe(value)
    if (value < 0) throw new RangeError(`${value} is negative; uint64 takes 0 to 2^64 - 1`)
    writer.u32(Math.floor(value / TWO_TO_32))
    writer.u32(value >>> 0)
    return
  }
  if (value < 0n || value > UINT64_MAX)
    throw new RangeError(`${shortened(String(value))}n is not within 0 to 2^64 - 1`)
  writer.u64(value)
}

/** Reads what `writeInt64` wrote. */
export function readInt64(reader: ByteReader): bigint {
  return BigInt.asIntN(64, reader.u64() ^ SIGN_BIT)
}

/**
 * Reads what `writeInt64` wrote as a number.
 *
 * @throws RangeError when the integer is not a safe one.
 */
export function readSafeInt64(reader: ByteReader): number {
  const high = (reader.u32() ^ 0x80000000) | 0
  const low = reader.u32()
  const value = high * TWO_TO_32 + low
  if (!Number.isSafeInteger(value)) {
    const exact = BigInt(high) * BigInt(TWO_TO_32) + BigInt(low)
    throw new RangeError(`${exact}n is not a safe integer; decode it with int64, as a bigint`)
  }
  return value
}

function notSafe(value: number): RangeError {
  return new RangeError(`${value} is not a safe integer; use a bigint for larger integers`)
}
