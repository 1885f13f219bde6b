// Owns the batches that the torture writes: numbered, of a known number of rows, each row with a checksum, so that
// whoever finds them again can tell whether one is torn, missing or invented.

import { crc32 } from 'node:zlib'
import { key } from 'persistency'

export const BATCH = 'batch'
export const COUNTER = 'counter'

/** A writer keeps so many of its batches; each further one removes the oldest with it. */
export const KEPT = 40

const HEAD_BYTES = 12

export function rowsOf(n) {
  return 1 + (n % 7)
}

/** The operations of batch `n` of a writer: rows, the counter, and the removal of an old batch. */
export function batchOps(writer, n, payloadBytes = 24) {
  const ops = []
  for (let row = 0; row < rowsOf(n); row++) {
    ops.push({
      kind: 'put',
      category: BATCH,
      key: key(writer, n, row),
      payload: sealed(writer, n, row, payloadBytes)
    })
  }
  ops.push({ kind: 'put', category: COUNTER, key: key(writer), payload: sealed(writer, n, 0, 0) })
  if (n > KEPT) ops.push({ kind: 'deletePrefix', category: BATCH, prefix: key(writer, n - KEPT) })
  return ops
}

function sealed(writer, n, row, payloadBytes) {
  const bytes = Buffer.alloc(HEAD_BYTES + payloadBytes + 4, (n * 31 + row) & 0xff)
  bytes.writeUInt32BE(writer, 0)
  bytes.writeUInt32BE(n, 4)
  bytes.writeUInt32BE(row, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
  // Not from the pool: what is written is a copy that nobody else changes.
  return new Uint8Array(bytes)
}

/** What a payload says of itself; `undefined` when its checksum is wrong. */
export function unsealed(payload) {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length)
  if (bytes.length < HEAD_BYTES + 4) return undefined
  if (bytes.readUInt32BE(bytes.length - 4) !== crc32(bytes.subarray(0, -4))) return undefined
  return { writer: bytes.readUInt32BE(0), n: bytes.readUInt32BE(4), row: bytes.readUInt32BE(8) }
}
