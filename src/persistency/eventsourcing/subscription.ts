/** Owns the handle of a subscription that this process holds. */
import { err, errAsync, ok, type Result, ResultAsync } from 'neverthrow'
import type { CancelSignal } from '../../runtime/platform.js'
import type { Ask } from '../ask.js'
import { abortSignal, checkOptions } from '../checks/options.js'
import { PersistencyError } from '../errors.js'
import { checkSeq } from '../journal/checks.js'
import { JournalInfo } from '../journal/messages.js'
import { errorOfEnd, type Position } from '../journal/position.js'
import type { TxOp } from '../types.js'
import type { Checkpoint } from './checkpoint.js'
import { type Deliverer, End, parkedEntry } from './delivery.js'
import { type ParkedPages, readOneParked, readParked } from './parked.js'
import { projectionOf, subjectOf } from './subject.js'
import type { SubscriptionRun } from './subscription-run.js'
import type { RetriedParked } from './types.js'
import { waitingForHandler } from './waiting-for-handler.js'

export interface SubscriptionParts {
  readonly ask: Ask
  readonly committed: Position
  readonly checkpoint: Checkpoint
  readonly deliverer: Deliverer
  readonly run: SubscriptionRun
  readonly ended: Promise<Result<void, PersistencyError>>
}

const CAUGHT_UP_CHECKS = { signal: abortSignal }

/**
 * A durable subscription that is held here. Its handler is called for one event at a time, in order; the checkpoint in
 * the file follows. Ends with `stop`, with its signal, with its job, or with an error.
 */
export class Subscription {
  readonly name: string
  /** Settles when it has ended: ok when it was stopped or its job was closed. Never rejects. */
  readonly ended: Promise<Result<void, PersistencyError>>
  readonly #parts: SubscriptionParts
  #running = true

  /** Made by `Job.subscription`. @internal */
  constructor(parts: SubscriptionParts) {
    this.#parts = parts
    this.name = parts.checkpoint.name
    this.ended = parts.ended
    void parts.ended.then(() => {
      this.#running = false
    })
  }

  get running(): boolean {
    return this.#running
  }

  /** The last event that has been dealt with. */
  get seq(): number {
    return this.#parts.checkpoint.seq
  }

  /**
   * Waits until everything that is in the journal now has been dealt with; answers up to which event that was. Do not wait
   * for it within the handler.
   * Errors: `ERR_OPTION`, those of reading, `ERR_ABORTED`, `ERR_SUBSCRIPTION_ENDED`, and the error with which it ended.
   */
  caughtUp(options?: { readonly signal?: CancelSignal | undefined }): ResultAsync<number, PersistencyError> {
    return checkOptions<{ signal?: CancelSignal }>(options, CAUGHT_UP_CHECKS).asyncAndThen(({ signal }) =>
      this.journalEnd(signal).andThen((lastSeq) => this.reached(lastSeq, signal).map(() => lastSeq))
    )
  }

  /** The last event in the journal; another owner of the file may have written it, of whom nobody else tells. @internal */
  journalEnd(signal?: CancelSignal): ResultAsync<number, PersistencyError> {
    const { ask, committed } = this.#parts
    return ask(JournalInfo, undefined, { signal }).map(({ lastSeq }) => {
      committed.advance(lastSeq)
      return lastSeq
    })
  }

  /** Waits until an event has been dealt with. @internal */
  reached(seq: number, signal: CancelSignal | undefined): ResultAsync<void, PersistencyError> {
    const waiting = this.#parts.checkpoint.reached.reached(seq, signal).then((end) => {
      if (end === undefined) return ok(undefined)
      return err(errorOfEnd(end, 'the waiting', signal) ?? this.#endedError())
    })
    return new ResultAsync(this.#watched('caughtUp', waiting))
  }

  /**
   * Calls the handler again for parked events, all of them or one, between two others. Those it deals with are no
   * longer parked. Do not wait for it within the handler. Errors: `ERR_SEQ`, `ERR_SUBSCRIPTION_ENDED`, also when it is
   * stopped before it came to the last one; those of reading and writing.
   */
  retryParked(seq?: number): ResultAsync<RetriedParked, PersistencyError> {
    const { ask } = this.#parts
    if (seq === undefined) return this.#retryAll(readParked(ask, this.name))
    return checkSeq(seq).asyncAndThen((one) => this.#retryAll(readOneParked(ask, this.name, one)))
  }

  /**
   * Gives a parked event up. Do not wait for it within the handler. Errors: `ERR_SEQ`, `ERR_SUBSCRIPTION_ENDED`, those of
   * writing.
   */
  dropParked(seq: number): ResultAsync<void, PersistencyError> {
    return checkSeq(seq).asyncAndThen((one) =>
      this.#between(() => this.#parts.deliverer.settle({ unpark: [one] }))
    )
  }

  /** Goes back to before the first event, with operations that clear what was made of them. @internal */
  reset(clear: readonly TxOp[]): ResultAsync<void, PersistencyError> {
    const { checkpoint, run } = this.#parts
    return this.#between(async () => checkpoint.reset(clear).map(() => run.startOver()))
  }

  /**
   * Ends it: fires the signal of the delivery that is under way, lets it come to its end, and stores where it is. The
   * next holder goes on from there. Do not wait for it within the handler. Repeating it is harmless.
   */
  async stop(): Promise<void> {
    this.#parts.run.stop()
    await this.#watched('stop', this.ended)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #retryAll(pages: ParkedPages): ResultAsync<RetriedParked, PersistencyError> {
    const { deliverer } = this.#parts
    return this.#between(async () => {
      let done = 0
      let failed = 0
      for await (const page of pages) {
        if (page.isErr()) return err(page.error)
        for (const entry of page.value) {
          if (deliverer.stopping) return err(this.#endedError())
          const attempts = entry.attempts + 1
          const failure = await deliverer.callAgain(entry, attempts, true)
          if (failure === undefined) done++
          else {
            failed++
            const stored = await deliverer.settle({ park: [parkedEntry(entry, attempts, failure)] })
            if (stored.isErr()) return err(stored.error)
          }
        }
      }
      return ok({ done, failed })
    })
  }

  #between<T>(work: () => Promise<Result<T, PersistencyError>>): ResultAsync<T, PersistencyError> {
    if (!this.#running) return errAsync(this.#endedError())
    const done = this.#parts.run.between<Result<T, PersistencyError>>(async (ended) =>
      ended ? err(this.#endedError()) : work()
    )
    const answer = done.catch((thrown) => err(this.#errorOf(thrown)))
    return new ResultAsync(this.#watched('what was asked for between two events', answer))
  }

  #watched<T>(what: string, waiting: Promise<T>): Promise<T> {
    const subject = `${subjectOf(this.name)}: ${what}`
    return waitingForHandler(waiting, subject, () => this.#parts.deliverer.underWay)
  }

  #errorOf(thrown: unknown): PersistencyError {
    const error = thrown instanceof End ? thrown.error : thrown
    return error instanceof PersistencyError ? error : this.#endedError()
  }

  #endedError(): PersistencyError {
    const again = projectionOf(this.name) === undefined ? 'subscribe again' : 'open the projection again'
    const message = `${subjectOf(this.name)} has ended; ${again} to go on from its checkpoint`
    return new PersistencyError('ERR_SUBSCRIPTION_ENDED', message)
  }
}
