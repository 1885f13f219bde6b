/** Owns the worker's side: sets up contexts when the host asks for them, and ends the thread cleanly. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { err, ok, type Result } from 'neverthrow'
import { BrokerContext, type BrokerContextData } from '../brokers/context.js'
import type { RequestDefinition } from '../brokers/definitions.js'
import { BrokerHub } from '../brokers/hub.js'
import type { Call } from '../brokers/provider.js'
import type { Routes } from './carried.js'
import { ReleaseContext, ServeContext, STOPPED, StopWorker, type WorkerStart } from './control.js'
import { Link } from './link.js'
import { Poller } from './poller.js'

/** What a worker sets up for one context. */
export interface Service {
  /** What it exchanges with the thread that started it. */
  readonly routes: Routes
  /** Finishes what was accepted and lets go of everything. Called once. */
  close(): void | Promise<void>
}

/** Asks for one context to be served. */
export interface ServeCall {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  /** What the host passed to `serve`. */
  readonly data: unknown
}

/**
 * Sets up one context: registers listeners and providers with the hub. An `Err`, a throw or a rejection becomes the
 * error of the host's `serve` call; it must be cloneable.
 */
export type Setup = (call: ServeCall) => Result<Service, unknown> | Promise<Result<Service, unknown>>

/**
 * Turns this worker thread into a server of broker contexts. Call it once, at the top level of a worker module that a
 * `WorkerHost` starts.
 *
 * @throws Error when called on the main thread or in a worker that no host started
 */
export function serveBrokers(setup: Setup): void {
  const start = workerData as WorkerStart | undefined
  if (parentPort === null || start?.control === undefined) {
    throw new Error('serveBrokers() belongs into a worker module that is started by a WorkerHost')
  }
  new ServedThread(parentPort, start, setup).open(start.control)
}

class ServedThread {
  readonly #hub = BrokerHub.default
  readonly #port: MessagePort
  readonly #setup: Setup
  readonly #state: Int32Array
  readonly #link: Link
  readonly #services = new Map<string, { service: Service; unroute: () => void }>()

  constructor(port: MessagePort, start: WorkerStart, setup: Setup) {
    this.#port = port
    this.#setup = setup
    this.#state = new Int32Array(start.state)
    // The host waits for each frame to be worked off, so each is acknowledged; answers leave as soon as they are there.
    const options = { maxFramesInFlight: Number.POSITIVE_INFINITY, acknowledgeEvery: 1 }
    this.#link = new Link(port, this.#hub, {
      ...options,
      onFault: (fault) => {
        throw fault
      }
    })
    const poller = new Poller(
      port,
      (frame) => this.#link.receive(frame),
      () => !this.#link.busy
    )
    port.on('message', () => poller.afterFrame())
  }

  open(control: BrokerContextData): void {
    const context = BrokerContext.from(control)
    this.#answer(context, ServeContext, (request) => this.#serve(request.context, request.data))
    this.#answer(context, ReleaseContext, (request) => this.#release(request.contextId))
    this.#hub.listen(context, StopWorker, () => this.#stop())
    this.#link.route(context, { send: [], receive: [ServeContext, ReleaseContext, StopWorker] })
    process.once('exit', () => this.#markStopped())
  }

  #answer<Payload, Response>(
    context: BrokerContext,
    request: RequestDefinition<Payload, Response, unknown>,
    work: (payload: Payload) => Promise<Result<Response, unknown>>
  ): void {
    this.#hub.provide(context, request, (payload, call: Call) => {
      work(payload as Payload).then(
        (result) => (result.isOk() ? call.resolve(result.value) : call.reject(result.error)),
        (thrown: unknown) => call.reject(thrown)
      )
    })
  }

  async #serve(contextData: BrokerContextData, data: unknown): Promise<Result<void, unknown>> {
    const context = BrokerContext.from(contextData)
    const result = await this.#setup({ hub: this.#hub, context, data })
    if (result.isErr()) return err(result.error)
    const unroute = this.#link.route(context, result.value.routes)
    this.#services.set(context.id, { service: result.value, unroute })
    return ok(undefined)
  }

  async #release(contextId: string): Promise<Result<void, unknown>> {
    const served = this.#services.get(contextId)
    this.#services.delete(contextId)
    try {
      await served?.service.close()
    } finally {
      served?.unroute()
    }
    return ok(undefined)
  }

  async #stop(): Promise<void> {
    try {
      await Promise.all([...this.#services.keys()].map((contextId) => this.#release(contextId)))
    } finally {
      this.#link.flush()
      this.#link.close('the worker was stopped')
      this.#markStopped()
      this.#port.close()
    }
  }

  #markStopped(): void {
    Atomics.store(this.#state, 0, STOPPED)
    Atomics.notify(this.#state, 0)
  }
}
