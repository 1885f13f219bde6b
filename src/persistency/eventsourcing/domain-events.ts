/** Owns how the events of an application become events of the journal and back. */
import { decodeUtf8 } from '../../bytes/utf8.js'
import { demand } from '../checks/declarations.js'
import { nameText } from '../checks/options.js'
import { describeValue } from '../describe.js'
import type { NewEvent, RecordedEvent } from '../journal/types.js'

/** An event of an application: what happened, and its facts. */
export interface DomainEvent {
  readonly type: string
  readonly data?: unknown
}

/**
 * What a codec reads an event from: what is known of it before it is in the journal, so that it reads the same then. Its
 * number and its time are with a projection, as `recorded`.
 */
export type EncodedEvent = Pick<RecordedEvent, 'type' | 'data' | 'metadata' | 'stream' | 'streamSeq'>

/** Turns events of one kind into what `append` takes, and back. This is also the place to read older shapes of them. */
export interface EventCodec<Event extends DomainEvent> {
  encode(event: Event): NewEvent
  /** `undefined` for an event that is none of these; what throws is a failure on that event. */
  readonly decode: (encoded: EncodedEvent) => Event | undefined
}

/**
 * Events whose data is JSON, in UTF-8; no data, no bytes. With `types`, events of other types are left alone; without,
 * every event is read. The type is taken on trust, as with `json`.
 *
 * @throws TypeError for what is no type. A list of them would be taken for one that no event has.
 * What JSON changes, this codec changes, as with `json`.
 *
 * @throws (encoding) TypeError for data of which JSON makes nothing: a function, a symbol, a bigint, a cycle; for an event
 *   of another type than those given, or with anything beside `type` and `data`, which would be lost.
 * @throws (decoding) RangeError for data that is not JSON.
 *
 * @example
 * type AccountEvent = { type: 'opened'; data: { owner: string } } | { type: 'closed' }
 * const accountEvents = jsonEvents<AccountEvent>('opened', 'closed')
 */
export function jsonEvents<Event extends DomainEvent>(...types: readonly Event['type'][]): EventCodec<Event> {
  for (const type of types) requireType(type)
  const known = types.length === 0 ? undefined : new Set<string>(types)
  return {
    encode({ type, data, ...others }) {
      if (known !== undefined && !known.has(type)) throw unknownType(type, known)
      refuseOthers(type, others)
      return data === undefined ? { type } : { type, data: new TextEncoder().encode(written(type, data)) }
    },
    decode({ type, data }) {
      if (known !== undefined && !known.has(type)) return undefined
      return (data.length === 0 ? { type } : { type, data: parsed(type, data) }) as Event
    }
  }
}

function requireType(type: unknown): void {
  if (Array.isArray(type))
    throw new TypeError('jsonEvents takes types, no list of them: write jsonEvents(...types)')
  demand('a type of jsonEvents', type, nameText)
}

/** It would never be read back. */
function unknownType(type: unknown, known: ReadonlySet<string>): TypeError {
  const types = [...known].map((name) => JSON.stringify(name)).join(', ')
  return new TypeError(`events of this codec are of type ${types}; got ${describeValue(type)}`)
}

function refuseOthers(type: string, others: object): void {
  const [name] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  throw new TypeError(`event "${type}" has a field "${name}"; what belongs to an event is in its data`)
}

/** What JSON leaves out would be read back as an event without data. */
function written(type: string, data: unknown): string {
  const text = JSON.stringify(data) as string | undefined
  if (text !== undefined) return text
  throw new TypeError(`the data of event "${type}" is nothing that JSON can express: ${describeValue(data)}`)
}

function parsed(type: string, data: Uint8Array): unknown {
  try {
    return JSON.parse(decodeUtf8(data, 0, data.length))
  } catch (cause) {
    throw new RangeError(`the data of event "${type}" is not JSON`, { cause })
  }
}
