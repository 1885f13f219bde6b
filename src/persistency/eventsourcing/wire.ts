/** Owns how requests for subscriptions that bring operations or events are laid out in a frame: behind plain facts. */
import type { WireCodec } from '../../bytes/wire-codec.js'
import { readOps, writeOps } from '../frames/ops-codec.js'
import type { JournalAppendQuery } from '../journal/message-payloads.js'
import { appendQuery } from '../journal/wire.js'
import type { ParkedEntry, SubscriptionAdvanceQuery, SubscriptionClaimQuery } from './message-payloads.js'

export const claimQuery: WireCodec<SubscriptionClaimQuery> = {
  write(writer, { clear, ...rest }) {
    writer.text(JSON.stringify(rest))
    writeOps(writer, clear)
  },
  read: (reader) => ({
    ...(JSON.parse(reader.text()) as Omit<SubscriptionClaimQuery, 'clear'>),
    clear: readOps(reader)
  })
}

export const parkedEntries: WireCodec<readonly ParkedEntry[]> = {
  write(writer, entries) {
    writer.text(JSON.stringify(entries.map(({ bytes: _, ...rest }) => rest)))
    for (const { bytes } of entries) writer.blob(bytes)
  },
  read(reader) {
    const entries = JSON.parse(reader.text()) as Omit<ParkedEntry, 'bytes'>[]
    return entries.map((entry) => ({ ...entry, bytes: reader.blob() }))
  }
}

export const advanceQuery: WireCodec<SubscriptionAdvanceQuery> = {
  write(writer, { ops, append, park, ...rest }) {
    writer.text(JSON.stringify(rest))
    writeOps(writer, ops)
    writer.u32(append.length)
    for (const query of append) appendQuery.write(writer, query)
    parkedEntries.write(writer, park)
  },
  read(reader) {
    const rest = JSON.parse(reader.text()) as Omit<SubscriptionAdvanceQuery, 'ops' | 'append' | 'park'>
    const ops = readOps(reader)
    const append: JournalAppendQuery[] = []
    for (let left = reader.u32(); left > 0; left--) append.push(appendQuery.read(reader))
    return { ...rest, ops, append, park: parkedEntries.read(reader) }
  }
}
