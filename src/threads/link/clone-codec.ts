/**
 * Owns how a value becomes bytes when its definition has no codec: the result is that of a structured clone.
 *
 * Most messages are small and of plain data. Those are written here, in a form of our own, because setting up the engine's
 * serializer costs more than writing them. Everything else goes through the engine.
 */
import { types } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { isDetached } from '../../bytes/detached.js'
import type { WireCodec } from '../../bytes/wire-codec.js'

/**
 * The structured clone algorithm as bytes: what `v8.serialize` takes. That is what `postMessage` takes, except for
 * transferables, shared memory, and objects of Node.js such as a `Blob` or a `KeyObject`.
 * A value that cannot be cloned throws when it is written, so it fails its own message and no other.
 */
export const cloneCodec: WireCodec<unknown> = {
  write(writer: ByteWriter, value: unknown) {
    const start = writer.offset
    if (writePlain(writer, value, [])) return
    writer.rewind(start)
    writer.u8(Form.engine)
    writer.raw(serialize(value))
  },
  read: (reader: ByteReader) => readForm(reader, reader.u8())
}

/** Marks objects of Node.js that only `postMessage` clones. From Node.js 22 on, the engine writes them without their content. */
const POST_ONLY = Object.getOwnPropertySymbols(Blob.prototype).find(
  ({ description }) => description === 'messaging_clone_symbol'
)

const Form = {
  engine: 0,
  undefined: 1,
  null: 2,
  false: 3,
  true: 4,
  int32: 5,
  float64: 6,
  text: 7,
  bytes: 8,
  array: 9,
  object: 10
} as const

/** With more objects or items, the engine is faster, and looking for objects that occur twice takes long. */
const MAX_CONTAINERS = 16
const MAX_ITEMS = 32

/** Returns whether the value was written; if not, the caller rewinds the writer. */
function writePlain(writer: ByteWriter, value: unknown, containers: object[]): boolean {
  switch (typeof value) {
    case 'string':
      // A lone surrogate would not survive UTF-8.
      if (!value.isWellFormed()) return false
      writer.u8(Form.text)
      writer.text(value)
      return true
    case 'number':
      writeNumber(writer, value)
      return true
    case 'boolean':
      writer.u8(value ? Form.true : Form.false)
      return true
    case 'undefined':
      writer.u8(Form.undefined)
      return true
    case 'object':
      if (value !== null) return writeContainer(writer, value, containers)
      writer.u8(Form.null)
      return true
    default:
      return false
  }
}

function writeNumber(writer: ByteWriter, value: number): void {
  if ((value | 0) === value && !Object.is(value, -0)) {
    writer.u8(Form.int32)
    writer.u32(value)
  } else {
    writer.u8(Form.float64)
    writer.f64(value)
  }
}

function writeContainer(writer: ByteWriter, value: object, containers: object[]): boolean {
  // An object that occurs twice, or within itself, must arrive as one object: the engine keeps track of that.
  if (containers.length === MAX_CONTAINERS || containers.includes(value)) return false
  containers.push(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (types.isProxy(value)) return false
  if (prototype === Object.prototype) return writeObject(writer, value as Record<string, unknown>, containers)
  if (prototype === Array.prototype) return writeArray(writer, value as unknown[], containers)
  refusePostOnly(value)
  // Bytes that were given away cannot be cloned; the engine throws the right error.
  if (prototype !== Uint8Array.prototype || isDetached(value as Uint8Array)) return false
  writer.u8(Form.bytes)
  writer.blob(value as Uint8Array)
  return true
}

/** Looks no deeper into a large value than it is written here. */
function refusePostOnly(value: object): void {
  if (POST_ONLY === undefined || !(POST_ONLY in value) || value instanceof Error) return
  throw new TypeError(`a ${value.constructor?.name} cannot be cloned without postMessage`)
}

function writeObject(writer: ByteWriter, object: Record<string, unknown>, containers: object[]): boolean {
  const keys = Object.keys(object)
  if (keys.length > MAX_ITEMS) return false
  writer.u8(Form.object)
  writer.u8(keys.length)
  for (const key of keys) {
    if (key === '__proto__' || !key.isWellFormed()) return false
    writer.text(key)
    if (!writePlain(writer, object[key], containers)) return false
  }
  return true
}

function writeArray(writer: ByteWriter, array: unknown[], containers: object[]): boolean {
  const length = array.length
  if (length > MAX_ITEMS || !isDense(array)) return false
  writer.u8(Form.array)
  writer.u8(length)
  for (const item of array) if (!writePlain(writer, item, containers)) return false
  return true
}

/** Whether there are neither holes nor fields besides the items; fields come behind them among the keys. */
function isDense(array: unknown[]): boolean {
  const keys = Object.keys(array)
  const { length } = array
  return keys.length === length && (length === 0 || keys[length - 1] === String(length - 1))
}

function readForm(reader: ByteReader, form: number): unknown {
  switch (form) {
    case Form.engine:
      // A copy: deserialized bytes share their memory, and the frame holds other messages as well.
      return deserialize(reader.view(reader.remaining).slice())
    case Form.undefined:
      return undefined
    case Form.null:
      return null
    case Form.false:
      return false
    case Form.true:
      return true
    case Form.int32:
      return reader.u32() | 0
    case Form.float64:
      return reader.f64()
    case Form.text:
      return reader.text()
    case Form.bytes:
      return reader.blob().slice()
    case Form.array:
      return readArray(reader)
    case Form.object:
      return readObject(reader)
    default:
      throw new RangeError(`no value has form ${form}`)
  }
}

function readArray(reader: ByteReader): unknown[] {
  const array: unknown[] = []
  for (let left = reader.u8(); left > 0; left--) array.push(readForm(reader, reader.u8()))
  return array
}

function readObject(reader: ByteReader): object {
  const object: Record<string, unknown> = {}
  for (let left = reader.u8(); left > 0; left--) {
    const key = reader.text()
    if (key === '__proto__') throw new RangeError('a field of this name is never written so')
    object[key] = readForm(reader, reader.u8())
  }
  return object
}
