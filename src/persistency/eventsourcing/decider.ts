/** Owns deciding on commands: a stream is folded into a state, the decision is appended unless somebody was faster. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { PersistencyError } from '../errors.js'
import { type RetryOptions, retryOnConflict } from '../journal/retry-on-conflict.js'
import type {
  Appended,
  AppendOptions,
  EventMetadata,
  EventsOptions,
  FindAppendOptions,
  JournalEvent,
  NewEvent
} from '../journal/types.js'
import { anything, checkOptions, functionValue, integerFrom, nameText } from '../option-checks.js'
import type { TxOp } from '../types.js'
import { readBack } from './as-recorded.js'
import { type DomainEvent, type EventCodec, jsonEvents } from './domain-events.js'
import { oneAtATime } from './one-at-a-time.js'

/** What a decision comes to: events, none when nothing changes, or a refusal. */
export type Decision<Event, Refusal> = readonly Event[] | Result<readonly Event[], Refusal>

/** The state after an event. */
export type Evolve<Event, State> = (state: State, event: Event) => State

/** What a command brings about. */
export type Decide<Command, Event, State, Refusal> = (
  command: Command,
  state: State
) => Decision<Event, Refusal>

/** What a function decides against. */
export type RefusalOf<DecideFn> = DecideFn extends (command: never, state: never) => infer Decided
  ? Decided extends Result<unknown, infer Refusal>
    ? Refusal
    : never
  : never

/**
 * What a decider is made of; pure functions all of them. The state is what `initial` says it is. The types of the two
 * functions stand by themselves: that has texts they answer taken for what they are, and refusals of any shapes united.
 */
export interface DeciderParts<
  Command,
  Event extends DomainEvent,
  State,
  Refusal,
  EvolveFn = Evolve<Event, State>,
  DecideFn = Decide<Command, Event, State, Refusal>
> {
  /** The state of an empty stream. */
  readonly initial: () => State
  /** The state after an event. */
  readonly evolve: EvolveFn & ((state: never, event: Event) => unknown)
  /** What a command brings about. */
  readonly decide: DecideFn & ((command: Command, state: never) => unknown)
  /** Default JSON. */
  readonly events?: EventCodec<NoInfer<Event>> | undefined
}

export interface Decider<Command, Event extends DomainEvent, State, Refusal> {
  readonly initial: () => State
  readonly evolve: (state: State, event: Event) => State
  readonly decide: (command: Command, state: State) => Result<readonly Event[], Refusal>
  readonly events: EventCodec<Event>
}

/** Where streams are: a `Job` is one. */
export interface EventStreams {
  events(options: EventsOptions & { readonly live?: false }): AsyncIterable<JournalEvent>
  append(events: readonly NewEvent[], options: AppendOptions): ResultAsync<Appended, PersistencyError>
  streamSeq(stream: string): ResultAsync<number, PersistencyError>
  findAppend(
    idempotencyKey: string,
    options: FindAppendOptions
  ): ResultAsync<Appended | undefined, PersistencyError>
}

/** A stream as it has been folded. */
export interface LoadedState<State> {
  readonly state: State
  /** Position of its last event; 0 when it is empty. */
  readonly streamSeq: number
}

/** How a stream is folded. */
export interface LoadOptions {
  /** Sequence number of the last event in the journal that counts, as with `Job.at`. Default the last one. */
  readonly to?: number | undefined
}

const LOAD_CHECKS = { to: integerFrom(0) }

/** How a command is carried out. */
export interface HandleOptions<Event, State> {
  /** For each event. */
  readonly metadata?: EventMetadata | undefined
  /**
   * A command that was carried out under the same key is not decided and not carried out again: the answer has no
   * events, the state as it is now, and `appended` of then; `ERR_KEY_REUSED` when it was one for another stream.
   * Remembered as long as with `append`, and only with events: one that came to none is decided again.
   */
  readonly idempotencyKey?: string | undefined
  /** Operations that are applied with the events, all or none. Called again when the command is decided again. */
  readonly ops?: ((events: readonly Event[], state: State) => TxOp | readonly TxOp[]) | undefined
  /** How often the command is decided again when somebody else was faster. Default 10 times in all. */
  readonly retry?: RetryOptions | undefined
}

const HANDLE_CHECKS = {
  idempotencyKey: nameText,
  ops: functionValue,
  // Whoever they are handed to looks at them.
  metadata: anything,
  retry: anything
}

/** What a command has brought about. */
export interface Handled<Event, State> {
  /** As they are read from the stream from now on. */
  readonly events: readonly Event[]
  /** The state with these events. */
  readonly state: State
  readonly streamSeq: number
  /** Where the events are; `undefined` when there was none to append. */
  readonly appended: Appended | undefined
}

/**
 * Makes a decider: `initial` and `evolve` say what a stream comes to, `decide` what a command makes of that.
 *
 * @example
 * const account = defineDecider({
 *   initial: () => ({ balance: 0 }),
 *   evolve: (state, event: AccountEvent) => ({ balance: state.balance + event.data.amount }),
 *   decide: (command: Withdraw, { balance }) =>
 *     command.amount > balance ? err('too little' as const) : ok([withdrawn(command.amount)])
 * })
 */
export function defineDecider<
  Command,
  Event extends DomainEvent,
  State,
  Refusal = never,
  EvolveFn extends Evolve<never, State> = Evolve<Event, State>,
  DecideFn extends Decide<never, Event, State, unknown> = Decide<Command, Event, State, Refusal>
>(
  parts: DeciderParts<Command, Event, State, Refusal, EvolveFn, DecideFn>
): Decider<Command, Event, State, RefusalOf<DecideFn>> {
  const { initial, events = jsonEvents<Event>() } = parts
  const evolve = parts.evolve as unknown as Evolve<Event, State>
  const decide = parts.decide as unknown as Decide<Command, Event, State, RefusalOf<DecideFn>>
  return Object.freeze({
    initial,
    evolve,
    events,
    decide(command: Command, state: State): Result<readonly Event[], RefusalOf<DecideFn>> {
      const decision = decide(command, state)
      return isList(decision) ? ok(decision) : decision
    }
  })
}

/**
 * Folds a stream, with `to` as it was after that event. Each call reads all of it up to there. Errors: `ERR_EVENTS_GONE`
 * when its first events have fallen off, `ERR_VALUE` when an event cannot be read, `ERR_OPTION`, those of reading.
 */
export function loadState<Event extends DomainEvent, State>(
  streams: EventStreams,
  decider: Pick<Decider<never, Event, State, unknown>, 'initial' | 'evolve' | 'events'>,
  stream: string,
  options?: LoadOptions
): ResultAsync<LoadedState<State>, PersistencyError> {
  return checkOptions<LoadOptions>(options, LOAD_CHECKS).asyncAndThen(
    ({ to }) => new ResultAsync(load(streams, decider, stream, to))
  )
}

/**
 * Carries a command out: folds the stream, decides, appends at the position where the stream was folded. When somebody
 * else was faster, all of it is done again. The commands that this process gives for one stream of a job are carried out
 * one after another, in the order in which they were given.
 *
 * Errors: what `decide` refuses with, as it is; `ERR_CONFLICT` when somebody was faster each time; those of
 * {@link loadState} and of `append`; `ERR_OPTION`.
 *
 * Rejects only with what `decide`, or `evolve`, `ops` and the codec on what it decided, throw, and with a `TypeError`
 * for an event that the codec writes and does not read: a refusal is answered, not thrown.
 */
export function handleCommand<Command, Event extends DomainEvent, State, Refusal>(
  streams: EventStreams,
  decider: Decider<Command, Event, State, Refusal>,
  stream: string,
  command: NoInfer<Command>,
  options?: HandleOptions<NoInfer<Event>, NoInfer<State>>
): ResultAsync<Handled<Event, State>, Refusal | PersistencyError> {
  const checked = checkOptions<HandleOptions<Event, State>>(options, HANDLE_CHECKS)
  if (checked.isErr()) return errAsync(checked.error)
  const { idempotencyKey, retry } = checked.value
  const attempt = async (): Promise<Result<Result<Handled<Event, State>, Refusal>, PersistencyError>> => {
    const before =
      idempotencyKey === undefined ? ok(undefined) : await streams.findAppend(idempotencyKey, { stream })
    if (before.isErr()) return err(before.error)
    const loaded = await load(streams, decider, stream)
    if (loaded.isErr()) return err(loaded.error)
    if (before.value !== undefined) return ok(ok(repeated(loaded.value, before.value)))
    return await carryOut(streams, decider, stream, command, loaded.value, checked.value)
  }
  const carriedOut = oneAtATime(streams, stream, async () => await retryOnConflict(attempt, retry))
  return new ResultAsync(carriedOut).andThen((outcome) => outcome)
}

async function carryOut<Command, Event extends DomainEvent, State, Refusal>(
  streams: EventStreams,
  decider: Decider<Command, Event, State, Refusal>,
  stream: string,
  command: Command,
  before: LoadedState<State>,
  { metadata, idempotencyKey, ops }: HandleOptions<Event, State>
): Promise<Result<Result<Handled<Event, State>, Refusal>, PersistencyError>> {
  const decision = decider.decide(command, before.state)
  if (decision.isErr()) return ok(err(decision.error))
  const decided = decision.value
  if (decided.length === 0) return ok(ok({ events: decided, ...before, appended: undefined }))
  const encoded = decided.map((event) => decider.events.encode(event))
  // As they will be read: a codec may keep less of an event than was decided.
  const events = encoded.map((event, index) => {
    const streamSeq = before.streamSeq + index + 1
    return readBack(decider.events, event, { stream, streamSeq, metadata: metadata ?? {} })
  })
  const state = events.reduce((last, event) => decider.evolve(last, event), before.state)
  const answer = await streams.append(encoded, {
    stream,
    expectedSeq: before.streamSeq,
    ...(ops !== undefined && { ops: ops(events, state) }),
    ...(metadata !== undefined && { metadata }),
    ...(idempotencyKey !== undefined && { idempotencyKey })
  })
  if (answer.isErr()) return err(answer.error)
  if (answer.value.repeated) {
    // Somebody else carried it out since it was looked for.
    const now = await load(streams, decider, stream)
    return now.map((loaded) => ok(repeated(loaded, answer.value)))
  }
  return ok(ok({ events, state, streamSeq: answer.value.streamSeq, appended: answer.value }))
}

/** It was carried out before: what it came to then is in the stream that has been folded. */
function repeated<State>(folded: LoadedState<State>, then: Appended): Handled<never, State> {
  return { events: [], ...folded, appended: then }
}

/** Folds a stream, of which the first events must be there: none at all may be too few. */
async function load<Event extends DomainEvent, State>(
  streams: EventStreams,
  decider: Pick<Decider<never, Event, State, unknown>, 'initial' | 'evolve' | 'events'>,
  stream: string,
  to?: number
): Promise<Result<LoadedState<State>, PersistencyError>> {
  const folded = await fold(streams, decider, stream, to)
  if (folded.isErr() || folded.value.streamSeq > 0) return folded
  const position = await streams.streamSeq(stream)
  if (position.isErr()) return err(position.error)
  if (position.value === 0) return folded
  // They may have come in between, or behind `to`.
  const all = await fold(streams, decider, stream)
  if (all.isErr()) return err(all.error)
  if (all.value.streamSeq === 0) return err(gone(stream))
  return to === undefined ? all : folded
}

async function fold<Event extends DomainEvent, State>(
  streams: EventStreams,
  { initial, evolve, events }: Pick<Decider<never, Event, State, unknown>, 'initial' | 'evolve' | 'events'>,
  stream: string,
  to?: number
): Promise<Result<LoadedState<State>, PersistencyError>> {
  let state = initial()
  let streamSeq = 0
  try {
    for await (const recorded of streams.events({ stream, to })) {
      if (recorded.kind !== 'event' || recorded.streamSeq === undefined) continue
      if (recorded.streamSeq !== streamSeq + 1) return err(gone(stream))
      streamSeq = recorded.streamSeq
      const event = events.decode(recorded)
      if (event !== undefined) state = evolve(state, event)
    }
  } catch (thrown) {
    if (thrown instanceof PersistencyError) return err(thrown)
    const message = `event ${streamSeq} of stream ${JSON.stringify(stream)} cannot be folded`
    return err(new PersistencyError('ERR_VALUE', message, { cause: thrown }))
  }
  return ok({ state, streamSeq })
}

function isList<Event>(decision: Decision<Event, unknown>): decision is readonly Event[] {
  return Array.isArray(decision)
}

function gone(stream: string): PersistencyError {
  const message = `the first events of stream ${JSON.stringify(stream)} have fallen off the journal, so its state is not known; raise the limits of the journal`
  return new PersistencyError('ERR_EVENTS_GONE', message)
}
