/**
 * Owns the bytes of one event in the journal: format 1, which `docs/file-format.md` describes. It lies in files, so it
 * does not change; another layout is another format.
 */
import { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import { isPut, readOps, writeOp, writeOps } from '../frames/ops-codec.js'
import type { ChangeOp, PutOp, TxOp } from '../types.js'
import { damagedJournal } from './damaged-journal.js'
import type { PackedEvent } from './message-payloads.js'
import type { EventMetadata, JournalEvent } from './types.js'

/** Stands in each row of the journal. */
export const JOURNAL_FORMAT = 1

const EventForm = { write: 0, own: 1, ownOfStream: 2 } as const

/** An event of the application's own, with its place in a stream. */
export interface OwnEvent {
  readonly type: string
  readonly data: Uint8Array
  readonly metadata: EventMetadata
  readonly stream: string | undefined
  readonly streamSeq: number
}

/** A write of one row; the shortest way, because most are. */
export function writePutEvent(writer: ByteWriter, put: PutOp): void {
  writer.u8(EventForm.write)
  writer.u32(1)
  writeOp(writer, put)
}

/** A write. Checks are conditions that held: they are left out. */
export function writeWriteEvent(writer: ByteWriter, ops: readonly TxOp[]): void {
  writer.u8(EventForm.write)
  writeOps(writer, changesIn(ops))
}

export function writeOwnEvent(writer: ByteWriter, event: OwnEvent, ops: readonly TxOp[]): void {
  writer.u8(event.stream === undefined ? EventForm.own : EventForm.ownOfStream)
  if (event.stream !== undefined) {
    writer.text(event.stream)
    writer.f64(event.streamSeq)
  }
  writer.text(event.type)
  writeMetadata(writer, event.metadata)
  writer.blob(event.data)
  writeOps(writer, changesIn(ops))
}

/** Whether the event in `reader` is a write of one row, as `writePutEvent` writes it; what follows is that operation's. */
export function isPutEvent(reader: ByteReader): boolean {
  return reader.u8() === EventForm.write && reader.u32() === 1 && isPut(reader)
}

/** Whether the bytes of an event are those of a plain write, told without reading them. */
export function isWrite(bytes: Uint8Array): boolean {
  return bytes[0] === EventForm.write
}

/** The type of an event of the application's own, read without the rest; `undefined` when there is none to read. */
export function typeOf(bytes: Uint8Array): string | undefined {
  const reader = new ByteReader(bytes)
  try {
    const form = reader.u8()
    if (form !== EventForm.own && form !== EventForm.ownOfStream) return undefined
    if (form === EventForm.ownOfStream) {
      reader.text()
      reader.f64()
    }
    return reader.text()
  } catch {
    return undefined
  }
}

/** What an event says; its bytes are views on those of the event. Throws `ERR_JOURNAL` when that cannot be read. */
export function decodeEvent({ seq, time, bytes }: PackedEvent): JournalEvent {
  try {
    return readEvent(new ByteReader(bytes), seq, time)
  } catch (cause) {
    throw damagedJournal(`event ${seq} of the journal cannot be read`, { cause })
  }
}

function readEvent(reader: ByteReader, seq: number, time: number): JournalEvent {
  const form = reader.u8()
  if (form === EventForm.write) return { kind: 'write', seq, time, ops: readOps(reader) as ChangeOp[] }
  if (form !== EventForm.own && form !== EventForm.ownOfStream)
    throw new RangeError(`unknown event form ${form}`)
  const place =
    form === EventForm.ownOfStream ? { stream: reader.text(), streamSeq: reader.f64() } : undefined
  const type = reader.text()
  const metadata = readMetadata(reader)
  const data = reader.blob()
  return { kind: 'event', seq, time, type, data, metadata, ...place, ops: readOps(reader) as ChangeOp[] }
}

export function writeMetadata(writer: ByteWriter, metadata: EventMetadata): void {
  const entries = Object.entries(metadata).filter(([, value]) => value !== undefined)
  writer.u32(entries.length)
  for (const [name, value] of entries) {
    writer.text(name)
    writer.text(value as string)
  }
}

export function readMetadata(reader: ByteReader): EventMetadata {
  const entries: [string, string][] = []
  for (let left = reader.u32(); left > 0; left--) entries.push([reader.text(), reader.text()])
  return Object.fromEntries(entries)
}

function changesIn(ops: readonly TxOp[]): readonly TxOp[] {
  return ops.some(({ kind }) => kind === 'check') ? ops.filter(({ kind }) => kind !== 'check') : ops
}
