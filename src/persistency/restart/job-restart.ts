/**
 * Owns a job's part in its storage being started again: what is sent to the new one first, and when to give up. Knows no
 * threads.
 */
import type { BrokerContext } from '../../brokers/context.js'
import type { BrokerHub } from '../../brokers/hub.js'
import type { ListenerHandle } from '../../brokers/listener.js'
import type { RequestBroker } from '../../brokers/request-broker.js'
import type { PersistencyError } from '../errors.js'
import type { JobRestartedPayload } from '../message-payloads.js'
import { PersistCommitted, WritesSettled } from '../messages.js'
import type { RestartListener } from '../storage-engine.js'
import type { JobWrites } from '../writes/job-writes.js'
import { tellIfLost } from './lost-at-exit.js'
import { RepeatedCalls } from './repeated-calls.js'

/** So many threads are started one after another, each of which dies before it has done anything. */
const MAX_FRUITLESS = 3

export interface JobRestartParts {
  readonly jobId: string
  readonly hub: BrokerHub
  readonly context: BrokerContext
  readonly requests: RequestBroker
  readonly writes: JobWrites
  /** Everything has been sent to the new storage. */
  readonly onRestarted: (restarted: JobRestartedPayload) => void
}

/** Nothing is served. */
interface Down {
  readonly error: PersistencyError
  /** Of `performance.now()`. */
  readonly since: number
  readonly unwatchExit: () => void
}

export class JobRestart implements RestartListener {
  /** The calls of the job. */
  readonly calls: RepeatedCalls
  readonly #parts: JobRestartParts
  /** Threads that were started since the storage last got somewhere: a write was committed, or a call was answered. */
  #fruitless = 0
  readonly #listener: ListenerHandle
  #down: Down | undefined
  #ended = false
  /** Whether no write follows. */
  #final = false

  constructor(parts: JobRestartParts) {
    this.#parts = parts
    const { jobId, hub, context, requests, writes } = parts
    const progress = (): void => {
      this.#fruitless = 0
    }
    this.#listener = hub.listen(context, PersistCommitted, progress, { internal: true })
    this.calls = new RepeatedCalls({ jobId, requests, queue: writes.queue, onAnswered: progress })
  }

  interrupted(error: PersistencyError): boolean {
    const { jobId, writes } = this.#parts
    if (this.#ended || !this.#mayStart()) {
      this.#ended = true
      return false
    }
    this.calls.hold()
    const unserved = {
      jobId,
      get pending() {
        return writes.queue.unsettled.length
      }
    }
    this.#down ??= { error, since: performance.now(), unwatchExit: tellIfLost(unserved) }
    return true
  }

  resumed(): void {
    const down = this.#down
    if (down === undefined) return
    const { jobId, writes, onRestarted } = this.#parts
    this.#up()
    // Whoever hears of what is sent may write and ask: that comes behind, in its order.
    const resent = writes.beginSendingAgain()
    this.#tellSettled()
    this.#sendAll()
    this.calls.resume()
    writes.endSendingAgain()
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
    this.calls.end(error)
  }

  /**
   * Whether to start another thread; counts it. One that had nothing to do is given twice the chance: it may have died of
   * what another job did, which is given up first.
   */
  #mayStart(): boolean {
    const idle = this.calls.underWay === 0 && this.#parts.writes.queue.depth.ops === 0
    return ++this.#fruitless <= (idle ? 2 * MAX_FRUITLESS : MAX_FRUITLESS)
  }

  /** Sends writes and calls in the order in which they were made. */
  #sendAll(): void {
    const { writes } = this.#parts
    for (;;) {
      const seq = writes.nextToSend
      if (this.calls.sendOneBefore(seq ?? Number.POSITIVE_INFINITY)) continue
      if (seq === undefined) return
      writes.sendNext()
    }
  }

  #up(): void {
    this.#down?.unwatchExit()
    this.#down = undefined
  }

  #tellSettled(): void {
    const { jobId, hub, context, writes } = this.#parts
    const [first] = writes.queue.unsettled
    const lastSeq = first === undefined ? writes.queue.lastSeq : first.seq - 1
    hub.emit(context, WritesSettled, { jobId, lastSeq, final: this.#final })
  }
}
