/**
 * Owns a job's part in its storage being started again: holds calls back until it is there, sends again what has no
 * outcome, asks again what may be asked twice, and gives up on a storage that gets nowhere. Knows no threads.
 */
import { err, ok, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import type { RequestDefinition } from '../../brokers/definitions.js'
import { BrokerError } from '../../brokers/errors.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { ListenerHandle } from '../../brokers/listener.js'
import type { RequestBroker } from '../../brokers/request-broker.js'
import { toPersistencyError } from '../call-errors.js'
import type { PersistencyError } from '../errors.js'
import type { JobWrites } from '../job-writes.js'
import type { JobRestartedPayload } from '../message-payloads.js'
import { PersistCommitted, WritesSettled } from '../messages.js'
import { Patience } from '../patience.js'
import type { RestartListener } from '../storage-engine.js'
import type { ReadOptions } from '../types.js'
import { Fruitless } from './fruitless.js'
import { HeldCalls } from './held-calls.js'
import { tellIfLost } from './lost-at-exit.js'
import { repeatOf } from './repeatable.js'

export interface JobRestartParts {
  readonly jobId: string
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly requests: RequestBroker
  readonly writes: JobWrites
  /** Everything has been sent to the new storage. */
  readonly onRestarted: (restarted: JobRestartedPayload) => void
}

/** A call that may be asked again. */
interface Question {
  readonly request: RequestDefinition<unknown, unknown, PersistencyError>
  readonly payload: unknown
  readonly patience: ReadOptions
  /** When its time is up, of `performance.now()`. */
  readonly until: number
  /** Whether its answer is a sign that the storage gets somewhere. */
  readonly counts: boolean
  readonly settle: (result: Result<unknown, PersistencyError>) => void
  /** How often it has been sent. */
  readonly asked: number
}

/** A call under which the storage dies each time is not asked for ever, whatever else gets done in between. */
const MAX_ASKED = 3

export class JobRestart implements RestartListener {
  readonly #parts: JobRestartParts
  readonly #held = new HeldCalls()
  readonly #fruitless = new Fruitless()
  readonly #listener: ListenerHandle
  /** There while nothing is served. */
  #down:
    | { readonly error: PersistencyError; readonly since: number; readonly unwatchExit: () => void }
    | undefined
  /** Calls that wait for their answer. */
  #asking = 0
  #ended = false
  #final = false

  constructor(parts: JobRestartParts) {
    this.#parts = parts
    const progress = (): void => this.#fruitless.progress()
    this.#listener = parts.hub.listen(parts.context, PersistCommitted, progress, { internal: true })
  }

  /** Sends a request when everything before it has been sent, and again when its answer is lost with the storage. */
  ask<Payload, Response>(
    request: RequestDefinition<Payload, Response, PersistencyError>,
    payload: Payload,
    patience: ReadOptions & { readonly timeoutMs: number },
    counts = true
  ): ResultAsync<Response, PersistencyError> {
    const waits = this.#down !== undefined || this.#parts.writes.queue.crowded
    const answer = new Promise<Result<Response, PersistencyError>>((resolve) => {
      const question: Question = {
        request: request as RequestDefinition<unknown, unknown, PersistencyError>,
        payload,
        patience,
        until: performance.now() + patience.timeoutMs,
        counts,
        settle: resolve as Question['settle'],
        asked: 1
      }
      this.inLine(
        (afterSeq) => this.#send(question, payload, patience, afterSeq),
        (error) => resolve(err(error))
      )
    })
    return new ResultAsync(waits ? this.#bound(patience, answer) : answer)
  }

  /** Does something, told the number of the write before it, when that has been sent and there is a storage. */
  inLine(run: (afterSeq: number) => void, fail: (error: PersistencyError) => void): void {
    this.#parts.writes.queue.inLine(() => this.#whenServed(run, fail), fail)
  }

  interrupted(error: PersistencyError): boolean {
    const { jobId, writes } = this.#parts
    const idle = this.#asking === 0 && writes.queue.depth.ops === 0
    if (this.#ended || !this.#fruitless.mayStart(idle)) {
      this.#ended = true
      return false
    }
    this.#down ??= {
      error,
      since: performance.now(),
      unwatchExit: tellIfLost({
        jobId,
        get pending() {
          return writes.queue.unsettled.length
        }
      })
    }
    return true
  }

  resumed(): void {
    const down = this.#down
    if (down === undefined) return
    const { jobId, writes, onRestarted } = this.#parts
    this.#up()
    this.#tellSettled()
    const resent = writes.sendAgain((seq) => this.#held.runBefore(seq))
    this.#held.runBefore(Number.POSITIVE_INFINITY)
    onRestarted({ jobId, error: down.error, resent, downMs: performance.now() - down.since })
  }

  /** Waits until every accepted write has an outcome, and has the storage forget how far it was. */
  async settle(): Promise<void> {
    await this.#parts.writes.queue.allSettled()
    this.#final = true
    if (this.#down === undefined) this.#tellSettled()
  }

  /** There is no storage any more, and will not be. */
  end(error: PersistencyError): void {
    this.#ended = true
    void this.#listener.drop()
    this.#up()
    this.#held.failAll(error)
  }

  #up(): void {
    this.#down?.unwatchExit()
    this.#down = undefined
  }

  #whenServed(run: (afterSeq: number) => void, fail: (error: PersistencyError) => void): void {
    const afterSeq = this.#parts.writes.queue.lastSeq
    if (this.#down === undefined) run(afterSeq)
    else this.#held.add({ afterSeq, run: () => run(afterSeq), fail })
  }

  #send(question: Question, payload: unknown, patience: ReadOptions, afterSeq: number): void {
    this.#asking++
    this.#parts.requests.send(question.request, payload, patience, (result) =>
      this.#answered(question, result as Result<unknown, PersistencyError | BrokerError>, afterSeq)
    )
  }

  #answered(
    question: Question,
    result: Result<unknown, PersistencyError | BrokerError>,
    afterSeq: number
  ): void {
    this.#asking--
    const ofStorage = result.isOk() || !(result.error instanceof BrokerError)
    if (ofStorage && question.counts) this.#fruitless.progress()
    if (result.isOk()) question.settle(ok(result.value))
    else if (!this.#askAgain(question, result.error, afterSeq)) {
      question.settle(err(toPersistencyError(result.error, this.#parts.jobId)))
    }
  }

  /** Keeps a call whose answer was lost, in its place, if it may be asked again. */
  #askAgain(question: Question, error: PersistencyError | BrokerError, afterSeq: number): boolean {
    const { request, payload, patience, until, asked, settle } = question
    if (!(error instanceof BrokerError) || error.kind !== 'disconnected') return false
    const repeat = repeatOf(request)
    if (repeat === undefined || this.#down === undefined || asked >= MAX_ASKED) return false
    const left = { ...patience, timeoutMs: Math.max(1, Math.ceil(until - performance.now())) }
    const answer = new Promise<Result<unknown, PersistencyError>>((resolve) => {
      const again: Question = { ...question, asked: asked + 1, settle: resolve }
      this.#held.add({
        afterSeq,
        run: () => this.#send(again, repeat(payload), left, afterSeq),
        fail: (failure) => resolve(err(failure))
      })
    })
    void this.#bound(left, answer).then(settle)
    return true
  }

  #bound<T>(
    patience: ReadOptions,
    answer: Promise<Result<T, PersistencyError>>
  ): Promise<Result<T, PersistencyError>> {
    return new Patience(`a call of job "${this.#parts.jobId}"`, patience).bound(answer)
  }

  #tellSettled(): void {
    const { jobId, hub, context, writes } = this.#parts
    const [first] = writes.queue.unsettled
    const lastSeq = first === undefined ? writes.queue.lastSeq : first.seq - 1
    hub.emit(context, WritesSettled, { jobId, lastSeq, final: this.#final })
  }
}
