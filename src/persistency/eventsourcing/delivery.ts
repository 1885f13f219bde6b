/**
 * Owns having a handler deal with events and storing what came of it: what a failure in that is of, waiting for a storage
 * that fails, and leaving all of it when it is to end.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Result } from 'neverthrow'
import { messageOf } from '../../runtime/message-of.js'
import type { Complete } from '../checks/options.js'
import { PersistencyError } from '../errors.js'
import { decodeEvent } from '../journal/event-codec.js'
import type { PackedEvent } from '../journal/message-payloads.js'
import type { BatchOutcome, BeginBatch } from './batch-work.js'
import type { Checkpoint, Step } from './checkpoint.js'
import type { ParkedEntry } from './message-payloads.js'
import { Setbacks } from './setbacks.js'
import type { HandlerRetry } from './types.js'
import type { UnderWay } from './waiting-for-handler.js'

/** Leaves everything that is under way. */
export class End {
  constructor(readonly error?: PersistencyError) {}
}

/** What came of some events: so many are dealt with for good, and the next one failed, or all of them together. */
interface Outcome {
  readonly done: number
  /** For how many of them, from the first on, the handler was called. */
  readonly called: number
  readonly failure?: Failure
}

export interface Failure {
  /** What was thrown, or answered; it may be `undefined`. */
  readonly cause: unknown
  /** The handler, on that one event; what came of the events, which cannot be stored; or the storage, whatever they are. */
  readonly of: 'handler' | 'events' | 'storage'
}

/** Errors of the storage that may be over in a while, such as a lock, or a full disk. */
const PASSING: readonly string[] = ['ERR_STORAGE', 'ERR_OPEN', 'ERR_OVERLOADED', 'ERR_TIMEOUT']
/** How long to put up with them: half a minute, besides what the storage itself waits for a lock. */
const OF_STORAGE: Complete<HandlerRetry> = { attempts: 10, delayMs: 100, maxDelayMs: 10_000 }
/** Errors of SQLite that are those of what is to be stored. */
const REFUSED = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/
/** The file that was to be opened again is not there any more, or is another one. */
const GONE = /^(ENOENT|SQLITE_READONLY_DBMOVED)$/

export class Deliverer {
  /** Setbacks of the storage in a row, while reading and while storing. */
  readonly reading = new Setbacks(OF_STORAGE)
  readonly storing = new Setbacks(OF_STORAGE)
  readonly #checkpoint: Checkpoint
  readonly #begin: BeginBatch
  readonly #closed: () => PersistencyError | undefined
  readonly #stop = new AbortController()
  /** Fires when there is nothing more to be done, whatever the handler is at. */
  readonly #jobEnd = new AbortController()
  #underWay: UnderWay | undefined
  /** Why the job has ended, if it was not closed. */
  #jobError: PersistencyError | undefined

  /** @param closed why the job takes no calls any more; `undefined` as long as it does */
  constructor(checkpoint: Checkpoint, begin: BeginBatch, closed: () => PersistencyError | undefined) {
    this.#checkpoint = checkpoint
    this.#begin = begin
    this.#closed = closed
  }

  /** Whether it is to end when the call under way is over. */
  get stopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** The event that the handler is at. */
  get underWay(): UnderWay | undefined {
    return this.#underWay
  }

  /** Lets the call of the handler that is under way come to its end. */
  stop(): void {
    this.#stop.abort()
  }

  /** The job has ended, because of an error or because it was closed: does not wait for the handler either. */
  abandon(error?: PersistencyError): void {
    this.#jobError = error
    this.#jobEnd.abort()
    this.stop()
  }

  /** Deals with events in one transaction; `parked` ones are taken from where they were put aside. */
  async attempt(packed: readonly PackedEvent[], attempt = 1, parked = false): Promise<Outcome> {
    const checkpoint = this.#checkpoint
    const events = packed.map(decodeEvent)
    const delivery = { subscription: checkpoint.name, attempt, signal: this.#stop.signal }
    let done = 0
    let called = 0
    let outcome: Outcome | undefined
    let result: BatchOutcome
    try {
      const work = await this.#begin(events)
      for (const event of events) {
        if (this.#jobEnd.signal.aborted) throw new End(this.#jobError)
        if (done > 0 && this.stopping) break
        called++
        this.#underWay = event
        try {
          await this.#unlessJobEnds(work.add(event, delivery))
          done++
        } catch (failure) {
          if (failure instanceof End) throw failure
          this.#leaveWhenJobCloses()
          outcome = { done, called, failure: { cause: failure, of: 'handler' } }
          break
        } finally {
          this.#underWay = undefined
        }
      }
      result = work.outcome()
    } catch (failure) {
      if (failure instanceof End) throw failure
      return { done: 0, called, failure: failureOf(failure) }
    }
    if (done === 0) return outcome ?? { done, called }
    const last = (events[done - 1] as { seq: number }).seq
    const stored = parked
      ? await checkpoint.settle({ ...result, unpark: [last] })
      : await checkpoint.advance(last, result)
    if (stored.isErr()) return { done: 0, called, failure: failureOf(stored.error) }
    this.storing.over()
    return outcome ?? { done, called }
  }

  /** Calls the handler for an event once more, and as often as it takes to store the answer. */
  async callAgain(event: PackedEvent, attempt: number, parked = false): Promise<Failure | undefined> {
    for (;;) {
      const { failure } = await this.attempt([event], attempt, parked)
      if (failure?.of !== 'storage') return failure
      await this.outlast(this.storing, failure.cause as PersistencyError)
    }
  }

  /** Puts an event aside, and takes as long as that takes. */
  async park(entry: ParkedEntry): Promise<void> {
    for (;;) {
      const stored = await this.#checkpoint.advance(entry.seq, { park: [entry] })
      if (stored.isOk()) break
      await this.outlast(this.storing, stored.error)
    }
    this.storing.over()
  }

  /** Stores what came of parked events. Throws an {@link End} when there is no point in going on. */
  async settle(step: Step): Promise<Result<void, PersistencyError>> {
    const stored = await this.#checkpoint.settle(step)
    if (stored.isErr()) failureOf(stored.error)
    return stored
  }

  /** Waits after a setback of the storage; ends when there were too many in a row, or it will not pass. */
  async outlast(setbacks: Setbacks, error: PersistencyError): Promise<void> {
    const wait = isPassing(error) ? setbacks.next() : undefined
    if (wait === undefined) throw new End(error)
    await this.pause(wait)
  }

  async pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
    this.leaveWhenStopped()
  }

  /** Throws the {@link End} of what is to stop. */
  leaveWhenStopped(): void {
    if (this.stopping) throw new End(this.#jobError)
  }

  /** While the job is being closed a handler may fail for that alone, and nothing can be stored any more. */
  #leaveWhenJobCloses(): void {
    if (this.#closed() !== undefined) throw new End(this.#jobError)
  }

  /** What a handler does after the job has ended is of no interest to anybody. */
  #unlessJobEnds(work: Promise<void>): Promise<void> {
    const { signal } = this.#jobEnd
    if (signal.aborted) return Promise.reject(new End(this.#jobError))
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(new End(this.#jobError))
      signal.addEventListener('abort', onEnd)
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onEnd))
    })
  }
}

/** What a failure besides those of the handler is of. Ends when there is no point in going on. */
function failureOf(cause: unknown): Failure {
  if (!(cause instanceof PersistencyError) || isOfEvents(cause)) return { cause, of: 'events' }
  if (!isPassing(cause)) throw new End(cause)
  return { cause, of: 'storage' }
}

/** Whether something is wrong with what was to be stored. Every other error is the storage's. */
function isOfEvents({ kind, code, backendCode = '' }: PersistencyError): boolean {
  if (kind === 'invalidArgument') return code !== 'ERR_NO_JOURNAL'
  return kind === 'conflict' || REFUSED.test(backendCode)
}

function isPassing({ code, backendCode = '' }: PersistencyError): boolean {
  if (code === 'ERR_OPEN' && GONE.test(backendCode)) return false
  return PASSING.includes(code) && !REFUSED.test(backendCode)
}

/** An event to be put aside, with why. */
export function parkedEntry(
  event: PackedEvent,
  attempts: number,
  { cause }: Pick<Failure, 'cause'>
): ParkedEntry {
  const { seq, time, bytes } = event
  return { seq, time, bytes, attempts, error: messageOf(cause), parkedAt: Date.now() }
}
