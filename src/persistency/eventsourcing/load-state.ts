/** Owns folding a stream into the state that a decider makes of it, of which the first events must be there. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { demand, withFunctions } from '../checks/declarations.js'
import { checkName, checkOptions, integerFrom } from '../checks/options.js'
import { PersistencyError } from '../errors.js'
import type {
  Appended,
  AppendOptions,
  EventsOptions,
  FindAppendOptions,
  JournalEvent,
  NewEvent
} from '../journal/types.js'
import type { Decider } from './decider.js'
import type { DomainEvent } from './domain-events.js'

/** Where streams are: a `Job` is one. */
export interface EventStreams {
  events(options: EventsOptions & { readonly live?: false | undefined }): AsyncIterable<JournalEvent>
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

/**
 * Folds a stream, with `to` as it was after that event. Each call reads all of it up to there. Errors: `ERR_EVENTS_GONE`
 * when its first events have fallen off, `ERR_VALUE` when an event cannot be read, `ERR_OPTION`, those of reading. Throws
 * `TypeError` when there is no job, or no decider.
 */
export function loadState<Event extends DomainEvent, State>(
  streams: EventStreams,
  decider: Pick<Decider<never, Event, State, unknown>, 'initial' | 'evolve' | 'events'>,
  stream: string,
  options?: LoadOptions
): ResultAsync<LoadedState<State>, PersistencyError> {
  requireParts(streams, decider)
  const wrong = checkName('the name of a stream', stream)
  if (wrong !== undefined) return errAsync(wrong)
  return checkOptions<LoadOptions>(options, LOAD_CHECKS).asyncAndThen(
    ({ to }) => new ResultAsync(load(streams, decider, stream, to))
  )
}

/** Throws a `TypeError` unless there is something to read and somebody who folds it. */
export function requireParts(streams: unknown, decider: unknown): void {
  demand(
    'what a stream is read from',
    streams,
    withFunctions('a Job', 'events', 'append', 'streamSeq', 'findAppend')
  )
  demand('the decider', decider, withFunctions('one that defineDecider makes', 'initial', 'evolve'))
}

/** Folds a stream, of which the first events must be there: none at all may be too few. */
export async function load<Event extends DomainEvent, State>(
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
  let streamSeq = 0
  try {
    let state = initial()
    for await (const recorded of streams.events({ stream, to })) {
      if (recorded.kind !== 'event' || recorded.streamSeq === undefined) continue
      if (recorded.streamSeq !== streamSeq + 1) return err(gone(stream))
      streamSeq = recorded.streamSeq
      const event = events.decode(recorded)
      if (event !== undefined) state = evolve(state, event)
    }
    return ok({ state, streamSeq })
  } catch (thrown) {
    if (thrown instanceof PersistencyError) return err(thrown)
    const what = streamSeq === 0 ? 'the initial state' : `event ${streamSeq}`
    const message = `${what} of stream ${JSON.stringify(stream)} cannot be folded`
    return err(new PersistencyError('ERR_VALUE', message, { cause: thrown }))
  }
}

function gone(stream: string): PersistencyError {
  const message = `the first events of stream ${JSON.stringify(stream)} have fallen off the journal, so its state is not known; raise the limits of the journal`
  return new PersistencyError('ERR_EVENTS_GONE', message)
}
