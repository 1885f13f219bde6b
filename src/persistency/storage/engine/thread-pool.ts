/** Owns the storage threads of an engine: how many there are, if any, and which one serves which job. */
import type { BrokerHub } from '../../../brokers/hub.js'
import type { ContextHost } from '../../../threads/host/context-host.js'
import { LocalHost } from '../../../threads/host/local-host.js'
import { WorkerHost } from '../../../threads/host/worker-host.js'
import type { ThreadsOption } from '../../persistency-options.js'

/** Only when it is needed: where a bundle has no `import.meta.url`, this throws. */
const workerUrl = (): URL => new URL('../worker.js', import.meta.url)

export interface ThreadPoolOptions {
  readonly threads: ThreadsOption
  /** How many databases may be open at once, on all threads together; `Infinity` for no limit. */
  readonly maxOpenJobs: number
}

/** A place on a storage thread for one job. */
export interface Seat {
  readonly host: ContextHost
  /** How many databases may be open at once on this thread. */
  readonly maxOpen: number
  /**
   * Gives the place back; the thread ends with the last one, `giveUp` with what it is waiting for left undone. To be
   * called once.
   */
  leave(giveUp?: boolean): Promise<void>
}

/** What a job needs of a thread. */
export interface SeatRequest {
  readonly hub: BrokerHub
  readonly jobId: string
  /** Whether its database may be closed while it is idle. */
  readonly closable: boolean
}

interface PooledThread {
  readonly host: ContextHost
  readonly slot: number
  /** Jobs whose databases stay open, and jobs whose databases may be closed. */
  kept: number
  closable: number
}

/**
 * With dedicated threads there is a slot for each job; with shared ones a fixed number, and each has its share of the
 * cap; without threads a single one, which is this thread.
 */
export class ThreadPool {
  readonly #threadsOption: ThreadsOption
  readonly #maxOpenJobs: number
  readonly #slots: number
  readonly #threads = new Map<number, PooledThread>()
  #lastSlot = 0

  constructor({ threads, maxOpenJobs }: ThreadPoolOptions) {
    this.#threadsOption = threads
    this.#maxOpenJobs = maxOpenJobs
    // A thread on which no database may be open would be of no use.
    this.#slots = Math.min(most(threads), maxOpenJobs)
  }

  get #dedicated(): boolean {
    return this.#threadsOption === 'dedicated'
  }

  /** Takes a place, on the thread with the fewest jobs; `undefined` when the cap leaves none. Throws what `Worker` throws. */
  take(request: SeatRequest): Seat | undefined {
    const slot = this.#dedicated ? this.#newSlot() : this.#roomiestSlot(request.closable)
    if (slot === undefined) return undefined
    const thread = this.#threads.get(slot) ?? this.#start(slot, request)
    const side = request.closable ? 'closable' : 'kept'
    thread[side]++
    const leave = async (giveUp = false): Promise<void> => {
      thread[side]--
      if (jobsOf(thread) > 0) return
      this.#forget(thread)
      if (giveUp) thread.host.hurry()
      await thread.host.stop()
    }
    return { host: thread.host, maxOpen: this.#capOf(slot), leave }
  }

  #newSlot(): number | undefined {
    return this.#threads.size < this.#slots ? ++this.#lastSlot : undefined
  }

  #roomiestSlot(closable: boolean): number | undefined {
    if (this.#threads.size < this.#slots) return this.#freeSlot()
    let roomiest: PooledThread | undefined
    for (const thread of this.#threads.values()) {
      if (!this.#hasRoom(thread, closable)) continue
      if (roomiest === undefined || jobsOf(thread) < jobsOf(roomiest)) roomiest = thread
    }
    return roomiest?.slot
  }

  #freeSlot(): number {
    let slot = 0
    while (this.#threads.has(slot)) slot++
    return slot
  }

  /** Databases that stay open must leave room for one more if there are jobs that take turns. */
  #hasRoom(thread: PooledThread, closable: boolean): boolean {
    const kept = thread.kept + (closable ? 0 : 1)
    const turns = closable || thread.closable > 0 ? 1 : 0
    return kept + turns <= this.#capOf(thread.slot)
  }

  /** The cap is divided among the slots; the first ones have what is left over. */
  #capOf(slot: number): number {
    if (this.#dedicated) return 1
    if (this.#maxOpenJobs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    const share = Math.floor(this.#maxOpenJobs / this.#slots)
    return slot < this.#maxOpenJobs % this.#slots ? share + 1 : share
  }

  #start(slot: number, request: SeatRequest): PooledThread {
    const host = this.#host(slot, request)
    const thread = { host, slot, kept: 0, closable: 0 }
    this.#threads.set(slot, thread)
    // Before anybody else hears of it: who opens a job in answer to its failure gets another thread.
    void host.exited.then(() => this.#forget(thread))
    return thread
  }

  #host(slot: number, { hub, jobId }: SeatRequest): ContextHost {
    if (this.#threadsOption === 'none') {
      return new LocalHost(async () => (await import('../local-worker.js')).localWorker, hub)
    }
    const name = this.#dedicated ? `storage ${jobId}` : `storage ${slot + 1} of ${this.#slots}`
    return new WorkerHost(workerUrl(), { hub, name, fair: !this.#dedicated })
  }

  #forget(thread: PooledThread): void {
    if (this.#threads.get(thread.slot) === thread) this.#threads.delete(thread.slot)
  }
}

/** How many threads there may be. */
function most(threads: ThreadsOption): number {
  if (threads === 'none') return 1
  return threads === 'dedicated' ? Number.POSITIVE_INFINITY : threads.shared
}

function jobsOf({ kept, closable }: PooledThread): number {
  return kept + closable
}
