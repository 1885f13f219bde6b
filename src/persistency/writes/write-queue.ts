/**
 * Owns the writes of a job between `persist` and their commit: their order, the limits of the queue, who waits for
 * room, and who waits for a commit. Knows neither brokers nor storage.
 */
import { setImmediate } from '../../runtime/event-loop.js'
import { Fifo } from '../../runtime/fifo.js'
import { PersistencyError } from '../errors.js'
import type { PersistEventPayload } from '../message-payloads.js'
import { countOf, listOf, shownList, sizeOf, type WriteOps } from '../write-ops.js'
import { type AcceptedWrite, AcceptedWrites, type Acknowledge } from './accepted-writes.js'
import { BURST_OPS, ProducerPause } from './producer-pause.js'
import { type WaitingWrite, WaitingWrites } from './waiting-writes.js'

export interface WriteQueueOptions {
  readonly jobId: string
  readonly maxBytes: number
  readonly maxOps: number
  readonly whenFull: 'wait' | 'refuse'
  /** Answers operations to be kept in place of those given, which others see and may change. Default: as they are. */
  readonly own?: ((ops: WriteOps) => WriteOps) | undefined
  /** Passes an accepted write on. Called in the order of acceptance. */
  readonly accept: (write: PersistEventPayload) => void
  /** Learns of an accepted write that cannot be passed on, and is to have it fail. */
  readonly spoiled: (write: AcceptedWrite, error: PersistencyError) => void
}

/** Something that must not happen before everything that came earlier. */
interface Waiter {
  readonly bytes: number
  readonly ops: number
  /** Its turn has come. */
  run(): void
  /** The queue was closed by a failure first. */
  fail(error: PersistencyError): void
}

/** Writes that wait for room next to each other are let in together, so many operations at most. */
const GROUP_OPS = 64

/** They have to find room for all of them at once, so they take no more than this part of a queue. */
const GROUP_PARTS = 16

export class WriteQueue {
  readonly #options: WriteQueueOptions
  readonly #accepted = new AcceptedWrites()
  readonly #waiters = new Fifo<Waiter>()
  readonly #idle: (() => void)[] = []
  #bytes = 0
  #ops = 0
  readonly #pause = new ProducerPause(() => this.#ops)
  #advancing = false
  #failure: PersistencyError | undefined

  constructor(options: WriteQueueOptions) {
    this.#options = options
  }

  /** Bytes and operations that are accepted and not committed. */
  get depth(): { readonly bytes: number; readonly ops: number } {
    return { bytes: this.#bytes, ops: this.#ops }
  }

  /** Number of the last write that was accepted; 0 before the first. */
  get lastSeq(): number {
    return this.#accepted.lastSeq
  }

  /** Whether somebody waits for room; reads must then wait in line as well. */
  get crowded(): boolean {
    return this.#waiters.size > 0
  }

  /**
   * Accepts a write, now if there is room. Answers `undefined` when it was accepted, an error when it was refused,
   * or a promise of either when it has to wait. After many writes that nobody waits for, the promise is one for all
   * that are accepted until the event loop has had a turn; writes that wait for room together have one as well.
   */
  submit(
    ops: WriteOps,
    acknowledge?: Acknowledge
  ): PersistencyError | undefined | Promise<PersistencyError | undefined> {
    if (this.#failure !== undefined) return this.#failure
    const bytes = sizeOf(ops)
    const count = countOf(ops)
    const fits = !this.crowded && this.#hasRoom(bytes, count)
    if (!fits && this.#options.whenFull === 'refuse') return this.#overloaded(count, bytes)
    const owned = this.#owned(ops)
    if (owned instanceof PersistencyError) return owned
    if (fits) {
      this.#accept(ops, owned, bytes, acknowledge)
      return acknowledge === undefined ? this.#pause.took(count) : undefined
    }
    return this.#lineUp({ ops: owned, bytes, acknowledge }, count)
  }

  /** The operations as they are to be kept. */
  #owned(ops: WriteOps): WriteOps | PersistencyError {
    const { jobId, own } = this.#options
    if (own === undefined) return ops
    try {
      return own(ops)
    } catch (cause) {
      const message = `a write of job "${jobId}" cannot be kept for a restart: its bytes cannot be copied`
      return new PersistencyError('ERR_PAYLOAD', message, { cause })
    }
  }

  /** Runs `run` after everything submitted before has been accepted; `fail` instead when the queue fails first. */
  inLine(run: () => void, fail: (error: PersistencyError) => void): void {
    if (this.crowded) this.#waiters.push({ bytes: 0, ops: 0, run, fail })
    else run()
  }

  /** All writes up to `lastSeq` that have not failed are committed. */
  committed(lastSeq: number): void {
    for (;;) {
      this.#accepted.dropUpTo(lastSeq, this.#release)
      const awaited = this.#accepted.shiftUpTo(lastSeq)
      if (awaited === undefined) break
      this.#settle(awaited, undefined)
    }
    this.#advance()
  }

  /**
   * A write could not be applied. Answers whether its caller was told; if not, the write is lost without anybody
   * having asked.
   */
  failed(seq: number, error: PersistencyError): boolean {
    // Writes before it in the same transaction are not known to be committed yet; only this one is decided.
    const write = this.#accepted.take(seq)
    const answered = write !== undefined && this.#settle(write, error)
    this.#advance()
    return answered
  }

  /**
   * The storage is gone. Fails everyone who waits, and answers the accepted writes that are lost, with whether
   * their callers were told.
   */
  fail(error: PersistencyError): { readonly write: AcceptedWrite; readonly answered: boolean }[] {
    this.#failure = error
    const lost: { write: AcceptedWrite; answered: boolean }[] = []
    for (;;) {
      const write = this.#accepted.shiftUpTo(this.lastSeq)
      if (write === undefined) break
      lost.push({ write, answered: this.#settle(write, error) })
    }
    while (this.#waiters.size > 0) this.#waiters.shift()?.fail(error)
    this.#advance()
    return lost
  }

  /** The accepted writes without an outcome, in order. */
  get unsettled(): readonly PersistEventPayload[] {
    const { jobId } = this.#options
    return this.#accepted.all.map(({ seq, ops, bytes }) => ({ jobId, seq, ops: listOf(ops), bytes }))
  }

  /** Resolves when every accepted write has an outcome and nothing waits for room. */
  async allSettled(): Promise<void> {
    while (this.#ops > 0 || this.crowded) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Resolves when nothing waits for room any more. */
  async lineCleared(): Promise<void> {
    while (this.crowded) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Has a write wait for room, together with those at the end of the line if there are few of them. */
  #lineUp(write: WaitingWrite, ops: number): Promise<PersistencyError | undefined> {
    const last = this.#waiters.last
    const joins =
      last instanceof WaitingWrites && last.open && this.#isSmall(last.bytes + write.bytes, last.ops + ops)
    const group = joins ? last : new WaitingWrites(this.#acceptWaiting)
    if (!joins) this.#waiters.push(group)
    group.join(write)
    return group.answer
  }

  #isSmall(bytes: number, ops: number): boolean {
    const { maxBytes, maxOps } = this.#options
    return ops <= GROUP_OPS && ops * GROUP_PARTS <= maxOps && bytes * GROUP_PARTS <= maxBytes
  }

  readonly #acceptWaiting = ({ ops, bytes, acknowledge }: WaitingWrite): void => {
    const owned = sizeOf(ops) === bytes ? this.#owned(ops) : this.#changed()
    if (!(owned instanceof PersistencyError)) this.#accept(ops, owned, bytes, acknowledge)
    else this.#options.spoiled({ seq: this.#add(ops, bytes, acknowledge), ops, bytes, acknowledge }, owned)
  }

  /** Whoever hears of the operations may change their list, which does nothing to the one that is kept. */
  #accept(ops: WriteOps, owned: WriteOps, bytes: number, acknowledge: Acknowledge | undefined): void {
    const seq = this.#add(owned, bytes, acknowledge)
    const { jobId, accept } = this.#options
    accept({ jobId, seq, ops: ops === owned ? shownList(ops) : listOf(ops), bytes })
  }

  #add(ops: WriteOps, bytes: number, acknowledge: Acknowledge | undefined): number {
    this.#bytes += bytes
    this.#ops += countOf(ops)
    return this.#accepted.push(ops, bytes, acknowledge)
  }

  #settle(write: AcceptedWrite, error: PersistencyError | undefined): boolean {
    this.#release(write.ops, write.bytes)
    return write.acknowledge?.(error, write) ?? false
  }

  /** Makes the room free that a write has taken. */
  readonly #release = (ops: WriteOps, bytes: number): void => {
    this.#ops -= countOf(ops)
    this.#bytes -= bytes
  }

  /** Lets those in who wait and for whom there is room, a burst at a time. */
  #advance(): void {
    this.#pause.resumeIfDue()
    // Whoever hears of a write that is let in may cause this, and must not be let in before the rest.
    if (this.#advancing) return
    this.#advancing = true
    for (let admitted = 0; this.#waiters.size > 0; ) {
      const first = this.#waiters.first as Waiter
      const { bytes, ops } = first
      if (!this.#hasRoom(bytes, ops)) break
      if (admitted >= BURST_OPS) {
        this.#advanceLater()
        return
      }
      admitted += ops
      this.#letIn(first)
      this.#waiters.shift()
    }
    this.#advancing = false
    if (!this.crowded) for (const wake of this.#idle.splice(0)) wake()
  }

  /** What goes wrong with one must not keep the others out. */
  #letIn(waiter: Waiter): void {
    try {
      waiter.run()
    } catch (cause) {
      const message = `job "${this.#options.jobId}": what waited for room could not go on`
      waiter.fail(new PersistencyError('ERR_BROKER', message, { cause }))
    }
  }

  #advanceLater(): void {
    setImmediate(() => {
      this.#advancing = false
      this.#advance()
    })
  }

  /** A write larger than the whole queue is let in when the queue is empty: it could never enter otherwise. */
  #hasRoom(bytes: number, ops: number): boolean {
    if (this.#ops === 0) return true
    return this.#bytes + bytes <= this.#options.maxBytes && this.#ops + ops <= this.#options.maxOps
  }

  /** Bytes that are gone have no length any more. */
  #changed(): PersistencyError {
    const message = `the memory of a write of job "${this.#options.jobId}" was given away or resized while it waited for room`
    return new PersistencyError('ERR_PAYLOAD', message)
  }

  #overloaded(ops: number, bytes: number): PersistencyError {
    const { jobId, maxBytes, maxOps } = this.#options
    const message =
      `job "${jobId}" has no room for ${ops} operations of ${bytes} bytes: ` +
      `${this.#ops} of ${maxOps} operations and ${this.#bytes} of ${maxBytes} bytes are waiting for their commit`
    return new PersistencyError('ERR_OVERLOADED', message)
  }
}
