/** Owns how the requests for the journal are laid out in a frame. Changes freely, unlike `event-codec.ts`. */
import type { ByteReader } from '../../bytes/byte-reader.js'
import type { ByteWriter } from '../../bytes/byte-writer.js'
import type { WireCodec } from '../../bytes/wire-codec.js'
import { readOps, writeOps } from '../frames/ops-codec.js'
import { Key } from '../keys/keys.js'
import { readMetadata, writeMetadata } from './event-codec.js'
import type {
  JournalAppendQuery,
  JournalAtQuery,
  JournalComparedRows,
  JournalCompareQuery,
  JournalPage,
  PackedEvent,
  Stepwise
} from './message-payloads.js'
import type { Appended, ExpectedSeq, JournalDifference } from './types.js'

/** Sequence numbers and counts. */
const NONE = -1
const ANY = -2

export const appendQuery: WireCodec<JournalAppendQuery> = {
  write(writer, { events, stream, expectedSeq, ops, idempotencyKey }) {
    writer.u32(events.length)
    for (const { type, data, metadata } of events) {
      writer.text(type)
      writer.blob(data)
      writeMetadata(writer, metadata)
    }
    writeOptional(writer, stream, (text) => writer.text(text))
    writer.f64(expectedSeq === 'any' ? ANY : expectedSeq === 'none' ? NONE : expectedSeq)
    writeOptional(writer, idempotencyKey, (text) => writer.text(text))
    writeOps(writer, ops)
  },
  read(reader) {
    const events = readList(reader, () => ({
      type: reader.text(),
      data: reader.blob(),
      metadata: readMetadata(reader)
    }))
    const stream = readOptional(reader, () => reader.text())
    const expected = reader.f64()
    const idempotencyKey = readOptional(reader, () => reader.text())
    const expectedSeq: ExpectedSeq = expected === ANY ? 'any' : expected === NONE ? 'none' : expected
    return { events, stream, expectedSeq, ops: readOps(reader), idempotencyKey }
  }
}

export const appended: WireCodec<Appended> = {
  write(writer, { firstSeq, lastSeq, streamSeq, repeated }) {
    writer.f64(firstSeq)
    writer.f64(lastSeq)
    writer.f64(streamSeq)
    writer.u8(repeated ? 1 : 0)
  },
  read: (reader) => ({
    firstSeq: reader.f64(),
    lastSeq: reader.f64(),
    streamSeq: reader.f64(),
    repeated: reader.u8() === 1
  })
}

/** The bytes of the events are views on the frame that brought them. */
export const journalPage: WireCodec<JournalPage> = {
  write(writer, { events, next, firstSeq, lastSeq }) {
    writer.u32(events.length)
    for (const { seq, time, bytes } of events) {
      writer.f64(seq)
      writer.f64(time)
      writer.blob(bytes)
    }
    writer.f64(next)
    writer.f64(firstSeq)
    writer.f64(lastSeq)
  },
  read(reader) {
    const events = readList(
      reader,
      (): PackedEvent => ({ seq: reader.f64(), time: reader.f64(), bytes: reader.blob() })
    )
    return { events, next: reader.f64(), firstSeq: reader.f64(), lastSeq: reader.f64() }
  }
}

/** A query with the sequence number in front. */
export function atQuery<Query extends object>(query: WireCodec<Query>): WireCodec<JournalAtQuery<Query>> {
  return {
    write(writer, value) {
      writer.f64(value.seq)
      query.write(writer, value)
    },
    read: (reader) => ({ seq: reader.f64(), ...query.read(reader) })
  }
}

/** An answer that may not be ready. */
export function stepwise<T>(value: WireCodec<T>): WireCodec<Stepwise<T>> {
  return {
    write(writer, step) {
      writer.u8(step.ready ? 1 : 0)
      if (step.ready) value.write(writer, step.value)
      else {
        writer.f64(step.done)
        writer.f64(step.total)
      }
    },
    read: (reader) =>
      reader.u8() === 1
        ? { ready: true, value: value.read(reader) }
        : { ready: false, done: reader.f64(), total: reader.f64() }
  }
}

type Place = NonNullable<JournalCompareQuery['behind']>

const place: WireCodec<Place> = {
  write(writer, { category, key }) {
    writer.blob(category)
    writer.blob(key.bytes)
  },
  read: (reader) => ({ category: reader.blob(), key: Key.view(reader.blob()) })
}

export const compareQuery: WireCodec<JournalCompareQuery> = {
  write: (writer, { behind }) => writeOptional(writer, behind, (at) => place.write(writer, at)),
  read(reader) {
    const behind = readOptional(reader, () => place.read(reader))
    return behind === undefined ? {} : { behind }
  }
}

const KINDS: readonly JournalDifference['kind'][] = ['missing', 'extra', 'changed']

export const comparedRows: WireCodec<JournalComparedRows> = {
  write(writer, { rows, differing, differences, seq, next }) {
    for (const number of [rows, differing, seq]) writer.f64(number)
    writeOptional(writer, next, (at) => place.write(writer, at))
    writer.u32(differences.length)
    for (const { kind, category, key } of differences) {
      writer.u8(KINDS.indexOf(kind))
      writer.text(category)
      writer.blob(key.bytes)
    }
  },
  read(reader) {
    const [rows, differing, seq] = [reader.f64(), reader.f64(), reader.f64()]
    const next = readOptional(reader, () => place.read(reader))
    const differences = readList(
      reader,
      (): JournalDifference => ({
        kind: KINDS[reader.u8()] as JournalDifference['kind'],
        category: reader.text(),
        key: Key.view(reader.blob())
      })
    )
    return { rows, differing, differences, seq, ...(next !== undefined && { next }) }
  }
}

function writeOptional<T>(writer: ByteWriter, value: T | undefined, write: (value: T) => void): void {
  writer.u8(value === undefined ? 0 : 1)
  if (value !== undefined) write(value)
}

function readOptional<T>(reader: ByteReader, read: () => T): T | undefined {
  return reader.u8() === 0 ? undefined : read()
}

function readList<T>(reader: ByteReader, read: () => T): T[] {
  const items: T[] = []
  for (let left = reader.u32(); left > 0; left--) items.push(read())
  return items
}
