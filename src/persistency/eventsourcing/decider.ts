/** Owns what a decider is: what a stream comes to, and what a command makes of that. Knows no storage. */
import { ok, type Result } from 'neverthrow'
import { isResult } from '../../runtime/is-result.js'
import { coder, demand } from '../checks/declarations.js'
import { functionValue } from '../checks/options.js'
import { describeValue } from '../describe.js'
import { type DomainEvent, type EventCodec, jsonEvents } from './domain-events.js'

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

/**
 * Makes a decider: `initial` and `evolve` say what a stream comes to, `decide` what a command makes of that.
 *
 * @throws TypeError for a declaration that cannot work. So does `decide` of the decider for what is no decision.
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
  for (const [what, value] of Object.entries({ initial, evolve, decide })) {
    demand(`${what} of a decider`, value, functionValue)
  }
  demand('events of a decider', events, coder)
  return Object.freeze({
    initial,
    evolve,
    events,
    decide(command: Command, state: State): Result<readonly Event[], RefusalOf<DecideFn>> {
      return resultOf(decide(command, state))
    }
  })
}

function resultOf<Event, Refusal>(decision: Decision<Event, Refusal>): Result<readonly Event[], Refusal> {
  if (isList(decision)) return ok(decision)
  if (!isResult(decision)) throw noDecision(describeValue(decision))
  if (decision.isOk() && !isList(decision.value))
    throw noDecision(`ok(...) of ${describeValue(decision.value)}`)
  return decision
}

function isList<Event>(decision: Decision<Event, unknown>): decision is readonly Event[] {
  return Array.isArray(decision)
}

function noDecision(got: string): TypeError {
  return new TypeError(
    `decide must answer events in an array, ok(...) of such an array or err(...), at once; got ${got}`
  )
}
