/** The contract between a message definition and a link: how one value is laid out in a binary frame. */
import type { ByteReader } from './byte-reader.js'
import type { ByteWriter } from './byte-writer.js'

/**
 * Writes a value into a frame and reads it back on the other thread.
 *
 * `read` gets a reader that holds exactly the bytes which `write` produced. The reader shares memory with the
 * received frame, so a codec that keeps a view keeps the whole frame alive; copy what is to be kept for long.
 * A codec that throws fails its own message only.
 */
export interface WireCodec<T> {
  write(writer: ByteWriter, value: T): void
  read(reader: ByteReader): T
  /**
   * Of an event only, and only where it pays: reads all events that came one behind the other, each behind its length as
   * a u32. What it throws breaks the link.
   */
  readRun?(reader: ByteReader): Iterable<T>
}
