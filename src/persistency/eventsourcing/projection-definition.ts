/** Owns declaring projections, and folding events into their states. Knows no storage. */

import { categoryText, coder, demand } from '../checks/declarations.js'
import { type Check, functionValue, integerFrom, nameText } from '../checks/options.js'
import { checkKey, ownKey } from '../checks/rows.js'
import type { ValueDecoder } from '../codecs/decode-value.js'
import type { ValueEncoder } from '../codecs/encode-value.js'
import { json } from '../codecs/json.js'
import { describeValue } from '../describe.js'
import type { RecordedEvent } from '../journal/types.js'
import { isUint8Array } from '../keys/key-parts.js'
import { Key } from '../keys/keys.js'
import type { DomainEvent, EventCodec } from './domain-events.js'
import { PROJECTION_PREFIX } from './subject.js'

/** Turns a state into the payload of a row and back; every codec of this package does. */
export type StateCodec<State> = ValueEncoder<State> & ValueDecoder<State>

/** The state of a row after an event, `undefined` to remove the row. */
export type Apply<Event, State> = (state: State, event: Event, recorded: RecordedEvent) => State | undefined

/**
 * What a projection is declared with. The state is what `initial` says it is; the type of `apply` stands by itself, so
 * that texts it answers are taken for what they are.
 */
export interface ProjectionParts<Event extends DomainEvent, State, ApplyFn = Apply<Event, State>> {
  /** Names its checkpoint; one per job. */
  readonly name: string
  /** Raise it when `apply` or the codec changes: the read model is then made anew from the first event. */
  readonly version: number
  /** Which events it reads, and how. */
  readonly events: EventCodec<Event>
  /** Only the events of this stream. Default all. */
  readonly stream?: string | undefined
  /** Which row an event belongs to; `undefined` for none. Without it there is one state, read with `state()`. */
  readonly key?: ((event: NoInfer<Event>, recorded: RecordedEvent) => Key | undefined) | undefined
  /** The state before the first event of a row. */
  readonly initial: () => State
  /** The state after an event, `undefined` to remove the row. Pure: it is called again when a batch is. */
  readonly apply: ApplyFn
  /** What the next event finds is what it reads back. Default JSON. */
  readonly codec?: StateCodec<NoInfer<State>> | undefined
  /** Where the rows are, for this projection alone. Default `projection/` and the name. */
  readonly category?: string | undefined
}

/** A declared projection. */
export interface ProjectionDefinition<Event extends DomainEvent, State>
  extends Pick<ProjectionParts<Event, State>, 'name' | 'version' | 'events' | 'initial'> {
  readonly category: string
  readonly stream: string | undefined
  readonly codec: StateCodec<State>
  readonly key: (event: Event, recorded: RecordedEvent) => Key | undefined
  readonly apply: Apply<Event, State>
}

/** The key of the row of a projection that has only one. */
export const ONLY_ROW: Key = Key.view(new Uint8Array(0))

/** The parts that every projection has besides its name: how each is checked, and what messages call it. */
const PARTS: readonly (readonly [part: string, check: Check, what?: string])[] = [
  ['version', integerFrom(0), 'the version'],
  ['initial', functionValue],
  ['apply', functionValue],
  ['key', functionValue],
  ['events', coder],
  ['codec', coder],
  ['category', categoryText, 'the category']
]

/**
 * Declares a read model: a category of rows that is what the events say. `Job.projection` keeps it.
 *
 * @throws TypeError for a declaration that cannot work.
 *
 * @example
 * const balances = defineProjection({
 *   name: 'balances',
 *   version: 1,
 *   events: jsonEvents<AccountEvent>(),
 *   key: (_, { stream }) => key(stream ?? ''),
 *   initial: () => 0,
 *   apply: (balance, event) => balance + amountOf(event)
 * })
 */
export function defineProjection<
  Event extends DomainEvent,
  State,
  ApplyFn extends Apply<Event, State> = Apply<Event, State>
>(parts: ProjectionParts<Event, State, ApplyFn>): ProjectionDefinition<Event, State> {
  const { name, version, events, stream, initial, apply } = parts
  demand('the name of a projection', name, nameText)
  const { key = () => ONLY_ROW, codec = json<State>(), category = `${PROJECTION_PREFIX}${name}` } = parts
  const whose = `of projection "${name}"`
  const given: Readonly<Record<string, unknown>> = { version, initial, apply, key, events, codec, category }
  for (const [part, check, what = part] of PARTS) demand(`${what} ${whose}`, given[part], check)
  if (stream !== undefined) demand(`the stream ${whose}`, stream, nameText)
  return Object.freeze({ name, version, events, stream, initial, apply, key, codec, category })
}

/** Throws a `TypeError` for what `defineProjection` has not made, or somebody has of what it made. */
export function requireProjection(definition: unknown): void {
  demand('the projection', definition, (value) => {
    const given = (value ?? {}) as Readonly<Record<string, unknown>>
    const wrong = [['name', nameText] as const, ...PARTS].some(
      ([part, check]) => check(given[part]) !== undefined
    )
    return wrong ? 'one that defineProjection makes' : undefined
  })
}

/** An event that a projection reads, and the row it goes into. */
export interface PlacedEvent<Event> {
  readonly event: Event
  readonly key: Key
}

/** Reads an event; `undefined` when it is none of the projection. Throws what the codec and `key` throw, `ERR_KEY`. */
export function placeOf<Event extends DomainEvent>(
  { events, key: keyOf }: Pick<ProjectionDefinition<Event, unknown>, 'events' | 'key'>,
  recorded: RecordedEvent
): PlacedEvent<Event> | undefined {
  const event = events.decode(recorded)
  if (event === undefined) return undefined
  const place = keyOf(event, recorded)
  if (place === undefined) return undefined
  const key = ownKey(place)
  const wrong = checkKey(key, 'the key of a projection')
  if (wrong !== undefined) throw wrong
  return { event, key }
}

/** A row, and what is to be stored of it; without a payload it is removed. */
export interface FoldedRow {
  readonly key: Key
  /** The key as text. */
  readonly name: string
  readonly payload: Uint8Array | undefined
}

/**
 * The row of an event as it is after it; `undefined` for an event that is none of the projection. Each state has been
 * through its codec before the next event sees it, so it does not depend on which events happen to share a transaction.
 *
 * @param before what is stored of the row of a key, which is given as text
 */
export function folded<Event extends DomainEvent, State>(
  definition: ProjectionDefinition<Event, State>,
  recorded: RecordedEvent,
  before: (name: string) => Uint8Array | undefined
): FoldedRow | undefined {
  const place = placeOf(definition, recorded)
  if (place === undefined) return undefined
  const { initial, apply, codec } = definition
  const { event, key } = place
  const name = key.toString()
  const stored = before(name)
  const state = apply(stored === undefined ? initial() : codec.decode(stored), event, recorded)
  return { key, name, payload: state === undefined ? undefined : ownBytes(codec.encode(state)) }
}

/** Bytes of their own: a codec may answer each time with a view on the same buffer. */
function ownBytes(encoded: unknown): Uint8Array {
  if (isUint8Array(encoded)) return new Uint8Array(encoded)
  throw new TypeError(`the codec of a projection must answer a Uint8Array, got ${describeValue(encoded)}`)
}
