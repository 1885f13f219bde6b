/** Owns carrying commands out: a stream is folded, the decision is appended unless somebody was faster. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import { Lines } from '../../runtime/lines.js'
import { anything, checkName, checkOptions, functionValue, nameText } from '../checks/options.js'
import type { PersistencyError } from '../errors.js'
import { type RetryOptions, retryOnConflict } from '../journal/retry-on-conflict.js'
import type { Appended, EventMetadata } from '../journal/types.js'
import type { TxOp } from '../types.js'
import { readBack } from './as-recorded.js'
import type { Decider } from './decider.js'
import type { DomainEvent } from './domain-events.js'
import { type EventStreams, type LoadedState, load, requireParts } from './load-state.js'

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

const commands = new Lines()

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
 * Carries a command out: folds the stream, decides, appends at the position where the stream was folded. When somebody
 * else was faster, all of it is done again. The commands that this process gives for one stream of a job are carried out
 * one after another, in the order in which they were given.
 *
 * Errors: what `decide` refuses with, as it is; `ERR_CONFLICT` when somebody was faster each time; those of
 * {@link loadState} and of `append`; `ERR_OPTION`.
 *
 * Throws `TypeError` when there is no job, or no decider. Rejects only with what `decide`, or `evolve`, `ops` and the codec on
 * what it decided, throw, and with a `TypeError` for an event that the codec writes and does not read: a refusal is answered,
 * not thrown.
 */
export function handleCommand<Command, Event extends DomainEvent, State, Refusal>(
  streams: EventStreams,
  decider: Decider<Command, Event, State, Refusal>,
  stream: string,
  command: NoInfer<Command>,
  options?: HandleOptions<NoInfer<Event>, NoInfer<State>>
): ResultAsync<Handled<Event, State>, Refusal | PersistencyError> {
  requireParts(streams, decider)
  const checked = checkOptions<HandleOptions<Event, State>>(options, HANDLE_CHECKS)
  if (checked.isErr()) return errAsync(checked.error)
  const wrong = checkName('the name of a stream', stream)
  if (wrong !== undefined) return errAsync(wrong)
  const { idempotencyKey, retry } = checked.value
  const find = async () =>
    idempotencyKey === undefined ? ok(undefined) : await streams.findAppend(idempotencyKey, { stream })
  const attempt = async (): Promise<Outcome<Event, State, Refusal>> => {
    const before = await find()
    if (before.isErr()) return err(before.error)
    const loaded = await load(streams, decider, stream)
    if (loaded.isErr()) return err(loaded.error)
    if (before.value !== undefined) return ok(ok(repeated(loaded.value, before.value)))
    const outcome = carryOut(streams, decider, stream, command, loaded.value, checked.value)
    if (idempotencyKey === undefined || !(await appendsNothing(outcome))) return await outcome
    // The state may hold what somebody else has made of the same command since it was looked for.
    const since = await find()
    if (since.isErr()) return err(since.error)
    if (since.value === undefined) return await outcome
    return await repeatedByNow(streams, decider, stream, since.value)
  }
  const carriedOut = commands.behind(streams, stream, async () => await retryOnConflict(attempt, retry))
  return new ResultAsync(carriedOut).andThen((outcome) => outcome)
}

/** What a command came to, unless the storage failed, or somebody else was faster. */
type Outcome<Event, State, Refusal> = Result<Result<Handled<Event, State>, Refusal>, PersistencyError>

async function carryOut<Command, Event extends DomainEvent, State, Refusal>(
  streams: EventStreams,
  decider: Decider<Command, Event, State, Refusal>,
  stream: string,
  command: Command,
  before: LoadedState<State>,
  { metadata, idempotencyKey, ops }: HandleOptions<Event, State>
): Promise<Outcome<Event, State, Refusal>> {
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
  // Somebody else carried it out since it was looked for.
  if (answer.value.repeated) return await repeatedByNow(streams, decider, stream, answer.value)
  return ok(ok({ events, state, streamSeq: answer.value.streamSeq, appended: answer.value }))
}

/** Whether a command is refused, comes to no event, or has something throw. */
async function appendsNothing(outcome: Promise<Outcome<unknown, unknown, unknown>>): Promise<boolean> {
  try {
    const answer = await outcome
    return answer.isOk() && (answer.value.isErr() || answer.value.value.appended === undefined)
  } catch {
    return true
  }
}

async function repeatedByNow<Event extends DomainEvent, State>(
  streams: EventStreams,
  decider: Decider<never, Event, State, unknown>,
  stream: string,
  then: Appended
): Promise<Outcome<never, State, never>> {
  const now = await load(streams, decider, stream)
  return now.map((loaded) => ok(repeated(loaded, then)))
}

/** It was carried out before: what it came to then is in the stream that has been folded. */
function repeated<State>(folded: LoadedState<State>, then: Appended): Handled<never, State> {
  return { events: [], ...folded, appended: then }
}
