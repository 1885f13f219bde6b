/** Owns the specifications of deciders and projections for tests: given, when, expected. Needs no storage. */
import { AssertionError, deepStrictEqual } from 'node:assert'
import { inspect } from 'node:util'
import type { RecordedEvent } from '../journal/types.js'
import type { Key } from '../keys/keys.js'
import { readBack, recordedAs } from './as-recorded.js'
import type { Decider } from './decider.js'
import type { DomainEvent } from './domain-events.js'
import { folded, ONLY_ROW, type ProjectionDefinition } from './projection-definition.js'

/** What a command came to in a specification. */
export interface DecisionSpec<Event, State, Refusal> {
  /** Exactly these events, in this order. */
  expectEvents(...expected: readonly Event[]): void
  /** No event, and no refusal. */
  expectNothing(): void
  expectRefusal(expected: Refusal): void
  /** The state with the events that were decided on. */
  expectState(expected: State): void
}

/**
 * Specifies a decider by examples: what happened before, which command comes, what is expected. Events pass through
 * their codec, as they would on their way through the journal.
 *
 * Expectations that do not hold throw an `AssertionError` of `node:assert`, which every test runner reports.
 *
 * @throws TypeError for a list of events, and for an event that the codec does not know
 * @example
 * given(account, opened(), deposited(10)).when(withdraw(3)).expectEvents(withdrawn(3))
 */
export function given<Command, Event extends DomainEvent, State, Refusal>(
  decider: Decider<Command, Event, State, Refusal>,
  ...events: readonly NoInfer<Event>[]
): { when(command: Command): DecisionSpec<Event, State, Refusal> } {
  requireNoList(events, 'given(decider, ...events)')
  const stored = (event: Event, index: number): Event =>
    readBack(decider.events, decider.events.encode(event), { streamSeq: index + 1, metadata: {} })
  return {
    when(command) {
      const fold = (state: State, folded: readonly Event[]): State =>
        folded.reduce((last, event) => decider.evolve(last, event), state)
      const before = fold(decider.initial(), events.map(stored))
      const decision = decider.decide(command, before)
      const decided = (): readonly Event[] => {
        if (decision.isErr()) throw refused(decision.error)
        return decision.value.map((event, index) => stored(event, events.length + index))
      }
      return {
        expectEvents: (...expected) => {
          requireNoList(expected, 'expectEvents(...events)')
          deepStrictEqual(decided(), expected)
        },
        expectNothing: () => deepStrictEqual(decided(), []),
        expectRefusal: (expected) =>
          deepStrictEqual(decision.isErr() ? { refusal: decision.error } : { events: decision.value }, {
            refusal: expected
          }),
        expectState: (expected) => deepStrictEqual(fold(before, decided()), expected)
      }
    }
  }
}

/** Other libraries take lists here, and the codec would only say that it found no type in one. */
function requireNoList(events: readonly unknown[], instead: string): void {
  if (events.some((event) => Array.isArray(event)))
    throw new TypeError(`events are passed one by one; got a list of them: write ${instead}`)
}

function refused(refusal: unknown): AssertionError {
  return new AssertionError({ message: `the command was refused: ${inspect(refusal)}`, actual: { refusal } })
}

/** An event of a projection's specification: bare, or with the stream and the metadata it comes with. */
export type ProjectedEvent<Event> =
  | Event
  | {
      readonly event: Event
      readonly stream?: string | undefined
      readonly metadata?: RecordedEvent['metadata'] | undefined
    }

/** What a projection came to in a specification. */
export interface ProjectionSpec<State> {
  /** The only state, of a projection without keys. */
  expectState(expected: State): void
  /** The state of a row; `undefined` when there must be none. */
  expectRow(key: Key, expected: State | undefined): void
  /** Exactly these rows, in any order. */
  expectRows(expected: readonly (readonly [Key, State])[]): void
}

/** A row as it would be stored. */
interface SpecRow {
  readonly key: Key
  readonly payload: Uint8Array
}

/**
 * Specifies a projection by examples: events, and the rows that are expected of them. Events and states pass through
 * their codecs, as they would on their way through the file. Failed expectations as with {@link given}.
 *
 * @example
 * projected(balances, { stream: 'a', event: deposited(10) }).expectRow(key('a'), 10)
 */
export function projected<Event extends DomainEvent, State>(
  definition: ProjectionDefinition<Event, State>,
  ...events: readonly ProjectedEvent<NoInfer<Event>>[]
): ProjectionSpec<State> {
  requireNoList(events, 'projected(projection, ...events)')
  const { codec, initial, stream: only } = definition
  const rows = new Map<string, SpecRow>()
  const streamSeqs = new Map<string, number>()
  for (const [index, given] of events.entries()) {
    const { event, stream, metadata = {} } = 'event' in given ? given : { event: given as Event }
    const place = stream === undefined ? {} : { stream, streamSeq: (streamSeqs.get(stream) ?? 0) + 1 }
    if (stream !== undefined) streamSeqs.set(stream, place.streamSeq as number)
    if (only !== undefined && only !== stream) continue
    const encoded = definition.events.encode(event)
    const recorded = recordedAs(encoded, { metadata, ...place }, index + 1)
    const after = folded(definition, recorded, (name) => rows.get(name)?.payload)
    if (after === undefined) continue
    const { key, name, payload } = after
    if (payload === undefined) rows.delete(name)
    else rows.set(name, { key, payload })
  }
  const stateOf = (key: Key): State | undefined => {
    const row = rows.get(key.toString())
    return row === undefined ? undefined : codec.decode(row.payload)
  }
  const plain = (key: Key, state: State): [string, State] => [key.toString(), state]
  return {
    expectState: (expected) =>
      deepStrictEqual(rows.has(ONLY_ROW.toString()) ? stateOf(ONLY_ROW) : initial(), expected),
    expectRow: (key, expected) => deepStrictEqual(stateOf(key), expected),
    expectRows: (expected) =>
      deepStrictEqual(
        new Map([...rows.values()].map(({ key, payload }) => plain(key, codec.decode(payload)))),
        new Map(expected.map(([key, state]) => plain(key, state)))
      )
  }
}
