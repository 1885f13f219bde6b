import { err, ok, okAsync, type Result, type ResultAsync } from 'neverthrow'
import {
  type Decider,
  defineDecider,
  defineProjection,
  type EventCodec,
  given,
  type Handled,
  handleCommand,
  int64,
  type Job,
  type JournalEvent,
  jsonEvents,
  type Key,
  key,
  type LoadedState,
  loadState,
  type ParkedEvent,
  type Persistency,
  type PersistencyError,
  type ProjectedRow,
  type Projection,
  type ProjectionDefinition,
  payload,
  projected,
  type RecordedEvent,
  rangeAfter,
  type Subscription,
  type SubscriptionHandler,
  type SubscriptionOptions
} from 'persistency'
import { expectType } from './expect-type.js'

declare const job: Job
declare const persistency: Persistency

type Deposited = { type: 'deposited'; data: { amount: number } }
type AccountEvent = Deposited | { type: 'closed' }
const deposit = (amount: number): AccountEvent => ({ type: 'deposited', data: { amount } })

// Subscriptions

expectType(job.subscription('s', () => {})).is<ResultAsync<Subscription, PersistencyError>>()
job.subscription('s', (event, { attempt, subscription, signal }) => {
  expectType(event).is<RecordedEvent>()
  expectType(attempt).is<number>()
  expectType(subscription).is<string>()
  expectType(signal.aborted).is<boolean>()
})
job.subscription('s', (event) => expectType(event).is<JournalEvent>(), { writes: true })
job.subscription('s', () => {}, { writes: undefined })
export const anyOptions = (
  handler: SubscriptionHandler<JournalEvent>,
  options: SubscriptionOptions
): void => {
  job.subscription('s', handler, options)
  persistency.subscription('tenant', 's', handler, options)
  // @ts-expect-error: the options may ask for writes, which this handler does not take
  job.subscription('s', (event: RecordedEvent) => event.type, options)
}
const maybe = undefined as string | undefined
job.append({ type: 'x', metadata: { correlationId: maybe, causationId: maybe, who: maybe } })
job.subscription('s', () => ({ kind: 'put', category: 'c', key: key(1), payload: payload('x') }))
job.subscription('s', async () => [{ kind: 'delete', category: 'c', key: key(1) }])
job.subscription('s', () => ok(undefined))
job.subscription('s', () => (Math.random() < 0.5 ? err('no') : ok([])))
job.subscription('s', ({ type }) => job.append({ type }).map(() => undefined))
persistency.subscription('tenant', 's', (event) => void expectType(event).is<RecordedEvent>())
job.subscription(
  's',
  (event, { recorded, attempt }) => {
    expectType(event).is<AccountEvent>()
    expectType(recorded).is<RecordedEvent>()
    expectType(attempt).is<number>()
  },
  { events: jsonEvents<AccountEvent>(), batch: 2 }
)
persistency.subscription('tenant', 's', (event) => void expectType(event).is<AccountEvent>(), {
  events: jsonEvents<AccountEvent>()
})
// @ts-expect-error a codec reads no writes
job.subscription('s', () => {}, { events: jsonEvents<AccountEvent>(), writes: true })
// @ts-expect-error an answer is operations, or nothing
job.subscription('s', () => 'done')
// @ts-expect-error what append answers is no operation
job.subscription('s', ({ type }) => job.append({ type }))
// @ts-expect-error there is no such policy
job.subscription('s', () => {}, { onPoison: 'skip' })
// @ts-expect-error there is no such place
job.subscription('s', () => {}, { startAt: 'end' })
expectType(job.subscriptions.parked('s')).is<ResultAsync<readonly ParkedEvent[], PersistencyError>>()

async function held(subscription: Subscription) {
  expectType(await subscription.ended).is<Result<void, PersistencyError>>()
  expectType(subscription.seq).is<number>()
  expectType(subscription.stop()).is<Promise<void>>()
}
void held

// Projections

const balances = defineProjection({
  name: 'balances',
  version: 1,
  events: jsonEvents<AccountEvent>('deposited', 'closed'),
  key: (event, recorded) => {
    expectType(event).is<AccountEvent>()
    expectType(recorded).is<RecordedEvent>()
    return key(recorded.stream ?? '')
  },
  initial: () => ({ balance: 0 }),
  apply: (state, event) => {
    expectType(state).is<{ balance: number }>()
    expectType(event).is<AccountEvent>()
    return event.type === 'closed' ? undefined : { balance: state.balance + event.data.amount }
  }
})
expectType(balances).is<ProjectionDefinition<AccountEvent, { balance: number }>>()
expectType(job.projection(balances)).is<ResultAsync<Projection<{ balance: number }>, PersistencyError>>()

async function kept(model: Projection<{ balance: number }>, row: Key) {
  expectType(model.get(row)).is<ResultAsync<{ balance: number } | undefined, PersistencyError>>()
  expectType(model.state()).is<ResultAsync<{ balance: number }, PersistencyError>>()
  // @ts-expect-error there may be nothing left of the range, which is not all of it
  model.scan(rangeAfter(key('a'), key('a')))
  expectType(model.scan()).is<ResultAsync<ProjectedRow<{ balance: number }>[], PersistencyError>>()
  projected(balances, { stream: 'a', event: { type: 'closed' } }).expectRow(row, { balance: 1 })
  // @ts-expect-error there is no such event
  projected(balances, { type: 'opened' })
  // @ts-expect-error the state is another one
  projected(balances).expectRow(row, 1)
}
void kept

const events = jsonEvents<AccountEvent>()
defineProjection({ name: 'n', version: 1, events, initial: () => 0n, apply: (n) => n + 1n, codec: int64 })
// @ts-expect-error the codec is of another state
defineProjection({ name: 'n', version: 1, events, initial: () => '', apply: (text) => text, codec: int64 })
// @ts-expect-error apply answers another state
defineProjection({ name: 'n', version: 1, events, initial: () => 0, apply: () => 'one' })
// @ts-expect-error a version is needed
defineProjection({ name: 'n', events, initial: () => 0, apply: (n) => n })
// @ts-expect-error there is no such type of event
jsonEvents<AccountEvent>('opened')
// A codec reads the same from an event that is about to be appended: it has no time and no number yet.
const { encode } = events
const codecs: EventCodec<AccountEvent>[] = [
  { encode, decode: ({ stream = '', streamSeq = 0 }) => deposit(stream.length + streamSeq) },
  { encode, decode: ({ data, metadata }) => deposit(data.length + (metadata.correlationId ?? '').length) },
  // @ts-expect-error the time is not known
  { encode, decode: (encoded) => deposit(encoded.time) },
  // @ts-expect-error nor is the number
  { encode, decode: ({ seq }: RecordedEvent) => deposit(seq) }
]
void codecs

// Deciders

interface Deposit {
  readonly amount: number
}

const account = defineDecider({
  initial: () => ({ balance: 0 }),
  evolve: (state, event: AccountEvent) =>
    event.type === 'deposited' ? { balance: state.balance + event.data.amount } : state,
  decide: ({ amount }: Deposit, state) => {
    expectType(state).is<{ balance: number }>()
    if (amount <= 0) return err('nothing' as const)
    return ok([{ type: 'deposited', data: { amount } }])
  }
})
expectType(account).is<Decider<Deposit, AccountEvent, { balance: number }, 'nothing'>>()
expectType(loadState(job, account, 'a')).is<ResultAsync<LoadedState<{ balance: number }>, PersistencyError>>()
expectType(handleCommand(job, account, 'a', { amount: 1 })).is<
  ResultAsync<Handled<AccountEvent, { balance: number }>, 'nothing' | PersistencyError>
>()
given(account, { type: 'closed' }).when({ amount: 1 }).expectRefusal('nothing')
// @ts-expect-error there is no such refusal
given(account).when({ amount: 1 }).expectRefusal('other')
// @ts-expect-error there is no such command
given(account).when({ sum: 1 })
// @ts-expect-error there is no such command
handleCommand(job, account, 'a', { sum: 1 })

// A decider that refuses nothing may answer a list.
const counter = defineDecider({
  initial: () => 0,
  evolve: (count, _: { type: 'counted' }) => count + 1,
  decide: (_: 'count') => [{ type: 'counted' as const }]
})
expectType(counter).is<Decider<'count', { type: 'counted' }, number, never>>()

// The state is what `initial` says; refusals of several shapes are united.
type Door = { readonly state: 'open' | 'closed'; readonly turns: number }
type DoorEvent = { type: 'opened'; data: { turns: number } } | { type: 'closed' }
const door = defineDecider({
  initial: (): Door => ({ state: 'closed', turns: 0 }),
  evolve: (now, event: DoorEvent) =>
    event.type === 'closed' ? { ...now, state: 'closed' } : { state: 'open', turns: event.data.turns },
  decide: (turns: number, { state }) => {
    if (state === 'open') return err({ kind: 'open already' } as const)
    if (turns > 3) return err({ kind: 'too many', turns } as const)
    if (turns === 3) return err('three' as const)
    return turns === 0 ? [{ type: 'closed' }] : ok([{ type: 'opened', data: { turns } }])
  }
})
type DoorRefusal =
  | { readonly kind: 'open already' }
  | { readonly kind: 'too many'; readonly turns: number }
  | 'three'
expectType(door).is<Decider<number, DoorEvent, Door, DoorRefusal>>()
const doors = jsonEvents<DoorEvent>()
const shown = defineProjection({
  ...{ name: 'doors', version: 1, events: doors },
  initial: (): Door => ({ state: 'closed', turns: 0 }),
  apply: (now, event) => {
    if (event.type === 'closed') return undefined
    return event.data.turns > 1 ? { ...now, state: 'open' } : { state: 'closed', turns: 1 }
  }
})
expectType(shown).is<ProjectionDefinition<DoorEvent, Door>>()
const named = defineDecider<'open', DoorEvent, Door, 'no'>({
  initial: () => ({ state: 'closed', turns: 0 }),
  evolve: (now) => ({ ...now, state: 'open' }),
  decide: (_, { state }) => (state === 'open' ? err('no') : [{ type: 'closed' }])
})
expectType(named).is<Decider<'open', DoorEvent, Door, 'no'>>()
const initial = (): Door => ({ state: 'closed', turns: 0 })
// @ts-expect-error there is no such state
defineDecider({ initial, evolve: (now, _: DoorEvent) => ({ ...now, state: 'ajar' }), decide: () => [] })
// @ts-expect-error there is no such event
defineDecider({ initial, evolve: (now, _: DoorEvent) => now, decide: () => ok([{ type: 'painted' }]) })
const of = { name: 'n', version: 1, events: doors, initial }
// @ts-expect-error there is no such state
defineProjection({ ...of, apply: (now) => ({ ...now, state: 'ajar' }) })
// @ts-expect-error the codec is of other events
defineDecider({ initial, evolve: (now, _: DoorEvent) => now, decide: () => [], events })

// What a handler answers

void job.subscription('s', () => ({
  append: { events: { type: 'noted' }, stream: 's', expectedSeq: 'none' }
}))
void job.subscription('s', async () => ({ ops: [], append: [{ events: [{ type: 'noted' }] }] }))
void job.subscription('s', () => okAsync({ ops: { kind: 'delete', category: 'c', key: key(1) } as const }))
// @ts-expect-error events have a type
void job.subscription('s', () => ({ append: { events: { data: new Uint8Array(1) } } }))
