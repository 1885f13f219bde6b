/**
 * Owns the writes of one job on their way through the brokers: submits them to the queue, announces what that accepts,
 * learns from the storage what came of it, and keeps account of what was lost.
 */
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import { BrokerError } from '../../brokers/errors.js'
import { type BrokerHub, ListenerFailed, OutcomeAwaited } from '../../brokers/hub.js'
import type { ListenerHandle } from '../../brokers/listener.js'
import { warnThrottled } from '../../runtime/warnings.js'
import { toPersistencyError } from '../call-errors.js'
import { tellCommit, tellFailed, traceOfWrite, traceWrite, type WriteTrace } from '../diagnostics.js'
import { PersistencyError } from '../errors.js'
import type { PersistEventPayload } from '../message-payloads.js'
import { PersistAgain, PersistCommitted, PersistEvent, PersistFailed } from '../messages.js'
import type { ResolvedJobOptions } from '../options.js'
import { Patience } from '../patience.js'
import type { AckOptions, Commit } from '../types.js'
import { countOf, listOf, type WriteOps } from '../write-ops.js'
import type { AcceptedWrite } from './accepted-writes.js'
import { CommitLatencies } from './commit-latencies.js'
import { ownOps } from './own-ops.js'
import { SendingAgain } from './sending-again.js'
import { WriteQueue } from './write-queue.js'

export interface JobWritesParts {
  readonly jobId: string
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly options: ResolvedJobOptions
}

/** The answer of an accepted write; shared, because there is nothing in it. */
const ACCEPTED: ResultAsync<void, never> = okAsync(undefined)

export class JobWrites {
  readonly queue: WriteQueue
  readonly latencies = new CommitLatencies()
  readonly #jobId: string
  readonly #hub: BrokerHub
  readonly #context: BrokerContext
  readonly #listeners: readonly ListenerHandle[]
  /** The answer of the queue that was given last, which may be one for many writes. */
  #lastAnswer:
    | { readonly promise: Promise<unknown>; readonly result: ResultAsync<void, PersistencyError> }
    | undefined
  #accepting: PersistEventPayload | undefined
  /** Whether the write under acceptance could be handed to the storage. */
  #handedOver = true
  #lastSent = 0
  /** Failures to tell of writes that could not be sent; put off until every listener has seen the write. */
  #notSent: (() => void)[] = []
  /** While a storage that was started again is brought up to date. */
  #sendingAgain: SendingAgain | undefined
  /** How long the last transaction took. */
  #commitMs = 0
  /** The losses since the last flush that nobody was told of by an `Err`, with the first cause. */
  #unreported: { readonly error: PersistencyError; readonly count: number } | undefined

  constructor({ jobId, hub, context, options }: JobWritesParts) {
    this.#jobId = jobId
    this.#hub = hub
    this.#context = context
    this.queue = new WriteQueue({
      jobId,
      maxBytes: options.maxQueueBytes,
      maxOps: options.maxQueueOps,
      whenFull: options.whenFull,
      own: options.restart ? ownOps : undefined,
      accept: (write) => this.#announce(write),
      spoiled: (write, error) => this.#emitFailed(write, error)
    })
    this.#listeners = this.#listen()
  }

  /** Number of the last write that was handed to the storage; 0 before the first. */
  get lastSent(): number {
    return this.#lastSent
  }

  /** Submits a write; ok when it is accepted. */
  submit(ops: WriteOps): ResultAsync<void, PersistencyError> {
    if (countOf(ops) === 0) return ACCEPTED
    const answer = this.queue.submit(ops)
    if (answer === undefined) return ACCEPTED
    if (!(answer instanceof Promise)) return errAsync(answer)
    if (answer !== this.#lastAnswer?.promise) this.#lastAnswer = { promise: answer, result: accepted(answer) }
    return this.#lastAnswer.result
  }

  /** Submits a write; ok when it is committed. */
  submitAcked(ops: WriteOps, patience: AckOptions): ResultAsync<Commit, PersistencyError> {
    if (countOf(ops) === 0) return okAsync({ seq: 0, ops: 0 })
    const trace = traceOfWrite(this.#context, this.#jobId, ops)
    return new ResultAsync(
      trace === undefined ? this.#commit(ops, patience) : this.#commitTraced(trace, patience)
    )
  }

  /** What was lost since this was last asked, as an error; each loss is told once. Errors: `ERR_WRITES_LOST`. */
  takeLoss(): Result<void, PersistencyError> {
    const lost = this.#unreported
    this.#unreported = undefined
    if (lost === undefined) return ok(undefined)
    const { error: cause, count } = lost
    const message = `job "${this.#jobId}" lost ${count} accepted writes since the last flush, the first because: ${cause.message}`
    return err(new PersistencyError('ERR_WRITES_LOST', message, { cause, backendCode: cause.backendCode }))
  }

  /**
   * Has the writes without an outcome sent again by `sendNext`, to a storage that was started again; answers how many there
   * are. What is accepted before `endSendingAgain` is sent behind them, not at once.
   */
  beginSendingAgain(): number {
    this.#sendingAgain = new SendingAgain(this.queue.unsettled)
    return this.#sendingAgain.count
  }

  /** Number of the write that `sendNext` sends; `undefined` when there is none. */
  get nextToSend(): number | undefined {
    return this.#sendingAgain?.nextSeq
  }

  /** Sends the next write, if there is one. */
  sendNext(): void {
    const next = this.#sendingAgain?.take()
    if (next?.again) this.#emitWrite(PersistAgain, next.write)
    else if (next !== undefined) this.#send(next.write)
  }

  /** Everything has been sent: from now on a write is sent as soon as it is accepted. */
  endSendingAgain(): void {
    this.#sendingAgain = undefined
    // Who hears of a failure may write, which must come behind.
    this.#tellNotSent()
  }

  /** Nothing more is written: whatever is not known to be committed is reported as failed. */
  end(error: PersistencyError): void {
    for (const listener of this.#listeners) void listener.drop()
    for (const { write, answered } of this.queue.fail(error)) {
      if (!answered) this.#lost(error)
      this.#emitFailed(write, error)
      tellFailed(this.#context, { jobId: this.#jobId, seq: write.seq, ops: listOf(write.ops), error })
    }
  }

  #commit(
    ops: WriteOps,
    patience: AckOptions,
    trace?: WriteTrace
  ): Promise<Result<Commit, PersistencyError>> {
    if (patience.signal === undefined && patience.timeoutMs === undefined) return this.#outcomeOf(ops, trace)
    const waiting = new Patience(`a write of job "${this.#jobId}"`, patience)
    if (waiting.end !== undefined) return Promise.resolve(err(waiting.end))
    return waiting.bound(this.#outcomeOf(ops, trace, waiting))
  }

  /** A method of its own: a closure in `submitAcked` would cost every call, traced or not. */
  #commitTraced(trace: WriteTrace, patience: AckOptions): Promise<Result<Commit, PersistencyError>> {
    return traceWrite(trace, () => this.#commit(trace.ops, patience, trace))
  }

  /**
   * Submits a write; resolves when it is committed, or known not to be. Fills in `trace`. A write that is lost when its
   * caller has no `patience` any more counts as one that nobody was told of.
   */
  #outcomeOf(
    ops: WriteOps,
    trace: WriteTrace | undefined,
    patience?: Patience
  ): Promise<Result<Commit, PersistencyError>> {
    return new Promise((resolve) => {
      const answer = this.queue.submit(ops, (error, write) => {
        if (trace !== undefined && error === undefined) trace.commitMs = this.#commitMs
        resolve(error === undefined ? ok({ seq: write.seq, ops: countOf(write.ops) }) : err(error))
        return patience?.end === undefined
      })
      if (answer instanceof Promise) void answer.then((error) => error !== undefined && resolve(err(error)))
      else if (answer !== undefined) resolve(err(answer))
      this.#hub.emit(this.#context, OutcomeAwaited, undefined)
    })
  }

  #listen(): ListenerHandle[] {
    const internal = { internal: true }
    const committed = this.#hub.listen(
      this.#context,
      PersistCommitted,
      (commit) => {
        this.latencies.add(commit.commitMs)
        this.#commitMs = commit.commitMs
        tellCommit(this.#context, commit)
        this.queue.committed(commit.lastSeq)
      },
      internal
    )
    const failed = this.#hub.listen(
      this.#context,
      PersistFailed,
      (failed) => {
        const { seq, error } = failed
        tellFailed(this.#context, failed)
        if (!this.queue.failed(seq, error)) this.#lost(error)
      },
      internal
    )
    const notSent = this.#hub.listen(
      this.#context,
      ListenerFailed,
      // What a listener of the application throws says nothing of the write.
      ({ event, error, internal: ofLink = false }) => {
        const ofWrite = event === PersistEvent.name || event === PersistAgain.name
        if (ofWrite && ofLink && BrokerError.is(error)) this.#couldNotSend(error)
      },
      internal
    )
    return [committed, failed, notSent]
  }

  #announce(write: PersistEventPayload): void {
    if (this.#sendingAgain !== undefined) {
      this.#sendingAgain.push(write)
      return
    }
    this.#send(write)
    // Not before: who watches the writes must have heard of one to forget it.
    if (this.#accepting === undefined && this.#notSent.length > 0) this.#tellNotSent()
  }

  #send(write: PersistEventPayload): void {
    // Writes that are made while this one is told come before the answer.
    if (this.#emitWrite(PersistEvent, write)) this.#lastSent = Math.max(this.#lastSent, write.seq)
  }

  /** Answers whether the write could be handed to the storage. */
  #emitWrite(event: typeof PersistEvent | typeof PersistAgain, write: PersistEventPayload): boolean {
    const outer = this.#accepting
    const outerHandedOver = this.#handedOver
    this.#accepting = write
    this.#handedOver = true
    this.#hub.emit(this.#context, event, write)
    const handedOver = this.#handedOver
    this.#accepting = outer
    this.#handedOver = outerHandedOver
    return handedOver
  }

  /** The write under acceptance could not be handed to the storage, for want of memory for instance. */
  #couldNotSend(cause: BrokerError): void {
    const write = this.#accepting
    if (write === undefined) return
    this.#handedOver = false
    this.#notSent.push(() => this.#emitFailed(write, toPersistencyError(cause, this.#jobId)))
  }

  #tellNotSent(): void {
    if (this.#sendingAgain !== undefined) return
    for (const tell of this.#notSent.splice(0)) tell()
  }

  #emitFailed({ seq, ops }: Pick<AcceptedWrite, 'seq' | 'ops'>, error: PersistencyError): void {
    this.#hub.emit(this.#context, PersistFailed, { jobId: this.#jobId, seq, ops: listOf(ops), error })
  }

  /** Keeps a loss for the next flush and, when nobody listens for it, puts it on the warning channel. */
  #lost(error: PersistencyError): void {
    const { error: first = error, count = 0 } = this.#unreported ?? {}
    this.#unreported = { error: first, count: count + 1 }
    if (this.#hub.listeners(this.#context, PersistFailed).length > 0) return
    warnThrottled('PERSISTENCY_WRITE_LOST', `a write of job "${this.#jobId}" was lost`, error)
  }
}

function accepted(answer: Promise<PersistencyError | undefined>): ResultAsync<void, PersistencyError> {
  return new ResultAsync(answer.then((error) => (error === undefined ? ok(undefined) : err(error))))
}
