/**
 * Owns the calls of a job with `restart` on their way to its storage: they wait while there is none, each in its place
 * among the writes, and those whose answer was lost are asked again, as far as that does no harm.
 */
import { err, ok, type Result, ResultAsync } from 'neverthrow'
import type { RequestDefinition } from '../../brokers/definitions.js'
import { BrokerError } from '../../brokers/errors.js'
import type { RequestBroker } from '../../brokers/request-broker.js'
import { requestsAreTraced, traceRequest } from '../../brokers/request-trace.js'
import { Fifo } from '../../runtime/fifo.js'
import { toPersistencyError } from '../call-errors.js'
import type { PersistencyError } from '../errors.js'
import type { JobCalls } from '../job-calls.js'
import { Patience } from '../patience.js'
import type { ReadOptions } from '../types.js'
import { unpacked } from '../unpacked.js'
import type { WriteQueue } from '../writes/write-queue.js'
import { repeatOf } from './repeatable.js'

export interface RepeatedCallsParts {
  readonly jobId: string
  readonly requests: RequestBroker
  readonly queue: WriteQueue
  /** The storage has answered, be it with an error of its own. Not called for those asked `quietly`. */
  readonly onAnswered: () => void
}

/** A call on its way. */
interface Question {
  readonly request: RequestDefinition<unknown, unknown, PersistencyError>
  readonly payload: unknown
  readonly patience: ReadOptions
  /** When its time is up, of `performance.now()`. */
  readonly until: number
  readonly quietly: boolean
  readonly settle: (result: Result<unknown, PersistencyError>) => void
  /** How often it has been sent. */
  readonly asked: number
  readonly traceparent: string | undefined
}

/** A call that waits for a storage to be there again. */
interface HeldCall {
  /** Number of the last write that was accepted before it. */
  readonly afterSeq: number
  /** Sends it. */
  run(): void
  /** There will be no storage. */
  fail(error: PersistencyError): void
}

/** A call under which the storage dies each time is not asked for ever, whatever else gets done in between. */
const MAX_ASKED = 3

export class RepeatedCalls implements JobCalls {
  readonly #parts: RepeatedCallsParts
  /** In the order in which they were made. */
  readonly #held = new Fifo<HeldCall>()
  #holding = false
  #underWay = 0

  constructor(parts: RepeatedCallsParts) {
    this.#parts = parts
  }

  /** How many wait for the answer of the storage, besides those asked quietly. */
  get underWay(): number {
    return this.#underWay
  }

  /** Sends a request when everything before it has been sent, and again when its answer is lost with the storage. */
  ask<Payload, Response>(
    request: RequestDefinition<Payload, Response, PersistencyError>,
    payload: Payload,
    patience: ReadOptions & { readonly timeoutMs: number },
    quietly = false
  ): ResultAsync<Response, PersistencyError> {
    const waiting = this.#holding || this.#parts.queue.crowded ? this.#patience(patience) : undefined
    const since = performance.now()
    const answer = new Promise<Result<Response, PersistencyError>>((resolve) => {
      const settle = (result: Result<Response, PersistencyError>): void =>
        resolve(unpacked(result, () => this.#patience(patience, since)))
      const question: Question = {
        request: request as RequestDefinition<unknown, unknown, PersistencyError>,
        payload,
        patience,
        until: since + patience.timeoutMs,
        quietly,
        settle: settle as Question['settle'],
        asked: 1,
        traceparent: undefined
      }
      const fail = (error: PersistencyError): void => resolve(err(error))
      const sendNow = (afterSeq: number): void => this.#sendFirst(question, afterSeq)
      const sendLater = waiting?.later((left, afterSeq: number) =>
        this.#sendFirst({ ...question, patience: left }, afterSeq)
      )
      this.inLine(sendLater ?? sendNow, fail)
    })
    return new ResultAsync(waiting?.bound(answer) ?? answer)
  }

  /** Does something, told the number of the write before it, when that has been sent and there is a storage. */
  inLine(run: (afterSeq: number) => void, fail: (error: PersistencyError) => void): void {
    this.#parts.queue.inLine(() => this.#whenServed(run, fail), fail)
  }

  /** Sends nothing for now. To be called before the calls that are under way end. */
  hold(): void {
    this.#holding = true
  }

  /** From now on calls are sent as they are made, behind those that are held. */
  resume(): void {
    this.#holding = false
  }

  /** Sends the first call that is held, if it was made before write `seq` was accepted; answers whether it was. */
  sendOneBefore(seq: number): boolean {
    const { first } = this.#held
    if (first === undefined || first.afterSeq >= seq) return false
    this.#held.shift()
    first.run()
    return true
  }

  /** Nothing will be sent any more. */
  end(error: PersistencyError): void {
    this.#holding = false
    while (this.#held.size > 0) this.#held.shift()?.fail(error)
  }

  #whenServed(run: (afterSeq: number) => void, fail: (error: PersistencyError) => void): void {
    const afterSeq = this.#parts.queue.lastSeq
    if (this.#holding) this.#held.push({ afterSeq, run: () => run(afterSeq), fail })
    else run(afterSeq)
  }

  #sendFirst(question: Question, afterSeq: number): void {
    const { request, payload, patience } = question
    if (requestsAreTraced() && !request.untraced) this.#sendTraced(question, afterSeq)
    else this.#send(question, payload, patience, afterSeq)
  }

  /** Tells of it as one call, with the answer that its caller gets, however often it is sent. */
  #sendTraced(question: Question, afterSeq: number): void {
    const { request, payload, patience } = question
    const { context } = this.#parts.requests
    const about = { kind: 'request' as const, request: request.name, context, payload }
    const settle = question.settle as (result: Result<unknown, unknown>) => void
    traceRequest(about, settle, ({ traceparent }, settled) =>
      this.#send({ ...question, settle: settled, traceparent }, payload, patience, afterSeq)
    )
  }

  #send(question: Question, payload: unknown, patience: ReadOptions, afterSeq: number): void {
    const { request, traceparent } = question
    if (!question.quietly) this.#underWay++
    const settle = (result: Result<unknown, unknown>): void =>
      this.#answered(question, result as Result<unknown, PersistencyError | BrokerError>, afterSeq)
    this.#parts.requests.sendUntraced(request, payload, patience, settle, traceparent)
  }

  #answered(
    question: Question,
    result: Result<unknown, PersistencyError | BrokerError>,
    afterSeq: number
  ): void {
    const ofStorage = result.isOk() || !BrokerError.is(result.error)
    if (!question.quietly) {
      this.#underWay--
      if (ofStorage) this.#parts.onAnswered()
    }
    if (result.isOk()) question.settle(ok(result.value))
    else if (!this.#askAgain(question, result.error, afterSeq)) {
      question.settle(err(toPersistencyError(result.error, this.#parts.jobId)))
    }
  }

  /** Keeps a call whose answer was lost, in its place, if it may be asked again. */
  #askAgain(question: Question, error: PersistencyError | BrokerError, afterSeq: number): boolean {
    const { request, payload, patience, until, asked, settle } = question
    if (!BrokerError.is(error) || error.kind !== 'disconnected') return false
    const repeat = repeatOf(request)
    if (repeat === undefined || !this.#holding || asked >= MAX_ASKED) return false
    const waiting = this.#patience({ ...patience, timeoutMs: Math.max(1, until - performance.now()) })
    const answer = new Promise<Result<unknown, PersistencyError>>((resolve) => {
      const again: Question = { ...question, asked: asked + 1, settle: resolve }
      this.#held.push({
        afterSeq,
        run: waiting.later((left) => this.#send(again, repeat(payload), left, afterSeq)),
        fail: (failure) => resolve(err(failure))
      })
    })
    void waiting.bound(answer).then(settle)
    return true
  }

  #patience(options: ReadOptions, since?: number): Patience {
    return new Patience(`a call of job "${this.#parts.jobId}"`, options, since)
  }
}
