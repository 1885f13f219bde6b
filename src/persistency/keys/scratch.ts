/**
 * The one writer that all keys and payloads of this thread are encoded in.
 *
 * Encoding is synchronous, so a single buffer serves everybody; only the finished bytes are allocated. Used like a
 * stack, because encoding may run a caller's getter, and that getter may encode something itself.
 */
import { ByteWriter } from '../../bytes/byte-writer.js'

const scratch = new ByteWriter(4096)

/** Runs `write` on the shared writer and answers a copy of what it wrote. A throw leaves nothing behind. */
export function encoded<T>(write: (writer: ByteWriter, value: T) => void, value: T): Uint8Array {
  const start = scratch.offset
  const attached = scratch.attachedCount
  try {
    write(scratch, value)
    if (scratch.attachedCount > attached) {
      throw new TypeError(
        'a key or payload is bytes in one piece: write what is attached to it with blob() or raw()'
      )
    }
    return scratch.takeFrom(start)
  } catch (error) {
    scratch.rewind(start)
    throw error
  }
}
