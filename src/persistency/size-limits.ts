/** Owns how large rows, writes and events may be. */
import { constants } from 'node:buffer'
import type { JournalAppendQuery } from './journal/message-payloads.js'
import type { TxOp } from './types.js'

/** The longest value of SQLite itself (SQLITE_MAX_LENGTH). */
const MOST_OF_SQLITE = 1_000_000_000

/** Room for the header of a row, and for what stands around a single operation in the journal. */
const AROUND_BYTES = 64

/**
 * The longest row, its category, key and payload together. SQLite takes it as one value, and better-sqlite3 has it take
 * none that is longer than a string or a buffer of Node.js may be.
 */
export const MAX_ROW_BYTES =
  Math.min(MOST_OF_SQLITE, constants.MAX_LENGTH, constants.MAX_STRING_LENGTH) - AROUND_BYTES

/** The longest event of a journal, which is stored as a row: a whole write is one. */
export const MAX_EVENT_BYTES = MAX_ROW_BYTES

/**
 * The longest write, all its operations together. They travel in one frame, whose lengths have 32 bits and which is
 * held twice while it is sent.
 */
export const MAX_WRITE_BYTES = 1_000_000_000

/** What stands in front of the parts of an operation or event in the journal: a tag, and a length of each. */
const OP_HEADER_BYTES = 13
const EVENT_HEADER_BYTES = 64
const PAIR_HEADER_BYTES = 8

/** No text is longer in UTF-8 than this. */
export function mostUtf8Bytes(text: string): number {
  return text.length * 3
}

/** What an operation takes of a write. */
export function bytesOf(op: TxOp): number {
  const key = op.kind === 'deletePrefix' ? op.prefix : op.key
  const payload = op.kind === 'put' ? op.payload : op.kind === 'check' ? op.equals : undefined
  return mostUtf8Bytes(op.category) + key.bytes.length + (payload?.length ?? 0)
}

/** What operations take of an event, besides what there is room for around it. Checks are not recorded. */
export function recordedBytesOf(ops: readonly TxOp[]): number {
  let bytes = 0
  for (const op of ops) if (op.kind !== 'check') bytes += bytesOf(op) + OP_HEADER_BYTES
  return Math.max(0, bytes - OP_HEADER_BYTES)
}

/** What an event of the application's own takes, without its operations. */
export function eventBytesOf(
  { type, data, metadata }: JournalAppendQuery['events'][number],
  stream: string | undefined
): number {
  let bytes = EVENT_HEADER_BYTES + mostUtf8Bytes(stream ?? '') + mostUtf8Bytes(type) + data.length
  for (const [name, text] of Object.entries(metadata)) {
    bytes += PAIR_HEADER_BYTES + mostUtf8Bytes(name) + mostUtf8Bytes(text as string)
  }
  return bytes
}
