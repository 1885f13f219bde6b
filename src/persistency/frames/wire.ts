/** Owns how the messages of a job are laid out in a frame. Changes freely: both ends are always the same release. */
import { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import type { WireCodec } from '../../bytes/wire-codec.js'
import type { ConflictData } from '../conflict.js'
import { PersistencyError, type PersistencyErrorData } from '../errors.js'
import type { KeyRange } from '../keys/key-range.js'
import { Key } from '../keys/keys.js'
import type {
  KvAddress,
  KvManyQuery,
  KvPayloads,
  KvRangeQuery,
  KvScanPage,
  KvScanQuery,
  PersistCommittedPayload,
  PersistEventPayload,
  PersistFailedPayload,
  RemovedRow
} from '../message-payloads.js'
import type { KvRow } from '../types.js'
import { readOps, writeOps } from './ops-codec.js'
import { ABSENT, PackedPage, PackedPayloads, unpackPayloads, unpackRows } from './packed.js'
import { PackedWrite } from './packed-write.js'
import { PackedWrites } from './packed-writes.js'

/** From here on packed bytes are attached to a frame: copying them into it would cost more. */
const ATTACHED_BYTES = 16 * 1024

/** More parts than these stay packed: whoever gets them makes the objects a little at a time, see `unpacked.ts`. */
const FEW_PARTS = 2

export const bool: WireCodec<boolean> = {
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read: (reader) => reader.u8() === 1
}

export const flushQuery: WireCodec<{ readonly durable: boolean }> = {
  write: (writer, { durable }) => bool.write(writer, durable),
  read: (reader) => ({ durable: bool.read(reader) })
}

export const count: WireCodec<number> = {
  write: (writer, value) => writer.f64(value),
  read: (reader) => reader.f64()
}

export const optionalBytes: WireCodec<Uint8Array | undefined> = {
  write(writer, value) {
    writer.u8(value === undefined ? 0 : 1)
    if (value !== undefined) writer.raw(value)
  },
  read: (reader) => (reader.u8() === 0 ? undefined : reader.keep(reader.remaining))
}

export const error: WireCodec<PersistencyError> = {
  write(writer, value) {
    const { code, message, backendCode, cause, conflict } = value.toJSON()
    writer.text(code)
    writer.text(message)
    writeOptionalText(writer, backendCode)
    writeOptionalText(writer, cause)
    writeOptionalText(writer, conflict === undefined ? undefined : JSON.stringify(conflict))
  },
  read(reader) {
    const data = {
      code: reader.text() as PersistencyErrorData['code'],
      message: reader.text(),
      backendCode: readOptionalText(reader),
      cause: readOptionalText(reader)
    }
    const conflict = readOptionalText(reader)
    return PersistencyError.from(
      conflict === undefined ? data : { ...data, conflict: JSON.parse(conflict) as ConflictData }
    )
  }
}

export const address: WireCodec<KvAddress> = {
  write(writer, { category, key }) {
    writer.text(category)
    writer.raw(key.bytes)
  },
  read: (reader) => ({ category: reader.text(), key: Key.view(reader.view(reader.remaining)) })
}

export const rangeQuery: WireCodec<KvRangeQuery> = {
  write(writer, { category, range }) {
    writer.text(category)
    writeRange(writer, range)
  },
  read: (reader) => ({ category: reader.text(), range: readRange(reader) })
}

export const scanQuery: WireCodec<KvScanQuery> = {
  write(writer, query) {
    rangeQuery.write(writer, query)
    writer.u8((query.reverse ? 1 : 0) | (query.keysOnly ? 2 : 0) | (query.withPlace ? 4 : 0))
    writer.f64(query.limit ?? -1)
    writer.f64(query.maxBytes ?? -1)
  },
  read(reader) {
    const { category, range } = rangeQuery.read(reader)
    const flags = reader.u8()
    const limit = reader.f64()
    const maxBytes = reader.f64()
    return {
      category,
      range,
      reverse: (flags & 1) !== 0,
      keysOnly: (flags & 2) !== 0,
      ...(limit >= 0 && { limit }),
      ...(maxBytes >= 0 && { maxBytes }),
      ...((flags & 4) !== 0 && { withPlace: true })
    }
  }
}

/** Keys and payloads of the rows are views on what brought them. */
export const scanPage: WireCodec<KvScanPage> = {
  write(writer, page) {
    bool.write(writer, page.more)
    writer.f64(page.journalSeq ?? -1)
    if (page instanceof PackedPage) writeParts(writer, page.parts)
    else writePart(writer, page.rows, writePackedRow)
  },
  read(reader) {
    const more = bool.read(reader)
    const journalSeq = reader.f64()
    const parts = readParts(reader)
    if (parts.length > FEW_PARTS) return new PackedPage(parts, more, journalSeq >= 0 ? journalSeq : undefined)
    const rows: KvRow[] = []
    for (const part of parts) unpackRows(part, rows)
    return { rows, more, ...(journalSeq >= 0 && { journalSeq }) }
  }
}

export const keyList: WireCodec<KvManyQuery> = {
  write(writer, { category, keys }) {
    writer.text(category)
    writer.u32(keys.length)
    for (const { bytes } of keys) writer.blob(bytes)
  },
  read(reader) {
    const category = reader.text()
    const keys: Key[] = []
    for (let left = reader.u32(); left > 0; left--) keys.push(Key.view(reader.blob()))
    return { category, keys }
  }
}

/** The payloads are views on what brought them. */
export const payloadList: WireCodec<KvPayloads> = {
  write(writer, answer) {
    if (answer instanceof PackedPayloads) writeParts(writer, answer.parts)
    else writePart(writer, answer.payloads, writePackedPayload)
  },
  read(reader) {
    const parts = readParts(reader)
    if (parts.length > FEW_PARTS) return new PackedPayloads(parts)
    const payloads: (Uint8Array | undefined)[] = []
    for (const part of parts) unpackPayloads(part, payloads)
    return { payloads }
  }
}

export const persistEvent: WireCodec<PersistEventPayload> = {
  write(writer, event) {
    writer.text(event.jobId)
    writer.f64(event.seq)
    writer.f64(event.bytes)
    writeOps(writer, event.ops)
  },
  read: (reader) => new PackedWrite(reader),
  readRun: (reader) => new PackedWrites(reader)
}

export const persistCommitted: WireCodec<PersistCommittedPayload> = {
  write(writer, event) {
    writer.text(event.jobId)
    writer.f64(event.firstSeq)
    writer.f64(event.lastSeq)
    writer.f64(event.writes)
    writer.f64(event.ops)
    writer.f64(event.bytes)
    writer.f64(event.waitMs)
    writer.f64(event.commitMs)
    writer.f64(event.journal?.firstSeq ?? 0)
    writer.f64(event.journal?.lastSeq ?? 0)
    const removed = event.removed ?? []
    writer.u32(removed.length)
    for (const { category, key, afterSeq } of removed) {
      writer.text(category)
      writer.blob(key.bytes)
      writer.f64(afterSeq)
    }
  },
  read(reader) {
    const event = {
      jobId: reader.text(),
      firstSeq: reader.f64(),
      lastSeq: reader.f64(),
      writes: reader.f64(),
      ops: reader.f64(),
      bytes: reader.f64(),
      waitMs: reader.f64(),
      commitMs: reader.f64()
    }
    const journal = { firstSeq: reader.f64(), lastSeq: reader.f64() }
    const removed: RemovedRow[] = []
    for (let left = reader.u32(); left > 0; left--) {
      removed.push({
        category: reader.text(),
        key: Key.view(new Uint8Array(reader.blob())),
        afterSeq: reader.f64()
      })
    }
    return {
      ...event,
      ...(journal.firstSeq !== 0 && { journal }),
      ...(removed.length > 0 && { removed })
    }
  }
}

export const persistFailed: WireCodec<PersistFailedPayload> = {
  write(writer, event) {
    writer.text(event.jobId)
    writer.f64(event.seq)
    writeOps(writer, event.ops)
    error.write(writer, event.error)
  },
  read(reader) {
    const jobId = reader.text()
    const seq = reader.f64()
    // On memory of their own: who hears of a failure may hand the operations on to another thread.
    const own = new ByteReader(new Uint8Array(reader.view(reader.remaining)))
    return { jobId, seq, ops: readOps(own), error: error.read(own) }
  }
}

/** Packed parts, large ones attached. Nobody has a use for a part afterwards. */
function writeParts(writer: ByteWriter, parts: readonly Uint8Array[]): void {
  for (const part of parts) {
    const attached = part.length >= ATTACHED_BYTES
    bool.write(writer, attached)
    if (attached) writer.attach(part)
    else writer.blob(part)
  }
}

/** Items that are not packed yet, as one part. */
function writePart<T>(
  writer: ByteWriter,
  items: readonly T[],
  write: (writer: ByteWriter, item: T) => void
): void {
  bool.write(writer, false)
  const at = writer.offset
  writer.u32(0)
  for (const item of items) write(writer, item)
  writer.patchU32(at, writer.offset - at - 4)
}

function readParts(reader: ByteReader): Uint8Array[] {
  const parts: Uint8Array[] = []
  while (!reader.done) parts.push(bool.read(reader) ? reader.attached() : reader.blob())
  return parts
}

/** As `PACKED_PAYLOAD` of `packed.ts`. */
function writePackedPayload(writer: ByteWriter, payload: Uint8Array | undefined): void {
  if (payload === undefined) {
    writer.utf8(ABSENT)
    return
  }
  writer.utf8(`${payload.length}:`)
  writer.raw(payload)
}

/** As `PACKED_ROW` of `packed.ts`. */
function writePackedRow(writer: ByteWriter, { key, payload }: KvRow): void {
  writer.utf8(`${key.length}:${payload.length}:`)
  writer.raw(key.bytes)
  writer.raw(payload)
}

function writeRange(writer: ByteWriter, { start, stop }: KeyRange): void {
  writer.blob(start.bytes)
  writer.u8(stop === undefined ? 0 : 1)
  if (stop !== undefined) writer.blob(stop.bytes)
}

function readRange(reader: ByteReader): KeyRange {
  const start = Key.view(reader.blob())
  return reader.u8() === 0 ? { start } : { start, stop: Key.view(reader.blob()) }
}

function writeOptionalText(writer: ByteWriter, text: string | undefined): void {
  writer.u8(text === undefined ? 0 : 1)
  if (text !== undefined) writer.text(text)
}

function readOptionalText(reader: ByteReader): string | undefined {
  return reader.u8() === 0 ? undefined : reader.text()
}
