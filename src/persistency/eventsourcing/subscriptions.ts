/** Owns the subscriptions of one job: which of them this process holds, and what the file says of all. */
import { randomUUID } from 'node:crypto'
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import { onAbort } from '../../runtime/cancel-signals.js'
import { warnThrottled } from '../../runtime/warnings.js'
import type { Ask } from '../ask.js'
import { type Complete, complete } from '../checks/options.js'
import { PersistencyError } from '../errors.js'
import type { Followers } from '../journal/followers.js'
import type { Position } from '../journal/position.js'
import { Patience } from '../patience.js'
import type { BeginBatch } from './batch-work.js'
import { Checkpoint } from './checkpoint.js'
import { checkMove, checkSubscriptionName } from './checks.js'
import { Deliverer } from './delivery.js'
import type { SubscriptionClaimQuery } from './message-payloads.js'
import {
  SubscriptionClaim,
  SubscriptionFailed,
  SubscriptionForget,
  SubscriptionList,
  SubscriptionMove
} from './messages.js'
import { allParked } from './parked.js'
import { subjectOf } from './subject.js'
import { Subscription } from './subscription.js'
import { SubscriptionRun } from './subscription-run.js'
import type {
  AnySubscriptionOptions,
  HandlerRetry,
  ParkedEvent,
  StartAt,
  SubscriptionOptions,
  SubscriptionStatus
} from './types.js'
import { wantedBy } from './wanted-events.js'

export interface SubscriptionsParts {
  readonly jobId: string
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly ask: Ask
  readonly committed: Position
  readonly following: Followers
  /** Why the job takes no calls any more; `undefined` as long as it does. */
  readonly closed: () => PersistencyError | undefined
}

/** What is subscribed to, and by what. */
export interface Subscribing {
  readonly name: string
  readonly options: AnySubscriptionOptions
  readonly begin: BeginBatch
  readonly version: number
  readonly clear: SubscriptionClaimQuery['clear']
}

export interface Opened {
  readonly subscription: Subscription
  /** Whether another version was there, so that it begins anew. */
  readonly reset: boolean
}

const RETRY: Complete<HandlerRetry> = { attempts: 5, delayMs: 100, maxDelayMs: 10_000 }

type Answer<T> = ResultAsync<T, PersistencyError>

/** The subscriptions that a job's file knows, held or not. */
export class Subscriptions {
  readonly #parts: SubscriptionsParts
  /** By name; the run is there once the checkpoint has been claimed. */
  readonly #held = new Map<string, SubscriptionRun | undefined>()
  #end: { readonly error: PersistencyError | undefined } | undefined

  /** Made by the job. @internal */
  constructor(parts: SubscriptionsParts) {
    this.#parts = parts
  }

  /** All of them, by name. Errors: `ERR_NO_JOURNAL`, those of reading. */
  list(): Answer<readonly SubscriptionStatus[]> {
    return this.#parts.ask(SubscriptionList, undefined, {})
  }

  /**
   * What a subscription has put aside, in order. Errors: `ERR_OPTION`, `ERR_NO_JOURNAL`, `ERR_JOURNAL`, those of reading.
   */
  parked(name: string): Answer<readonly ParkedEvent[]> {
    const wrong = checkSubscriptionName(name)
    if (wrong !== undefined) return errAsync(wrong)
    return new ResultAsync(allParked(this.#parts.ask, name))
  }

  /**
   * Has a subscription go on from somewhere else, and keeps what it has parked; answers the last event that now counts as
   * dealt with, `undefined` when there is no such subscription. For one that the limits of the journal have overtaken
   * (`oldest`), or to leave events out or deliver them again. A projection is rebuilt, not moved: its rows would be wrong.
   * Whoever else holds it learns so from its next step.
   *
   * Errors: `ERR_OPTION`, `ERR_SUBSCRIPTION_HELD` when it is held here, `ERR_EVENTS_GONE`, those of writing.
   */
  moveTo(name: string, to: StartAt): Answer<number | undefined> {
    const refused = checkMove(name, to) ?? this.#refusal(name)
    if (refused !== undefined) return errAsync(refused)
    return this.#parts.ask(SubscriptionMove, { name, to }, { timeoutMs: Number.POSITIVE_INFINITY })
  }

  /**
   * Removes the checkpoint of a subscription and what it has parked, and answers whether there was one; whoever holds
   * it learns so from its next step. Errors: `ERR_OPTION`, `ERR_SUBSCRIPTION_HELD` when it is held here, those of writing.
   */
  forget(name: string): Answer<boolean> {
    const refused = checkSubscriptionName(name) ?? this.#refusal(name)
    if (refused !== undefined) return errAsync(refused)
    return this.#parts.ask(SubscriptionForget, { name }, { timeoutMs: Number.POSITIVE_INFINITY })
  }

  /** Takes a subscription over and lets it run. @internal */
  open(subscribing: Subscribing): Answer<Opened> {
    const { name, options } = subscribing
    const taking = new Patience(`taking ${subjectOf(name)} over`, options)
    const refused = this.#refusal(name) ?? taking.end
    if (refused !== undefined) return errAsync(refused)
    this.#held.set(name, undefined)
    return new ResultAsync(this.#open(subscribing))
  }

  /** The job is about to be closed: has what they have passed over stored. @internal */
  storeNow(): void {
    for (const run of this.#held.values()) run?.storeNow()
  }

  /** The job has ended, because of an error or because it was closed. @internal */
  end(error?: PersistencyError): void {
    this.#end = { error }
    for (const run of this.#held.values()) run?.abandon(error)
  }

  async #open(subscribing: Subscribing): Promise<Result<Opened, PersistencyError>> {
    const { name, options, version, clear } = subscribing
    const { ask, committed, closed } = this.#parts
    const holder = randomUUID()
    const query = { name, holder, startAt: options.startAt ?? 'beginning', version, clear }
    const claimed = await ask(SubscriptionClaim, query, { timeoutMs: Number.POSITIVE_INFINITY })
    if (claimed.isErr()) {
      this.#held.delete(name)
      return err(claimed.error)
    }
    const { seq, reset } = claimed.value
    const checkpoint = new Checkpoint(ask, name, holder, seq)
    const deliverer = new Deliverer(checkpoint, subscribing.begin, closed)
    const run = this.#runOf(subscribing, checkpoint, deliverer)
    this.#held.set(name, run)
    if (this.#end !== undefined) run.abandon(this.#end.error)
    const ended = this.#watch(name, run, options.signal)
    return ok({
      subscription: new Subscription({ ask, committed, checkpoint, deliverer, run, ended }),
      reset
    })
  }

  #runOf({ name, options }: Subscribing, checkpoint: Checkpoint, deliverer: Deliverer): SubscriptionRun {
    const { ask, committed, following } = this.#parts
    return new SubscriptionRun({
      ask,
      committed,
      following,
      checkpoint,
      deliverer,
      batch: options.batch ?? 1,
      stream: options.stream,
      wanted: wantedBy(options),
      retry: complete<HandlerRetry>(RETRY, options.retry),
      onPoison: options.onPoison ?? 'stop',
      pollMs: options.pollMs,
      onParked: (error, seq) => this.#tell(name, { error, seq, parked: true })
    })
  }

  async #watch(
    name: string,
    run: SubscriptionRun,
    signal: SubscriptionOptions['signal']
  ): Promise<Result<void, PersistencyError>> {
    const leave = onAbort(signal, () => run.stop())
    const end = await run.run()
    leave()
    this.#held.delete(name)
    if (end.isErr()) {
      const { failedSeq: seq } = run
      this.#tell(name, { error: end.error, parked: false, ...(seq !== undefined && { seq }) })
    }
    return end
  }

  #tell(subscription: string, what: { error: PersistencyError; seq?: number; parked: boolean }): void {
    const { hub, context, jobId } = this.#parts
    const heard = hub.listeners(context, SubscriptionFailed).length > 0
    const whose = `${subjectOf(subscription)} of job "${jobId}"`
    if (heard) hub.emit(context, SubscriptionFailed, { jobId, subscription, ...what })
    else if (what.parked)
      warnThrottled('PERSISTENCY_EVENT_PARKED', `${whose} has parked an event`, what.error)
    else warnThrottled('PERSISTENCY_SUBSCRIPTION_ENDED', `${whose} has ended`, what.error)
  }

  /** Why a name cannot be taken, moved or forgotten: the job is closed, or it is held here. */
  #refusal(name: string): PersistencyError | undefined {
    const closed = this.#parts.closed()
    if (closed !== undefined || !this.#held.has(name)) return closed
    const message = `${subjectOf(name)} of job "${this.#parts.jobId}" is held already in this process; stop it first, or choose another name`
    return new PersistencyError('ERR_SUBSCRIPTION_HELD', message)
  }
}
