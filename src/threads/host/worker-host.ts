/** Owns a worker thread as seen from the thread that starts it: its life, its end, and the contexts it serves. */
import { MessageChannel, type WorkerOptions } from 'node:worker_threads'
import { errAsync, type ResultAsync } from 'neverthrow'
import { checkOptionNames } from '../../brokers/check-options.js'
import { BrokerContext } from '../../brokers/context.js'
import type { BrokerError } from '../../brokers/errors.js'
import { BrokerHub } from '../../brokers/hub.js'
import { RequestBroker } from '../../brokers/request-broker.js'
import { runOutside } from '../../runtime/outside.js'
import type { ModuleUrl } from '../../runtime/platform.js'
import {
  CONTROL_CONTRACT,
  ConnectPeer,
  nameOf,
  type PeerRequest,
  STATE_BYTES,
  StateIndex,
  StopWorker,
  type WorkerStart
} from '../control.js'
import { type CarriedMessage, isSameMessage, type ThreadContract } from '../link/carried.js'
import { checkBothWays, goesBothWays } from '../link/check-contract.js'
import { ringMemory } from '../port/ring.js'
import { RingPort } from '../port/ring-port.js'
import { Wakefulness } from '../port/wakefulness.js'
import { startFailed } from '../start-failed.js'
import type { ContextHost, WorkerExit } from './context-host.js'
import { checkEntry } from './entry.js'
import { type Drainable, drainOnExit, undrain } from './exit-drain.js'
import { asBrokerError, gone, HostContexts, NO_LIMIT, type ServedContext } from './host-contexts.js'
import { checkMaxPending, DEFAULT_MAX_PENDING_REQUESTS, HostLinks } from './host-links.js'
import { isOutOfMemory, notLoaded, wasEnded } from './not-loaded.js'
import { TerminableWorker } from './terminable-worker.js'

/** How much memory a thread may use, in megabytes; see `resourceLimits` of Node's `Worker`. */
export interface ThreadLimits {
  readonly maxOldGenerationSizeMb?: number | undefined
  readonly maxYoungGenerationSizeMb?: number | undefined
  readonly codeRangeSizeMb?: number | undefined
  readonly stackSizeMb?: number | undefined
}

export interface WorkerHostOptions {
  /** The hub whose messages are carried. Default: the one of this thread. */
  readonly hub?: BrokerHub | undefined
  /** Name of the thread in debuggers and process listings. */
  readonly name?: string | undefined
  /** Flags for the thread, as in `execArgv` of `Worker`. Default none: a worker inherits neither flags nor loaders. */
  readonly execArgv?: readonly string[] | undefined
  /** Memory limits of the thread, as in `Worker`; a thread that goes over them dies alone. */
  readonly resourceLimits?: ThreadLimits | undefined
  /** Requests that may wait for the worker; more are refused with `overloaded`. Default 65 536. */
  readonly maxPendingRequests?: number | undefined
  /**
   * Has the contexts of the worker take turns, so that a busy one cannot keep the others waiting. Messages then keep
   * their order within a context but not across contexts, and `maxPendingRequests` is for each context.
   * Default `false`.
   */
  readonly fair?: boolean | undefined
}

export const HOST_OPTIONS = [
  'hub',
  'name',
  'execArgv',
  'resourceLimits',
  'maxPendingRequests',
  'fair'
] as const satisfies readonly (keyof WorkerHostOptions)[]

/** The messages of one context that two workers exchange directly. */
export interface PeerRoutes {
  /** Sent by the first worker, received by the second. */
  readonly forth: readonly CarriedMessage[]
  /** Sent by the second worker, received by the first. */
  readonly back: readonly CarriedMessage[]
}

/**
 * How long a stopped worker may take to end, in milliseconds: before it is asked to give up what it waits for, and before it
 * is terminated. Terminating is a last resort: it may crash the process when the thread is in native code.
 */
const STOP_HURRY_MS = 4000
const STOP_TIMEOUT_MS = 8000

const NOT_CONNECTED = 'the workers could not be connected'

let lastPeer = 0

/**
 * A worker thread that serves broker contexts; see {@link startWorker} for the usual way to get one.
 *
 * The thread keeps the process alive only while it has work. When it dies, every request under way ends with
 * `disconnected`, its stand-ins leave the hub, and `exited` resolves to the reason; it is not started again. When
 * the process ends by `process.exit`, by an uncaught exception or by itself, the worker first works off what it was
 * sent, for ten seconds at most.
 */
export class WorkerHost implements ContextHost {
  /** Resolves when the thread has ended, for whatever reason. Never rejects. */
  readonly exited: Promise<WorkerExit>
  readonly #hub: BrokerHub
  readonly #entry: ModuleUrl | string
  readonly #worker: TerminableWorker
  readonly #port: RingPort
  readonly #links: HostLinks
  readonly #contexts: HostContexts
  readonly #control = BrokerContext.create('worker control')
  readonly #requests: RequestBroker
  readonly #state = new Int32Array(new SharedArrayBuffer(STATE_BYTES))
  readonly #exitListeners = new Set<(exit: WorkerExit) => void>()
  readonly #exitDrain: Drainable = {
    worksHere: false,
    beginDrain: () => {
      Atomics.store(this.#state, StateIndex.exiting, 1)
      this.#links.dropUnfinished()
      this.#tellToStop()
    },
    awaitDrain: (deadline) => this.#awaitStopped(deadline),
    hurry: () => this.hurry()
  }
  #stopping: Promise<void> | undefined
  /** Why nothing can be served any more. */
  #end: BrokerError | undefined
  #error: unknown
  /** Whether the thread has begun to run JavaScript. */
  #online = false

  /**
   * Starts a thread that runs `entry`, a module which calls `serveBrokers`; see {@link startWorker} for what names one. Throws
   * what `Worker` throws, a RangeError for a wrong `maxPendingRequests`, and a TypeError for what is neither a URL nor a path,
   * and for an option with an unknown name.
   */
  constructor(entry: ModuleUrl | string, options: WorkerHostOptions = {}) {
    checkEntry(entry)
    checkOptionNames(options, HOST_OPTIONS, 'a worker')
    const { hub = BrokerHub.default, name, execArgv = [], resourceLimits, fair = false } = options
    checkMaxPending(options.maxPendingRequests)
    this.#hub = hub
    this.#entry = entry
    this.#requests = new RequestBroker(hub, this.#control)
    const workerData: WorkerStart = {
      control: this.#control.toJSON(),
      state: this.#state.buffer as SharedArrayBuffer,
      toWorker: ringMemory(),
      toHost: ringMemory()
    }
    const worker: WorkerOptions = {
      workerData,
      execArgv: [...execArgv],
      ...(name !== undefined && { name }),
      ...(resourceLimits !== undefined && { resourceLimits })
    }
    this.#worker = runOutside(() => new TerminableWorker(entry, worker))
    const { toWorker: out, toHost: incoming } = workerData
    this.#port = new RingPort({ port: this.#worker, out, in: incoming })
    this.#links = new HostLinks({
      port: this.#port,
      wakefulness: new Wakefulness(this.#port),
      hub,
      maxPendingRequests: options.maxPendingRequests ?? DEFAULT_MAX_PENDING_REQUESTS,
      onBusy: (busy) => (busy ? this.#worker.ref() : this.#worker.unref()),
      onFault: (fault) => {
        this.#error = fault
        this.#terminate()
      }
    })
    this.#contexts = new HostContexts({
      ...{ hub, control: this.#control, links: this.#links, lanes: fair },
      ended: () => this.#end
    })
    const { toWorker: send, toHost: receive } = CONTROL_CONTRACT
    // A context must be released even when more requests wait than may.
    this.#links.main.route(this.#control, { send, receive, unlimited: true })
    this.#worker.once('online', () => {
      this.#online = true
    })
    this.#worker.on('error', (error) => {
      this.#error = error
      // A worker out of memory cannot set the flag itself.
      if (isOutOfMemory(error)) this.#markStopped()
    })
    this.exited = new Promise((resolve) => {
      this.#worker.once('exit', (code) => resolve(this.#onExit(code)))
    })
    // Listening to a worker has it keep the process alive, and the links do.
    this.#worker.unref()
    drainOnExit(this.#exitDrain)
  }

  /**
   * Has the worker set up a context, and carries its messages until it is released.
   *
   * Errors: `startFailed` with the error that the set-up returned or threw as `cause`, or with what the module threw that could
   * not be loaded, or when the worker serves the context already or has not closed it yet; `disconnected` when the worker
   * died, with its error as `cause`; `timeout`; `alreadyProvided` and `alreadyHandled` when this thread provides or
   * handles what the worker is to.
   *
   * @throws TypeError for a contract that could not work, RangeError for a wrong time limit; the context is not taken then
   * @param onCarried called synchronously when messages of the context begin to be carried: what it sends comes before
   *   anything that others send
   */
  serve(
    context: BrokerContext,
    contract: ThreadContract,
    data: unknown,
    timeoutMs: number,
    onCarried?: () => void
  ): ResultAsync<ServedContext, BrokerError> {
    return this.#contexts.serve(context, contract, data, timeoutMs, onCarried)
  }

  /** @internal */
  onExit(listener: (exit: WorkerExit) => void): () => void {
    this.#exitListeners.add(listener)
    return () => void this.#exitListeners.delete(listener)
  }

  /**
   * Lets two workers exchange messages of a context directly, not through this thread. Both contracts must list the
   * messages. The workers need not serve the context; if one does, the link ends when that is released, and otherwise with
   * either worker. There is no time limit. What a worker gets through a link it does not pass on through another one.
   *
   * Errors: `startFailed` with the reason as `cause`, such as a message that is not in a contract, or one that the worker would
   * get twice, because it is linked already or this thread passes it on; `alreadyProvided` and `alreadyHandled` when a worker
   * itself provides or handles what it is to send; `disconnected`.
   *
   * @throws TypeError when the other worker is this one, or a request or signal is to go both ways
   */
  connect(other: WorkerHost, context: BrokerContext, routes: PeerRoutes): ResultAsync<void, BrokerError> {
    if (other === this) throw new TypeError('a worker cannot be connected with itself')
    checkBothWays({ forth: routes.forth, back: routes.back })
    const end = this.#end ?? other.#end
    if (end !== undefined) return errAsync(end)
    const twice = this.#passedOn(other, context, routes.forth) ?? other.#passedOn(this, context, routes.back)
    if (twice !== undefined) return errAsync(startFailed(NOT_CONNECTED, new Error(twice)))
    const { port1, port2 } = new MessageChannel()
    const id = ++lastPeer
    const forth = routes.forth.map(nameOf)
    const back = routes.back.map(nameOf)
    const peer = { id, context: context.toJSON() }
    const [mine, others] = [this.#control.id, other.#control.id]
    // The ports go first: neither side may send before the other listens.
    this.#port.postMessage({ peer: id, port: port1 }, [port1])
    other.#port.postMessage({ peer: id, port: port2 }, [port2])
    return other
      .#connectPeer({ ...peer, worker: mine, send: back, receive: forth })
      .andThen(() => this.#connectPeer({ ...peer, worker: others, send: forth, receive: back }))
      .mapErr((error) => {
        for (const host of [this, other]) host.#port.postMessage({ peer: id, port: undefined })
        // A worker that ends takes the control context along.
        return error.kind === 'noProvider' ? (this.#end ?? other.#end ?? error) : error
      })
  }

  /** Why a message would come twice to a worker that got it by a link: this thread takes it there already. */
  #passedOn(to: WorkerHost, context: BrokerContext, messages: readonly CarriedMessage[]): string | undefined {
    if (this.#hub !== to.#hub) return undefined
    const from = this.#contexts.contractOf(context)?.toHost ?? []
    const on = to.#contexts.contractOf(context)?.toWorker ?? []
    const among = (list: readonly CarriedMessage[], one: CarriedMessage): boolean =>
      list.some((other) => isSameMessage(one, other))
    const twice = messages.find((one) => goesBothWays(one) && among(from, one) && among(on, one))
    return twice === undefined
      ? undefined
      : `the thread of the host takes ${twice.kind} "${twice.name}" from one to the other already`
  }

  /** Resolves when the worker has worked off everything sent so far; for emitters that must not get too far ahead. */
  drained(): Promise<void> {
    return this.#links.drained()
  }

  /** Ends the thread after everything sent to it; terminates it when that takes over eight seconds. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Whether the module of the thread has come to `serveBrokers`. @internal */
  get loaded(): boolean {
    return Atomics.load(this.#state, StateIndex.serving) === 1
  }

  /** @internal */
  hurry(): void {
    Atomics.store(this.#state, StateIndex.urgent, 1)
  }

  /** Blocks until the worker has stopped; `false` when `deadline` comes first. */
  #awaitStopped(deadline: number): boolean {
    // A module that has not called `serveBrokers` was sent nothing, and may never call it.
    if (!this.loaded) return true
    while (Atomics.load(this.#state, StateIndex.stopped) === 0) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) return false
      Atomics.wait(this.#state, StateIndex.stopped, 0, leftMs)
    }
    return true
  }

  #tellToStop(): void {
    // What was sent to the contexts goes first.
    this.#links.flush()
    this.#hub.emit(this.#control, StopWorker, undefined)
    this.#links.main.flush()
  }

  /** A terminated thread finishes nothing, so an exit of the process must not wait for it. */
  #terminate(): void {
    this.#markStopped()
    void this.#worker.terminate()
  }

  #markStopped(): void {
    Atomics.store(this.#state, StateIndex.stopped, 1)
  }

  async #stop(): Promise<void> {
    if (this.#end !== undefined) return
    this.#worker.ref()
    this.#tellToStop()
    const hurry = setTimeout(() => this.hurry(), STOP_HURRY_MS)
    const terminate = setTimeout(() => this.#terminate(), STOP_TIMEOUT_MS)
    await this.exited
    clearTimeout(hurry)
    clearTimeout(terminate)
  }

  #connectPeer(request: PeerRequest): ResultAsync<void, BrokerError> {
    return this.#requests
      .request(ConnectPeer, request, NO_LIMIT)
      .mapErr((error) => asBrokerError(NOT_CONNECTED, error))
  }

  #onExit(code: number): WorkerExit {
    // The last answers may still be in the ring.
    this.#port.drain()
    undrain(this.#exitDrain)
    const expected = this.#stopping !== undefined
    const reason = expected ? 'the worker thread was stopped' : `the worker thread ended with code ${code}`
    const exit = { expected, code, error: this.#error }
    const failedToLoad =
      !expected && !this.loaded && !wasEnded(this.#worker.terminated, this.#error, this.#online)
    this.#end = failedToLoad ? notLoaded(this.#entry, code, this.#error) : gone()
    for (const tell of this.#exitListeners) tell(exit)
    this.#links.close(reason, this.#error)
    return exit
  }
}
