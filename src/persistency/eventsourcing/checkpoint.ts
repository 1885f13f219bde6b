/** Owns how far a subscription has come, here and in the file, and moving it on as its holder. */
import type { Result, ResultAsync } from 'neverthrow'
import type { Ask } from '../ask.js'
import type { PersistencyError } from '../errors.js'
import { Position } from '../journal/position.js'
import type { TxOp } from '../types.js'
import type { SubscriptionAdvanceQuery } from './message-payloads.js'
import { SubscriptionAdvance } from './messages.js'

/**
 * Events that were passed over are told to the file when they are so many, when the subscription stops or the job is
 * closed, and before what the file knows falls off the journal.
 */
const PASSED_OVER = 128

/** What goes with a step. */
export type Step = Partial<Pick<SubscriptionAdvanceQuery, 'ops' | 'append' | 'park' | 'unpark'>>

export class Checkpoint {
  readonly name: string
  /** Tells who waits for a position. */
  readonly reached = new Position()
  readonly #ask: Ask
  readonly #holder: string
  #seq: number
  #stored: number
  /** What the file has been told, or is being told. */
  #told: number
  /** Whether it is being taken back to before the first event. */
  #resetting = false

  constructor(ask: Ask, name: string, holder: string, seq: number) {
    this.#ask = ask
    this.name = name
    this.#holder = holder
    this.#seq = seq
    this.#stored = seq
    this.#told = seq
    this.reached.goTo(seq)
  }

  /** The last event that has been dealt with. */
  get seq(): number {
    return this.#seq
  }

  /** Stores that everything up to `seq` has been dealt with, and what came of it. */
  advance(seq: number, step: Step = {}): ResultAsync<void, PersistencyError> {
    return this.#send({ seq, ...step }).map(() => this.#moved(seq))
  }

  /** Stores what came of parked events. */
  settle(step: Step): ResultAsync<void, PersistencyError> {
    return this.#send(step)
  }

  /** Goes back to before the first event. */
  reset(clear: readonly TxOp[]): ResultAsync<void, PersistencyError> {
    this.#resetting = true
    const over = <T>(outcome: T): T => {
      this.#resetting = false
      return outcome
    }
    return this.#send({ seq: 0, reset: true, ops: clear })
      .map(over)
      .mapErr(over)
      .map(() => this.#moved(0))
  }

  /** There was nothing to deal with up to `seq`, in a journal of these events; the file is told now and then. */
  async passOver(
    seq: number,
    { firstSeq, lastSeq }: { readonly firstSeq: number; readonly lastSeq: number }
  ): Promise<Result<void, PersistencyError> | undefined> {
    this.#seq = seq
    this.reached.advance(seq)
    const mayFallOff = this.#stored < (firstSeq + lastSeq) / 2
    if (seq === this.#stored || (seq - this.#stored < PASSED_OVER && !mayFallOff)) return undefined
    return this.advance(seq)
  }

  /** Tells the file what it has not been told. Sent at once: whoever calls this may send something else behind it. */
  async store(): Promise<void> {
    if (this.#seq > this.#told && !this.#resetting) await this.advance(this.#seq)
  }

  #moved(seq: number): void {
    this.#seq = seq
    this.#stored = seq
    this.#told = seq
    this.reached.goTo(seq)
  }

  /** Without a time limit: the answer comes with the commit, or with the end of the storage. */
  #send(step: Partial<SubscriptionAdvanceQuery>): ResultAsync<void, PersistencyError> {
    const { name } = this
    const query = { ops: [], append: [], park: [], unpark: [], ...step, name, holder: this.#holder }
    if (step.seq !== undefined) this.#told = step.seq
    return this.#ask(SubscriptionAdvance, query, { timeoutMs: Number.POSITIVE_INFINITY }).mapErr((error) => {
      this.#told = this.#stored
      return error
    })
  }
}
