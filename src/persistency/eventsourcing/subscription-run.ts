/**
 * Owns the life of a subscription that is held: reads on, has events dealt with one after another, tries again, parks, and
 * does errands in between. Nothing else happens at the same time, so a handler is never called twice at once.
 */
import { err, ok, type Result } from 'neverthrow'
import { messageOf } from '../../runtime/message-of.js'
import type { Ask } from '../ask.js'
import type { Complete } from '../checks/options.js'
import { PersistencyError } from '../errors.js'
import { type EventPage, readAlone } from '../journal/event-page.js'
import type { Followed, Followers, Place } from '../journal/followers.js'
import type { PackedEvent } from '../journal/message-payloads.js'
import type { Position } from '../journal/position.js'
import { handlerFailed } from './batch-work.js'
import type { Checkpoint } from './checkpoint.js'
import { type Deliverer, End, type Failure, parkedEntry } from './delivery.js'
import { OneByOne } from './one-by-one.js'
import { ofReadingOn } from './overtaken.js'
import { pollJournal } from './polling.js'
import { Setbacks } from './setbacks.js'
import { subjectOf } from './subject.js'
import type { HandlerRetry } from './types.js'

const PAGE_EVENTS = 1024
const PAGE_BYTES = 1024 * 1024
const FOREVER = { timeoutMs: Number.POSITIVE_INFINITY }

export interface RunParts {
  readonly ask: Ask
  readonly committed: Position
  readonly following: Followers
  readonly checkpoint: Checkpoint
  readonly deliverer: Deliverer
  readonly batch: number
  readonly stream: string | undefined
  /** The events of a page that are to be delivered; the others are passed over. */
  readonly wanted: (page: EventPage) => readonly PackedEvent[]
  readonly retry: Complete<HandlerRetry>
  readonly onPoison: 'park' | 'stop'
  readonly pollMs: number | undefined
  readonly onParked: (error: PersistencyError, seq: number) => void
}

export class SubscriptionRun {
  readonly #parts: RunParts
  #wake = new AbortController()
  readonly #errands: (() => Promise<void>)[] = []
  /** Kept across errands: ones that come all the time must not have a batch tried for ever. */
  readonly #oneByOne = new OneByOne()
  #ended = false
  /** The event that the handler failed on for the last time. */
  failedSeq: number | undefined

  constructor(parts: RunParts) {
    this.#parts = parts
  }

  /** Runs until it is stopped, the job ends, or it cannot go on. Once. */
  async run(): Promise<Result<void, PersistencyError>> {
    const { checkpoint, deliverer } = this.#parts
    let end: End
    try {
      end = await this.#readOn()
    } catch (thrown) {
      end = thrown instanceof End ? thrown : new End(unexpected(checkpoint.name, thrown))
    }
    if (deliverer.stopping && end.error === undefined) await checkpoint.store()
    this.#ended = true
    checkpoint.reached.end(end.error ?? 'closed')
    await this.#doErrands()
    return end.error === undefined || end.error.code === 'ERR_JOB_CLOSED' ? ok(undefined) : err(end.error)
  }

  /** Lets the call of the handler that is under way come to its end, then ends. */
  stop(): void {
    this.#parts.deliverer.stop()
    this.#wake.abort()
  }

  /** The job has ended, because of an error or because it was closed: does not wait for the handler either. */
  abandon(error?: PersistencyError): void {
    this.#parts.deliverer.abandon(error)
    this.#wake.abort()
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

  /** It is back before the first event. */
  startOver(): void {
    this.#oneByOne.forget()
  }

  async #doErrands(): Promise<void> {
    for (let errand = this.#errands.shift(); errand !== undefined; errand = this.#errands.shift())
      await errand()
  }

  async #readOn(): Promise<End> {
    const { checkpoint, deliverer, stream } = this.#parts
    const query = { limit: PAGE_EVENTS, maxBytes: PAGE_BYTES, ...(stream !== undefined && { stream }) }
    /** Whether there is an event where it goes on; absent when it does not follow yet, or does anew. */
    let isThere: boolean | undefined
    for (;;) {
      // What is asked for from here on wakes the waiting below.
      this.#wake = new AbortController()
      if (this.#errands.length > 0) {
        await this.#doErrands()
        isThere = undefined
      }
      deliverer.leaveWhenStopped()
      const followed = await this.#next({ ...query, from: checkpoint.seq + 1 }, isThere)
      const followsOn = isThere !== undefined
      isThere = undefined
      if ('end' in followed) {
        if (followed.end === 'aborted') continue
        return followed.end === 'closed' ? new End() : new End(followed.end)
      }
      const { page } = followed
      if (page.isErr()) {
        await deliverer.outlast(
          deliverer.reading,
          ofReadingOn(checkpoint.name, checkpoint.seq + 1, page.error)
        )
        continue
      }
      deliverer.reading.over()
      const { next, firstSeq, lastSeq } = page.value
      if (!(await this.#deliverAll(page.value))) continue
      const passed = await checkpoint.passOver(next - 1, { firstSeq, lastSeq })
      if (passed?.isErr()) {
        await deliverer.outlast(deliverer.storing, passed.error)
        continue
      }
      if (passed !== undefined) deliverer.storing.over()
      if (followsOn || next > lastSeq) isThere = next <= lastSeq
    }
  }

  /** The next page: of what is there, or, for who follows, once there is one, unless there is something else to do. */
  async #next(place: Place, isThere: boolean | undefined): Promise<Followed> {
    const { ask, committed, following, pollMs } = this.#parts
    if (isThere === undefined) return { page: await readAlone(ask, place, FOREVER) }
    const stopPolling = pollMs === undefined ? () => {} : pollJournal(ask, committed, pollMs)
    const followed = await following.next(place, isThere, this.#wake.signal)
    stopPolling()
    return followed
  }

  /** `false` when something else came between. */
  async #deliverAll(page: EventPage): Promise<boolean> {
    const { deliverer } = this.#parts
    const wanted = this.#parts.wanted(page)
    for (let at = 0; at < wanted.length; ) {
      if (this.#wake.signal.aborted || deliverer.stopping) return false
      const first = wanted[at] as PackedEvent
      const size = this.#oneByOne.includes(first) ? 1 : this.#parts.batch
      const batch = wanted.slice(at, at + size)
      const attempt = this.#oneByOne.attempt(first)
      const { done, called, failure } = await deliverer.attempt(batch, attempt)
      at += done
      if (failure === undefined) continue
      deliverer.leaveWhenStopped()
      if (failure.of === 'storage')
        await deliverer.outlast(deliverer.storing, failure.cause as PersistencyError)
      // They could not be stored together: the rest of the page goes one by one.
      else if (failure.of === 'events' && batch.length > 1) this.#oneByOne.begin(wanted.slice(at), called)
      else {
        await this.#tryAgain(wanted[at] as PackedEvent, failure, attempt)
        at++
      }
    }
    return true
  }

  /** @param calls how many there were of the handler */
  async #tryAgain(event: PackedEvent, first: Failure, calls: number): Promise<void> {
    const { checkpoint, deliverer, onPoison, onParked, retry } = this.#parts
    const failures = new Setbacks(retry)
    for (let n = 1; n < calls; n++) failures.next()
    let failure = first
    for (let wait = failures.next(); wait !== undefined; wait = failures.next()) {
      await deliverer.pause(wait)
      const again = await deliverer.callAgain(event, failures.count + 1)
      if (again === undefined) return
      deliverer.leaveWhenStopped()
      failure = again
    }
    const error = handlerFailed(checkpoint.name, event.seq, failures.count, failure.cause)
    if (onPoison === 'stop') {
      this.failedSeq = event.seq
      throw new End(error)
    }
    await deliverer.park(parkedEntry(event, failures.count, failure))
    onParked(error, event.seq)
  }
}

function unexpected(name: string, cause: unknown): PersistencyError {
  if (cause instanceof PersistencyError) return cause
  return new PersistencyError('ERR_BROKER', `${subjectOf(name)}: ${messageOf(cause)}`, {
    cause
  })
}
