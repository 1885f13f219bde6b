/**
 * Owns the life of a subscription that is held: reads on, has events dealt with one after another, moves the checkpoint
 * on, tries again, parks. Nothing else happens at the same time, so a handler is never called twice at once.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { err, ok, type Result } from 'neverthrow'
import { messageOf } from '../../brokers/errors.js'
import { PersistencyError } from '../errors.js'
import type { Ask } from '../journal/ask.js'
import { decodeEvent } from '../journal/event-codec.js'
import type { LastCommitted, WaitEnd } from '../journal/last-committed.js'
import type { PackedEvent } from '../journal/message-payloads.js'
import { JournalRead } from '../journal/messages.js'
import type { Complete } from '../option-checks.js'
import { type BatchOutcome, type BeginBatch, handlerFailed } from './batch-work.js'
import type { Checkpoint, Step } from './checkpoint.js'
import type { ParkedEntry } from './message-payloads.js'
import { pollJournal } from './polling.js'
import { Setbacks } from './setbacks.js'
import type { HandlerRetry } from './types.js'

const PAGE_EVENTS = 1024
const PAGE_BYTES = 1024 * 1024
const FOREVER = { timeoutMs: Number.POSITIVE_INFINITY }

export interface RunParts {
  readonly ask: Ask
  readonly committed: LastCommitted
  readonly checkpoint: Checkpoint
  readonly begin: BeginBatch
  readonly batch: number
  readonly stream: string | undefined
  /** Whether an event is to be delivered; the others are passed over. */
  readonly wanted: (event: PackedEvent) => boolean
  readonly retry: Complete<HandlerRetry>
  readonly onPoison: 'park' | 'stop'
  readonly pollMs: number | undefined
  readonly onParked: (error: PersistencyError, seq: number) => void
}

/** Leaves everything that is under way. */
export class End {
  constructor(readonly error?: PersistencyError) {}
}

/** What came of some events: so many are dealt with for good, and the next one failed, or all of them together. */
interface Outcome {
  readonly done: number
  readonly failure?: Failure
}

export interface Failure {
  /** What was thrown, or answered; it may be `undefined`. */
  readonly cause: unknown
  /** The handler, on that one event; what came of the events, which cannot be stored; or the storage, whatever they are. */
  readonly of: 'handler' | 'events' | 'storage'
}

/** Errors after which there is no point in trying again. */
const FINAL: readonly string[] = ['ERR_SUBSCRIPTION_LOST', 'ERR_JOB_CLOSED', 'ERR_STORAGE_DIED', 'ERR_BROKER']
/** Errors of the storage that may be over in a while, such as a lock, or a full disk. */
const PASSING: readonly string[] = ['ERR_STORAGE', 'ERR_OVERLOADED', 'ERR_TIMEOUT']
/** How long to put up with them: half a minute, besides what the storage itself waits for a lock. */
const OF_STORAGE: Complete<HandlerRetry> = { attempts: 10, delayMs: 100, maxDelayMs: 10_000 }
/** Errors of SQLite that are those of what is to be stored. */
const REFUSED = /^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/

export class SubscriptionRun {
  readonly #parts: RunParts
  readonly #stop = new AbortController()
  /** Fires when there is nothing more to be done, whatever the handler is at. */
  readonly #jobEnd = new AbortController()
  #wake = new AbortController()
  readonly #errands: (() => Promise<void>)[] = []
  readonly #reading = new Setbacks(OF_STORAGE)
  readonly #storing = new Setbacks(OF_STORAGE)
  #ended = false
  /** Why the job has ended, if it was not closed. */
  #jobError: PersistencyError | undefined
  /** The event that the handler failed on for the last time. */
  failedSeq: number | undefined

  constructor(parts: RunParts) {
    this.#parts = parts
  }

  /** Whether it is to end when the call under way is over. */
  get stopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** Runs until it is stopped, the job ends, or it cannot go on. Once. */
  async run(): Promise<Result<void, PersistencyError>> {
    let end: End
    try {
      end = await this.#readOn()
    } catch (thrown) {
      end = thrown instanceof End ? thrown : new End(unexpected(this.#parts.checkpoint.name, thrown))
    }
    if (this.#stop.signal.aborted && end.error === undefined) await this.#parts.checkpoint.store()
    this.#ended = true
    this.#parts.checkpoint.reached.end(end.error ?? 'closed')
    await this.#doErrands()
    return end.error === undefined || end.error.code === 'ERR_JOB_CLOSED' ? ok(undefined) : err(end.error)
  }

  /** Lets the call of the handler that is under way come to its end, then ends. */
  stop(): void {
    this.#stop.abort()
    this.#wake.abort()
  }

  /** The job has ended, because of an error or because it was closed: does not wait for the handler either. */
  abandon(error?: PersistencyError): void {
    this.#jobError = error
    this.#jobEnd.abort()
    this.stop()
  }

  /** The job is about to be closed: nothing can be stored any more after this. */
  storeNow(): void {
    if (!this.#ended) void this.#parts.checkpoint.store()
  }

  /**
   * Does something between two events. `work` is told when the run has ended before; an {@link End} that it throws is
   * that of the run as well.
   */
  between<T>(work: (ended: boolean) => Promise<T>): Promise<T> {
    if (this.#ended) return work(true)
    return new Promise((resolve, reject) => {
      this.#errands.push(() =>
        work(this.#ended).then(resolve, (thrown) => {
          reject(thrown)
          if (thrown instanceof End && !this.#ended) throw thrown
        })
      )
      this.#wake.abort()
    })
  }

  async #doErrands(): Promise<void> {
    for (let errand = this.#errands.shift(); errand !== undefined; errand = this.#errands.shift())
      await errand()
  }

  async #readOn(): Promise<End> {
    const { ask, checkpoint, stream } = this.#parts
    const query = { limit: PAGE_EVENTS, maxBytes: PAGE_BYTES, ...(stream !== undefined && { stream }) }
    for (;;) {
      // What is asked for from here on wakes the waiting below.
      this.#wake = new AbortController()
      await this.#doErrands()
      if (this.#stop.signal.aborted) return new End(this.#jobError)
      const from = checkpoint.seq + 1
      const page = await ask(JournalRead, { ...query, from }, FOREVER)
      if (page.isErr()) {
        await this.#outlast(this.#reading, page.error)
        continue
      }
      this.#reading.over()
      const { events, next, firstSeq, lastSeq } = page.value
      if (!(await this.#deliverAll(events))) continue
      const passed = await checkpoint.passOver(next - 1, { firstSeq, lastSeq })
      if (passed?.isErr()) {
        await this.#outlast(this.#storing, passed.error)
        continue
      }
      if (passed !== undefined) this.#storing.over()
      if (next <= lastSeq) continue
      const end = await this.#committed(next)
      if (end === 'closed') return new End()
      if (end instanceof PersistencyError) return new End(end)
    }
  }

  /** Waits for an event, or for something else to do. */
  async #committed(seq: number): Promise<WaitEnd | undefined> {
    const { ask, committed, pollMs } = this.#parts
    const stopPolling = pollMs === undefined ? () => {} : pollJournal(ask, committed, pollMs)
    const end = await committed.reached(seq, this.#wake.signal)
    stopPolling()
    return end
  }

  /** `false` when something else came between. */
  async #deliverAll(page: readonly PackedEvent[]): Promise<boolean> {
    const wanted = page.filter(this.#parts.wanted)
    let size = this.#parts.batch
    for (let at = 0; at < wanted.length; ) {
      if (this.#wake.signal.aborted || this.#stop.signal.aborted) return false
      const batch = wanted.slice(at, at + size)
      const { done, failure } = await this.#attempt(batch)
      at += done
      if (failure === undefined) continue
      this.#leaveWhenStopped()
      if (failure.of === 'storage') await this.#outlast(this.#storing, failure.cause as PersistencyError)
      // They could not be stored together: the rest of the page goes one by one.
      else if (failure.of === 'events' && batch.length > 1) size = 1
      else {
        await this.#tryAgain(wanted[at] as PackedEvent, failure)
        at++
      }
    }
    return true
  }

  async #tryAgain(event: PackedEvent, first: Failure): Promise<void> {
    const { checkpoint, onPoison, onParked, retry } = this.#parts
    const failures = new Setbacks(retry)
    let failure = first
    for (let wait = failures.next(); wait !== undefined; wait = failures.next()) {
      await this.#pause(wait)
      const again = await this.callAgain(event, failures.count + 1)
      if (again === undefined) return
      this.#leaveWhenStopped()
      failure = again
    }
    const error = handlerFailed(checkpoint.name, event.seq, retry.attempts, failure.cause)
    if (onPoison === 'stop') {
      this.failedSeq = event.seq
      throw new End(error)
    }
    const parked = parkedEntry(event, retry.attempts, failure)
    for (;;) {
      const stored = await checkpoint.advance(event.seq, { park: [parked] })
      if (stored.isOk()) break
      await this.#outlast(this.#storing, stored.error)
    }
    this.#storing.over()
    onParked(error, event.seq)
  }

  /**
   * Calls the handler for an event once more, and as often as it takes to store the answer; a `parked` one is taken from
   * where it was put aside.
   */
  async callAgain(event: PackedEvent, attempt: number, parked = false): Promise<Failure | undefined> {
    for (;;) {
      const { failure } = await this.#attempt([event], attempt, parked)
      if (failure?.of !== 'storage') return failure
      await this.#outlast(this.#storing, failure.cause as PersistencyError)
    }
  }

  /** Deals with events in one transaction. */
  async #attempt(packed: readonly PackedEvent[], attempt = 1, parked = false): Promise<Outcome> {
    const { checkpoint, begin } = this.#parts
    const events = packed.map(decodeEvent)
    const delivery = { subscription: checkpoint.name, attempt, signal: this.#stop.signal }
    let done = 0
    let outcome: Outcome | undefined
    let result: BatchOutcome
    try {
      const work = await begin(events)
      for (const event of events) {
        if (done > 0 && this.#stop.signal.aborted) break
        try {
          await this.#unlessJobEnds(work.add(event, delivery))
          done++
        } catch (failure) {
          if (failure instanceof End) throw failure
          outcome = { done, failure: { cause: failure, of: 'handler' } }
          break
        }
      }
      result = work.outcome()
    } catch (failure) {
      if (failure instanceof End) throw failure
      return { done: 0, failure: this.#failureOf(failure) }
    }
    if (done === 0) return outcome ?? { done }
    const last = (events[done - 1] as { seq: number }).seq
    const stored = parked
      ? await checkpoint.settle({ ...result, unpark: [last] })
      : await checkpoint.advance(last, result)
    if (stored.isErr()) return { done: 0, failure: this.#failureOf(stored.error) }
    this.#storing.over()
    return outcome ?? { done }
  }

  /** What a failure besides those of the handler is of. Ends when there is no point in going on. */
  #failureOf(cause: unknown): Failure {
    if (!(cause instanceof PersistencyError)) return { cause, of: 'events' }
    if (FINAL.includes(cause.code)) throw new End(cause)
    return { cause, of: isPassing(cause) ? 'storage' : 'events' }
  }

  /** Waits after a setback of the storage; ends when there were too many in a row, or it will not pass. */
  async #outlast(setbacks: Setbacks, error: PersistencyError): Promise<void> {
    const wait = isPassing(error) ? setbacks.next() : undefined
    if (wait === undefined) throw new End(error)
    await this.#pause(wait)
  }

  /** Stores what came of parked events. Throws an {@link End} when there is no point in going on. */
  async settle(step: Step): Promise<Result<void, PersistencyError>> {
    const stored = await this.#parts.checkpoint.settle(step)
    if (stored.isErr() && FINAL.includes(stored.error.code)) throw new End(stored.error)
    return stored
  }

  #leaveWhenStopped(): void {
    if (this.#stop.signal.aborted) throw new End(this.#jobError)
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => {})
    this.#leaveWhenStopped()
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

function isPassing({ code, backendCode = '' }: PersistencyError): boolean {
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

function unexpected(name: string, cause: unknown): PersistencyError {
  if (cause instanceof PersistencyError) return cause
  return new PersistencyError('ERR_BROKER', `subscription ${JSON.stringify(name)}: ${messageOf(cause)}`, {
    cause
  })
}
