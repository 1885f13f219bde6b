/** Codecs of values that take one byte. */
import { describeValue } from '../describe.js'
import { type Codec, defineCodec } from './codec.js'

/** A number from 0 to 255; the Nim library's `byte` and `uint8`. */
export const byte: Codec<number> = defineCodec({
  label: 'byte',
  write: (writer, value: number) => {
    if (typeof value !== 'number') throw new TypeError(`expected a number, got ${describeValue(value)}`)
    writer.u8(checkedByte(value))
  },
  read: (reader) => reader.u8()
})

/**
 * A string of one character with a code from 0 to 255, or that code; the Nim library's `char`, which is a byte and not a
 * character of Unicode. Gives the string.
 */
export const char: Codec<string, string | number> = defineCodec({
  label: 'char',
  write: (writer, value: string | number) => {
    if (typeof value === 'number') return writer.u8(checkedByte(value))
    if (typeof value !== 'string')
      throw new TypeError(`expected a string or number, got ${describeValue(value)}`)
    if (value.length !== 1) throw new RangeError(`expected one character, got ${describeValue(value)}`)
    const code = value.charCodeAt(0)
    if (code > 0xff) throw new RangeError(`expected a character of code 0 to 255, got code ${code}`)
    writer.u8(code)
  },
  read: (reader) => String.fromCharCode(reader.u8())
})

/** 00 or 01. Decoding any other byte is a RangeError. */
export const bool: Codec<boolean> = defineCodec({
  label: 'bool',
  write: (writer, value: boolean) => {
    if (typeof value !== 'boolean') throw new TypeError(`expected a boolean, got ${describeValue(value)}`)
    writer.u8(value ? 1 : 0)
  },
  read: (reader) => {
    const value = reader.u8()
    if (value > 1) throw new RangeError(`expected the byte 0 or 1, got ${value}`)
    return value === 1
  }
})

function checkedByte(value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xff) {
    throw new RangeError(`${value} is not an integer from 0 to 255`)
  }
  return value
}
