/** Owns how values become bytes when a definition brings no codec of its own, and how broker errors travel. */
import { deserialize, serialize } from 'node:v8'
import { BrokerError, type BrokerErrorKind } from '../brokers/errors.js'
import type { ByteReader } from '../bytes/byte-reader.js'
import type { ByteWriter } from '../bytes/byte-writer.js'
import type { WireCodec } from '../bytes/wire-codec.js'

/**
 * The structured clone algorithm as bytes: what `postMessage` takes, except transferables and shared memory.
 * A value that cannot be cloned throws when it is written, so it fails its own message and no other.
 */
export const cloneCodec: WireCodec<unknown> = {
  write: (writer: ByteWriter, value: unknown) => writer.raw(serialize(value)),
  read: (reader: ByteReader) => deserialize(reader.view(reader.remaining))
}

/** A `BrokerError` keeps its kind and message; a cause that cannot be cloned arrives as its text. */
export const brokerErrorCodec: WireCodec<BrokerError> = {
  write(writer, error) {
    writer.text(error.kind)
    writer.text(error.message)
    writer.raw(serializeOrText(error.cause))
  },
  read(reader) {
    const kind = reader.text() as BrokerErrorKind
    const message = reader.text()
    const cause: unknown = deserialize(reader.view(reader.remaining))
    return new BrokerError(kind, message, cause === undefined ? undefined : { cause })
  }
}

function serializeOrText(value: unknown): Uint8Array {
  try {
    return serialize(value)
  } catch {
    return serialize(String(value))
  }
}
