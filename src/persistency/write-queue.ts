/**
 * Owns the writes of a job between `persist` and their commit: their order, the limits of the queue, who waits for
 * room, and who waits for a commit. Knows neither brokers nor storage.
 */
import { PersistencyError } from './errors.js'
import { Fifo } from './fifo.js'
import type { PersistEventPayload } from './message-payloads.js'
import type { TxOp } from './types.js'

/** Learns how an accepted write ended: `undefined` when it was committed. */
export type Acknowledge = (error: PersistencyError | undefined, write: PersistEventPayload) => void

export interface WriteQueueOptions {
  readonly jobId: string
  readonly maxBytes: number
  readonly maxOps: number
  readonly whenFull: 'wait' | 'refuse'
  /** Answers operations to be kept in place of those given, whose bytes belong to the caller. Default: as they are. */
  readonly own?: ((ops: readonly TxOp[]) => readonly TxOp[]) | undefined
  /** Passes an accepted write on. Called in the order of acceptance. */
  readonly accept: (write: PersistEventPayload) => void
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

/** What an operation counts for besides its keys and payload: the objects that carry it. */
const OP_OVERHEAD_BYTES = 64

/**
 * So many operations are let in before the event loop gets a turn: a producer that awaits each write would otherwise
 * hold it until the queue is full, and a commit that makes room would let everyone in at once.
 */
const BURST_OPS = 1000

export class WriteQueue {
  readonly #options: WriteQueueOptions
  readonly #accepted = new Fifo<PersistEventPayload>()
  readonly #acknowledgements = new Map<number, Acknowledge>()
  readonly #waiters = new Fifo<Waiter>()
  readonly #idle: (() => void)[] = []
  #bytes = 0
  #ops = 0
  #lastSeq = 0
  /** Operations accepted since the last pause, and the pause that is under way. */
  #burst = 0
  #pause: Promise<undefined> | undefined
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
    return this.#lastSeq
  }

  /** Whether somebody waits for room; reads must then wait in line as well. */
  get crowded(): boolean {
    return this.#waiters.size > 0
  }

  /**
   * Accepts a write, now if there is room. Answers `undefined` when it was accepted, an error when it was refused,
   * or a promise of either when it has to wait. After many writes that nobody waits for, the promise is one for all
   * that are accepted until the event loop has had a turn.
   */
  submit(
    ops: readonly TxOp[],
    acknowledge?: Acknowledge
  ): PersistencyError | undefined | Promise<PersistencyError | undefined> {
    if (this.#failure !== undefined) return this.#failure
    const bytes = sizeOf(ops)
    if (!this.crowded && this.#hasRoom(bytes, ops.length)) {
      this.#accept(ops, bytes, acknowledge)
      if (acknowledge !== undefined) return undefined
      this.#burst += ops.length
      return this.#burst < BURST_OPS ? undefined : this.#paused()
    }
    if (this.#options.whenFull === 'refuse') return this.#overloaded(ops.length, bytes)
    return new Promise((resolve) => {
      this.#waiters.push({
        bytes,
        ops: ops.length,
        run: () => {
          this.#accept(ops, bytes, acknowledge)
          resolve(undefined)
        },
        fail: resolve
      })
    })
  }

  /** Runs `run` after everything submitted before has been accepted; `fail` instead when the queue fails first. */
  inLine(run: () => void, fail: (error: PersistencyError) => void): void {
    if (this.crowded) this.#waiters.push({ bytes: 0, ops: 0, run, fail })
    else run()
  }

  /** All writes up to `lastSeq` that have not failed are committed. */
  committed(lastSeq: number): void {
    while (this.#accepted.size > 0 && (this.#accepted.first as PersistEventPayload).seq <= lastSeq) {
      this.#settle(this.#accepted.shift() as PersistEventPayload, undefined)
    }
    this.#advance()
  }

  /**
   * A write could not be applied. Answers whether its caller was told; if not, the write is lost without anybody
   * having asked.
   */
  failed(seq: number, error: PersistencyError): boolean {
    // Writes before it in the same transaction are not known to be committed yet; only this one is decided.
    const write = this.#accepted.removeWhere((candidate) => candidate.seq === seq)
    const answered = write !== undefined && this.#settle(write, error)
    this.#advance()
    return answered
  }

  /**
   * The storage is gone. Fails everyone who waits, and answers the accepted writes that are lost, with whether
   * their callers were told.
   */
  fail(error: PersistencyError): { readonly write: PersistEventPayload; readonly answered: boolean }[] {
    this.#failure = error
    const lost: { write: PersistEventPayload; answered: boolean }[] = []
    while (this.#accepted.size > 0) {
      const write = this.#accepted.shift() as PersistEventPayload
      lost.push({ write, answered: this.#settle(write, error) })
    }
    while (this.#waiters.size > 0) this.#waiters.shift()?.fail(error)
    this.#advance()
    return lost
  }

  /** The accepted writes without an outcome, in order. */
  get unsettled(): readonly PersistEventPayload[] {
    return this.#accepted.items
  }

  /** Resolves when every accepted write has an outcome and nothing waits for room. */
  async allSettled(): Promise<void> {
    while (this.#ops > 0 || this.crowded) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  /** Resolves when nothing waits for room any more. */
  async lineCleared(): Promise<void> {
    while (this.crowded) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #accept(ops: readonly TxOp[], bytes: number, acknowledge: Acknowledge | undefined): void {
    const { jobId, own } = this.#options
    const write = { jobId, seq: ++this.#lastSeq, ops: own === undefined ? ops : own(ops), bytes }
    this.#bytes += bytes
    this.#ops += ops.length
    this.#accepted.push(write)
    if (acknowledge !== undefined) this.#acknowledgements.set(write.seq, acknowledge)
    this.#options.accept(write)
  }

  #settle(write: PersistEventPayload, error: PersistencyError | undefined): boolean {
    this.#bytes -= write.bytes
    this.#ops -= write.ops.length
    if (this.#acknowledgements.size === 0) return false
    const acknowledge = this.#acknowledgements.get(write.seq)
    if (acknowledge === undefined) return false
    this.#acknowledgements.delete(write.seq)
    acknowledge(error, write)
    return true
  }

  /** Lets those in who wait and for whom there is room, a burst at a time. */
  #advance(): void {
    if (this.#advancing) return
    for (let admitted = 0; this.#waiters.size > 0; ) {
      const { bytes, ops } = this.#waiters.first as Waiter
      if (!this.#hasRoom(bytes, ops)) return
      if (admitted >= BURST_OPS) {
        this.#advanceLater()
        return
      }
      admitted += ops
      this.#waiters.shift()?.run()
    }
    for (const wake of this.#idle.splice(0)) wake()
  }

  #advanceLater(): void {
    this.#advancing = true
    setImmediate(() => {
      this.#advancing = false
      this.#advance()
    })
  }

  #paused(): Promise<undefined> {
    this.#pause ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#burst = 0
        this.#pause = undefined
        resolve(undefined)
      })
    })
    return this.#pause
  }

  /** A write larger than the whole queue is let in when the queue is empty: it could never enter otherwise. */
  #hasRoom(bytes: number, ops: number): boolean {
    if (this.#ops === 0) return true
    return this.#bytes + bytes <= this.#options.maxBytes && this.#ops + ops <= this.#options.maxOps
  }

  #overloaded(ops: number, bytes: number): PersistencyError {
    const { jobId, maxBytes, maxOps } = this.#options
    const message =
      `job "${jobId}" has no room for ${ops} operations of ${bytes} bytes: ` +
      `${this.#ops} of ${maxOps} operations and ${this.#bytes} of ${maxBytes} bytes are waiting for their commit`
    return new PersistencyError('ERR_OVERLOADED', message)
  }
}

/** What operations count for in the limits of a queue. */
export function sizeOf(ops: readonly TxOp[]): number {
  let bytes = 0
  for (const op of ops) {
    bytes += OP_OVERHEAD_BYTES
    if (op.kind === 'put') bytes += op.key.bytes.length + op.payload.length
    else if (op.kind === 'check') bytes += op.key.bytes.length + (op.equals?.length ?? 0)
    else bytes += op.kind === 'delete' ? op.key.bytes.length : op.prefix.bytes.length
  }
  return bytes
}
