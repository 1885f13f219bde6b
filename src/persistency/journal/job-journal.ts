/** Owns what a job does with its journal, behind the methods of `Job`. Knows no storage: everything is asked for. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import type { RequestDefinition } from '../../brokers/definitions.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { ListenerHandle } from '../../brokers/listener.js'
import type { Ask } from '../ask.js'
import { checkReadOptions } from '../checks/call-options.js'
import { PersistencyError } from '../errors.js'
import { PersistCommitted } from '../messages.js'
import type { ReadOptions } from '../types.js'
import { askStepwise } from './ask-stepwise.js'
import { checkAppend, checkCompareOptions, checkFindAppend, checkStreamSeq } from './checks.js'
import { EventStream } from './event-stream.js'
import { Followers } from './followers.js'
import type { JournalComparedRows, JournalCompareQuery, Stepwise } from './message-payloads.js'
import {
  JournalAppend,
  JournalCompare,
  JournalFindAppend,
  JournalInfo,
  JournalRebuild,
  JournalStreamSeq
} from './messages.js'
import { PastState } from './past-state.js'
import { Position } from './position.js'
import type {
  Appended,
  AppendOptions,
  CaughtUp,
  CompareOptions,
  EventsOptions,
  FindAppendOptions,
  JournalComparison,
  JournalDifference,
  JournalEvent,
  JournalStatus,
  NewEvent
} from './types.js'

export interface JobJournalParts {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly ask: Ask
}

type Answer<T> = ResultAsync<T, PersistencyError>

/** Differences that a comparison names. */
const MAX_NAMED = 100

export class JobJournal {
  readonly #ask: Ask
  /** How far the journal is committed, and whether it goes on. */
  readonly committed = new Position()
  /** Those who go on from its end. */
  readonly following: Followers
  readonly #listener: ListenerHandle

  constructor({ hub, context, ask }: JobJournalParts) {
    this.#ask = ask
    this.following = new Followers({ ask, committed: this.committed })
    this.#listener = hub.listen(
      context,
      PersistCommitted,
      ({ journal }) => {
        if (journal !== undefined) this.committed.advance(journal.lastSeq)
      },
      { internal: true }
    )
  }

  append(events: NewEvent | readonly NewEvent[], options?: AppendOptions): Answer<Appended> {
    const checked = checkAppend(events, options)
    if (checked.isErr()) return errAsync(checked.error)
    const { query, patience } = checked.value
    return this.#ask(JournalAppend, query, { timeoutMs: Number.POSITIVE_INFINITY, ...patience })
  }

  streamSeq(stream: string, options: ReadOptions | undefined): Answer<number> {
    return checkStreamSeq(stream, options).asyncAndThen((read) => this.#ask(JournalStreamSeq, stream, read))
  }

  findAppend(idempotencyKey: string, options: FindAppendOptions | undefined): Answer<Appended | undefined> {
    return checkFindAppend(idempotencyKey, options).asyncAndThen(({ stream, ...read }) => {
      const query = { idempotencyKey, ...(stream !== undefined && { stream }) }
      return this.#ask(JournalFindAppend, query, read)
    })
  }

  events(options: EventsOptions | undefined): EventStream<JournalEvent | CaughtUp> {
    const { committed, following } = this
    return new EventStream(options, { ask: this.#ask, committed, following })
  }

  at(seq: number): PastState {
    return new PastState(seq, this.#ask)
  }

  status(options: ReadOptions | undefined): Answer<JournalStatus> {
    return checkReadOptions(options).asyncAndThen((read) => this.#ask(JournalInfo, undefined, read))
  }

  compare(options: CompareOptions | undefined): Answer<JournalComparison> {
    return this.#inSteps(JournalCompare, options)
  }

  rebuild(options: CompareOptions | undefined): Answer<JournalComparison> {
    return this.#inSteps(JournalRebuild, options)
  }

  /** Nothing more is committed: whoever waits for the next event is told. */
  end(end: 'closed' | PersistencyError): void {
    void this.#listener.drop()
    this.committed.end(end)
  }

  #inSteps(
    request: RequestDefinition<JournalCompareQuery, Stepwise<JournalComparedRows>, PersistencyError>,
    options: CompareOptions | undefined
  ): Answer<JournalComparison> {
    return checkCompareOptions(options).asyncAndThen((checked) => {
      const comparing = compareAll(this.#ask, request, checked).catch((cause: unknown) =>
        err(new PersistencyError('ERR_OPTION', 'onProgress threw', { cause }))
      )
      return new ResultAsync(comparing)
    })
  }
}

async function compareAll(
  ask: Ask,
  request: RequestDefinition<JournalCompareQuery, Stepwise<JournalComparedRows>, PersistencyError>,
  { onProgress = () => {}, ...read }: CompareOptions
): Promise<Result<JournalComparison, PersistencyError>> {
  const differences: JournalDifference[] = []
  let rows = 0
  let differing = 0
  /** Rows and events that were replayed: rows of the job are counted by looking at them. */
  let replay = 0
  for (let query: JournalCompareQuery = {}; ; ) {
    const replayed = (done: number, total: number): void => {
      replay = total
      onProgress({ phase: 'replay', done, total })
    }
    const step = await askStepwise(ask, request, query, read, replayed)
    if (step.isErr()) return err(step.error)
    const { next, seq } = step.value
    rows += step.value.rows
    differing += step.value.differing
    differences.push(...step.value.differences.slice(0, MAX_NAMED - differences.length))
    onProgress({ phase: 'compare', done: rows, total: next === undefined ? rows : Math.max(rows, replay) })
    if (next === undefined) return ok({ rows, differing, differences, seq })
    query = { behind: next }
  }
}
