/** Owns a worker thread from the inside: its links to host and peers, its contexts, and its stop. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { BrokerContext, type BrokerContextData } from '../../brokers/context.js'
import { BrokerHub } from '../../brokers/hub.js'
import {
  CONTROL_CONTRACT,
  ConnectPeer,
  type PortDelivery,
  StateIndex,
  StopWorker,
  type WorkerStart
} from '../control.js'
import type { ThreadContract } from '../link/carried.js'
import { checkContract } from '../link/check-contract.js'
import { Link, type LinkOptions } from '../link/link.js'
import { Poller } from '../port/poller.js'
import { RingPort } from '../port/ring-port.js'
import { Peers } from './peers.js'
import type { Setup } from './setup.js'
import { answerWith, WorkerContexts } from './worker-contexts.js'
import { type WorkerLane, WorkerLanes } from './worker-lanes.js'

/**
 * Turns this worker thread into a server of broker contexts. Call it once, at the top level of a worker module that
 * `startWorker` or a `WorkerHost` runs.
 *
 * @param contract the messages that host and worker exchange; both import the same one
 * @throws Error when called on the main thread, in a worker that no host started, or a second time; TypeError for a contract that
 *   could not work
 */
export function serveBrokers<Data = unknown>(contract: ThreadContract, setup: Setup<Data>): void {
  const start = workerData as WorkerStart | undefined
  if (parentPort === null || start?.control === undefined) {
    throw new Error('serveBrokers() belongs into a worker module that is started with startWorker()')
  }
  if (Atomics.load(new Int32Array(start.state), StateIndex.serving) === 1) {
    throw new Error(
      'serveBrokers() has been called in this thread; a worker serves one contract, with all its messages'
    )
  }
  checkContract(contract)
  new WorkerThread(parentPort, start, contract, setup as Setup).open(start.control)
}

class WorkerThread {
  readonly #hub = BrokerHub.default
  readonly #port: MessagePort
  readonly #state: Int32Array
  readonly #link: Link
  readonly #lanes: WorkerLanes
  readonly #peers: Peers
  readonly #served: WorkerContexts
  /** Made once: a stop may be followed by an exit of the process, which asks for it again. */
  #stopping: Promise<void> | undefined

  constructor(port: MessagePort, start: WorkerStart, contract: ThreadContract, setup: Setup) {
    this.#port = port
    this.#state = new Int32Array(start.state)
    this.#peers = new Peers(this.#hub, contract, this)
    // The host waits until a frame is worked off, so each is acknowledged; answers leave at once.
    // What comes from the host or another worker, the host or that worker has sent to all who are to get it.
    const options: LinkOptions = {
      origin: this,
      maxFramesInFlight: Number.POSITIVE_INFINITY,
      acknowledgeEvery: 1,
      onFault: (fault) => {
        throw fault
      }
    }
    const takeParcel = (): unknown => receiveMessageOnPort(port)?.message
    const ringPort = new RingPort({ port, out: start.toHost, in: start.toWorker, takeParcel })
    this.#lanes = new WorkerLanes(ringPort, this.#hub, options)
    this.#link = new Link(ringPort, this.#hub, {
      ...options,
      takeNext: () => ringPort.nextOfAll(),
      onOther: (value) => {
        if (!this.#lanes.take(value)) this.#peers.deliver(value as PortDelivery<MessagePort>)
      }
    })
    const poller = new Poller(
      ringPort,
      (value) => {
        this.#link.take(value)
        this.#lanes.workNow()
      },
      () => this.#stopping === undefined && !this.#link.busy && this.#lanes.idle
    )
    port.on('message', () => poller.afterFrame())
    this.#served = new WorkerContexts({
      ...{ hub: this.#hub, contract, setup, urgent: this.#urgent, exiting: this.#exiting },
      laneOf: (id) => (id === undefined ? this.#mainLane : this.#lanes.open(id)),
      onClosed: (context) => this.#peers.release(context)
    })
  }

  open(control: BrokerContextData): void {
    const context = BrokerContext.from(control)
    this.#served.answer(context)
    answerWith(this.#hub, context, ConnectPeer, async (request) => this.#peers.connect(request))
    this.#hub.listen(context, StopWorker, () => {
      this.#stopping ??= this.#stop()
      return this.#stopping
    })
    this.#link.route(context, { send: CONTROL_CONTRACT.toHost, receive: CONTROL_CONTRACT.toWorker })
    process.once('exit', () => this.#markStopped())
    Atomics.store(this.#state, StateIndex.serving, 1)
  }

  /** Contexts without a lane of their own travel together. */
  get #mainLane(): WorkerLane {
    return { link: this.#link, share: undefined, run: async (work) => await work(), close: () => {} }
  }

  async #stop(): Promise<void> {
    try {
      await this.#served.releaseAll()
    } finally {
      this.#peers.close()
      this.#link.flush()
      this.#link.close('the worker was stopped')
      this.#markStopped()
      this.#port.close()
    }
  }

  readonly #urgent = (): boolean => Atomics.load(this.#state, StateIndex.urgent) === 1

  readonly #exiting = (): boolean => Atomics.load(this.#state, StateIndex.exiting) === 1

  #markStopped(): void {
    Atomics.store(this.#state, StateIndex.stopped, 1)
    Atomics.notify(this.#state, StateIndex.stopped)
  }
}
