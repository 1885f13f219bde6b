/** Owns a worker thread as seen from the thread that starts it: its life, its end, and the contexts it serves. */
import { Worker } from 'node:worker_threads'
import { type Result, ResultAsync } from 'neverthrow'
import { BrokerContext } from '../brokers/context.js'
import type { BrokerHub } from '../brokers/hub.js'
import { RequestBroker } from '../brokers/request-broker.js'
import type { Routes } from './carried.js'
import { ReleaseContext, ServeContext, STOPPED, StopWorker, type WorkerStart } from './control.js'
import { drainOnExit, undrain } from './exit-drain.js'
import { Link } from './link.js'

export interface WorkerHostOptions {
  /** Name of the thread in debuggers and process listings. */
  readonly name?: string
  /** Flags for the thread, as in `execArgv` of `Worker`. Default none: a worker inherits no loaders or test flags. */
  readonly execArgv?: readonly string[]
}

/** How a worker ended. */
export interface WorkerExit {
  /** Whether the end was asked for with `stop()`. */
  readonly expected: boolean
  readonly code: number
  /** What the worker died of, when it threw. */
  readonly error: unknown
}

/** A context that a worker serves. */
export interface ServedContext {
  /** Has the worker close the context, after everything sent to it before. Repeating it is harmless. */
  release(): ResultAsync<void, unknown>
}

/** How long a stopped worker may take to end before it is terminated, in milliseconds. */
const STOP_TIMEOUT_MS = 5000

export class WorkerHost {
  /** Resolves when the thread has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<WorkerExit>
  readonly #hub: BrokerHub
  readonly #worker: Worker
  readonly #link: Link
  readonly #control = BrokerContext.create('worker control')
  readonly #requests: RequestBroker
  readonly #state = new Int32Array(new SharedArrayBuffer(4))
  #stopping: Promise<void> | undefined
  #ended = false
  #error: unknown

  /** Starts a thread that runs `entry`, a module which calls `serveBrokers`. */
  constructor(entry: URL, hub: BrokerHub, options: WorkerHostOptions = {}) {
    this.#hub = hub
    this.#requests = new RequestBroker(hub, this.#control)
    const workerData: WorkerStart = {
      control: this.#control.toJSON(),
      state: this.#state.buffer as SharedArrayBuffer
    }
    this.#worker = new Worker(entry, {
      workerData,
      execArgv: [...(options.execArgv ?? [])],
      ...(options.name !== undefined && { name: options.name })
    })
    // The thread keeps the process alive only while it has something to do.
    this.#worker.unref()
    this.#link = new Link(this.#worker, hub, {
      maxFramesInFlight: 2,
      acknowledgeEvery: 16,
      onBusy: (busy) => (busy ? this.#worker.ref() : this.#worker.unref()),
      onFault: () => void this.#worker.terminate()
    })
    this.#link.route(this.#control, { send: [ServeContext, ReleaseContext, StopWorker], receive: [] })
    this.#worker.on('error', (error) => {
      this.#error = error
    })
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => resolve(this.#onExit(code)))
    })
    drainOnExit(this)
  }

  /**
   * Has the worker set up a context, and carries its messages until it is released.
   *
   * Errors: whatever the worker's set-up answered or threw; `BrokerError` `disconnected` when the worker died, with
   * what it died of as `cause`, and `timeout`.
   */
  serve(
    context: BrokerContext,
    data: unknown,
    routes: Routes,
    timeoutMs: number
  ): ResultAsync<ServedContext, unknown> {
    return this.#requests
      .request(ServeContext, { context: context.toJSON(), data }, { timeoutMs })
      .map(() => this.#served(context, this.#link.route(context, routes)))
  }

  /** Ends the thread after everything sent to it; terminates it when that takes over five seconds. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Tells the thread to finish and end, without waiting. */
  beginDrain(): void {
    this.#hub.emit(this.#control, StopWorker, undefined)
    this.#link.flush()
  }

  /** Blocks this thread until the worker has finished, or `deadline` has passed. */
  awaitDrain(deadline: number): void {
    while (Atomics.load(this.#state, 0) !== STOPPED) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) return
      Atomics.wait(this.#state, 0, 0, leftMs)
    }
  }

  async #stop(): Promise<void> {
    if (this.#ended) return
    this.#worker.ref()
    this.beginDrain()
    const timer = setTimeout(() => void this.#worker.terminate(), STOP_TIMEOUT_MS)
    await this.exited
    clearTimeout(timer)
  }

  #served(context: BrokerContext, unroute: () => void): ServedContext {
    let released: ResultAsync<void, unknown> | undefined
    const release = async (): Promise<Result<void, unknown>> => {
      const options = { timeoutMs: Number.POSITIVE_INFINITY }
      const result = await this.#requests.request(ReleaseContext, { contextId: context.id }, options)
      // Only now: what the worker had to say before its answer has been delivered.
      unroute()
      return result
    }
    return {
      release() {
        released ??= new ResultAsync(release())
        return released
      }
    }
  }

  #onExit(code: number): WorkerExit {
    this.#ended = true
    undrain(this)
    const expected = this.#stopping !== undefined
    const reason = expected ? 'the worker thread was stopped' : `the worker thread ended with code ${code}`
    this.#link.close(reason, this.#error)
    return { expected, code, error: this.#error }
  }
}
