/**
 * Owns serving contexts without a worker: on this thread, through the same frames and in the same turns as on a worker. This
 * side is that of the callers; the other one, which does the work, is loaded when the first context is served.
 */
import { ResultAsync } from 'neverthrow'
import { BrokerContext } from '../../brokers/context.js'
import type { BrokerError } from '../../brokers/errors.js'
import { BrokerHub } from '../../brokers/hub.js'
import { queueMicrotask } from '../../runtime/event-loop.js'
import { runOutside } from '../../runtime/outside.js'
import type { ThreadContract } from '../link/carried.js'
import type { LocalSide, LocalWorker } from '../local-side.js'
import type { LaneFrame, SharedPort } from '../port/lanes.js'
import type { LinkPort, PortEvent } from '../port/link-port.js'
import type { ContextHost, WorkerExit } from './context-host.js'
import { type Drainable, drainOnExit, undrain } from './exit-drain.js'
import { asBrokerError, gone, HostContexts, type ServedContext } from './host-contexts.js'
import { DEFAULT_MAX_PENDING_REQUESTS, HostLinks } from './host-links.js'

export class LocalHost implements ContextHost {
  readonly exited: Promise<WorkerExit>
  readonly #load: () => Promise<LocalWorker>
  readonly #inner = new BrokerHub()
  readonly #control = BrokerContext.create('local control')
  readonly #links: HostLinks
  readonly #contexts: HostContexts
  readonly #port: LocalPort
  readonly #exitListeners = new Set<(exit: WorkerExit) => void>()
  readonly #exitDrain: Drainable = {
    worksHere: true,
    beginDrain: () => {
      this.#links.dropUnfinished()
      this.#links.flush()
    },
    awaitDrain: (deadline) => this.#side?.finish(deadline) ?? true,
    hurry: () => this.hurry()
  }
  #starting: Promise<void> | undefined
  #side: LocalSide | undefined
  #ended = false
  #exit: (exit: WorkerExit) => void = () => {}

  /** @param load returns the function that starts the other side; called when the first context is to be served */
  constructor(load: () => Promise<LocalWorker>, hub: BrokerHub = BrokerHub.default) {
    this.#load = load
    this.#port = new LocalPort((value) => this.#side?.take(value))
    this.#links = new HostLinks({
      port: this.#port,
      hub,
      maxPendingRequests: DEFAULT_MAX_PENDING_REQUESTS,
      // Work under way waits for timers and the event loop, which keep the process alive by themselves.
      onBusy: () => {},
      onFault: (fault) => this.#end(fault)
    })
    this.#contexts = new HostContexts({
      ...{ hub: this.#inner, control: this.#control, links: this.#links, lanes: true },
      ended: () => (this.#ended ? gone() : undefined)
    })
    this.exited = new Promise((resolve) => {
      this.#exit = resolve
    })
    drainOnExit(this.#exitDrain)
  }

  serve(
    context: BrokerContext,
    contract: ThreadContract,
    data: unknown,
    timeoutMs: number,
    onCarried?: () => void
  ): ResultAsync<ServedContext, BrokerError> {
    this.#starting ??= runOutside(() => this.#start())
    return ResultAsync.fromPromise(this.#starting, (thrown) =>
      asBrokerError(`context ${context.toString()} could not be set up`, thrown)
    ).andThen(() => this.#contexts.serve(context, contract, data, timeoutMs, onCarried))
  }

  onExit(listener: (exit: WorkerExit) => void): () => void {
    this.#exitListeners.add(listener)
    return () => void this.#exitListeners.delete(listener)
  }

  async stop(): Promise<void> {
    this.#end(undefined)
  }

  get loaded(): boolean {
    return this.#side !== undefined
  }

  hurry(): void {
    this.#side?.hurry()
  }

  async #start(): Promise<void> {
    const worker = await this.#load()
    this.#side = worker({
      hub: this.#inner,
      control: this.#control,
      post: (value) => this.#port.deliver(value),
      onFault: (fault) => this.#end(fault)
    })
  }

  /** With a fault all contexts end, as when a worker dies. */
  #end(fault: unknown): void {
    if (this.#ended) return
    this.#ended = true
    undrain(this.#exitDrain)
    const exit: WorkerExit = {
      expected: fault === undefined,
      code: fault === undefined ? 0 : 1,
      error: fault
    }
    for (const tell of this.#exitListeners) tell(exit)
    this.#links.close(fault === undefined ? 'it was stopped' : 'the storage has failed', fault)
    if (fault !== undefined) this.#side?.abandon()
    this.#exit(exit)
  }
}

/**
 * Delivers to the other side at once, and to this side in a microtask: a listener must not be called in the midst of the
 * work that sent the frame, nor in its async context.
 */
class LocalPort implements LinkPort, SharedPort {
  readonly #send: (value: LaneFrame) => void
  #listener: ((value: unknown) => void) | undefined
  #arrived: LaneFrame[] = []

  constructor(send: (value: LaneFrame) => void) {
    this.#send = send
  }

  /** All values are frames of lanes here. */
  postMessage(value: unknown): void {
    this.#send(value as LaneFrame)
  }

  on(event: PortEvent, listener: (value: unknown) => void): void {
    if (event === 'message') this.#listener = listener
  }

  off(event: PortEvent): void {
    if (event === 'message') this.#listener = undefined
  }

  deliver(value: LaneFrame): void {
    if (this.#arrived.push(value) === 1) queueMicrotask(() => runOutside(this.#deliver))
  }

  readonly #deliver = (): void => {
    const arrived = this.#arrived
    this.#arrived = []
    for (const value of arrived) this.#listener?.(value)
  }
}
