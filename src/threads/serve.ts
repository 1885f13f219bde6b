/** Owns the worker's side: sets up contexts when the host asks for them, and ends the thread cleanly. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { err, ok, type Result } from 'neverthrow'
import { BrokerContext, type BrokerContextData } from '../brokers/context.js'
import type { RequestDefinition } from '../brokers/definitions.js'
import { BrokerHub } from '../brokers/hub.js'
import type { ThreadContract } from './carried.js'
import {
  AbandonContext,
  CONTROL_CONTRACT,
  ConnectPeer,
  type PortDelivery,
  ReleaseContext,
  ServeContext,
  type ServeRequest,
  StateIndex,
  StopWorker,
  type WorkerStart
} from './control.js'
import { Link, type LinkOptions } from './link.js'
import { Peers } from './peers.js'
import { Poller } from './poller.js'
import { RingPort } from './ring-port.js'
import type { ThreadShare } from './rota.js'
import { type Lane, WorkerLanes } from './worker-lanes.js'

/** What a set-up may answer, to be told when its context is over. */
export interface Service {
  /** Finishes what was accepted and lets go of everything. Called once. */
  close(): void | Promise<void>
}

/** Asks for one context to be served. */
export interface ServeCall {
  readonly hub: BrokerHub
  readonly context: BrokerContext
  /** What the host passed along. */
  readonly data: unknown
  /**
   * Whether the host wants this thread to end now. Code that blocks the thread for long, waiting for a lock for
   * instance, must ask from time to time and give up.
   */
  readonly urgent: () => boolean
  /** How to leave others their turn; absent when the contexts of this thread do not take turns. */
  readonly share?: ThreadShare | undefined
}

/** What a set-up comes to: nothing, a service to be closed, or a `Result` of either. */
export type SetupAnswer = void | Service | Result<Service | void, unknown>

/**
 * Sets up one context: registers listeners, providers and handlers with the hub. An `Err`, a throw or a rejection
 * becomes the `cause` of the error that the host gets; it is cloned on its way.
 */
export type Setup = (call: ServeCall) => SetupAnswer | Promise<SetupAnswer>

/**
 * Turns this worker thread into a server of broker contexts. Call it once, at the top level of a worker module that
 * `startWorker` or a `WorkerHost` runs.
 *
 * @param contract what crosses between the two threads; both import the same one
 * @throws Error when called on the main thread or in a worker that no host started
 */
export function serveBrokers(contract: ThreadContract, setup: Setup): void {
  const start = workerData as WorkerStart | undefined
  if (parentPort === null || start?.control === undefined) {
    throw new Error('serveBrokers() belongs into a worker module that is started with startWorker()')
  }
  new ServedThread(parentPort, start, contract, setup).open(start.control)
}

interface Served {
  readonly service: Service | undefined
  readonly lane: Lane
  readonly unroute: () => void
}

/** A context that is being set up; given up when the host does not wait for it any more. */
interface SettingUp {
  givenUp: boolean
}

class ServedThread {
  readonly #hub = BrokerHub.default
  readonly #port: MessagePort
  readonly #contract: ThreadContract
  readonly #setup: Setup
  readonly #state: Int32Array
  readonly #link: Link
  readonly #lanes: WorkerLanes
  readonly #peers: Peers
  readonly #settingUp = new Map<string, SettingUp>()
  readonly #served = new Map<string, Served>()

  constructor(port: MessagePort, start: WorkerStart, contract: ThreadContract, setup: Setup) {
    this.#port = port
    this.#contract = contract
    this.#setup = setup
    this.#state = new Int32Array(start.state)
    this.#peers = new Peers(this.#hub, contract)
    // The host waits for each frame to be worked off, so each is acknowledged; answers leave as soon as they are there.
    const options: LinkOptions = {
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
      () => !this.#link.busy && this.#lanes.idle
    )
    port.on('message', () => poller.afterFrame())
  }

  open(control: BrokerContextData): void {
    const context = BrokerContext.from(control)
    this.#answer(context, ServeContext, (request) => this.#serve(request))
    this.#answer(context, ReleaseContext, (request) => this.#release(request.contextId))
    this.#answer(context, ConnectPeer, async (request) => this.#peers.connect(request))
    this.#hub.listen(context, AbandonContext, ({ contextId }) => this.#abandon(contextId))
    this.#hub.listen(context, StopWorker, () => this.#stop())
    this.#link.route(context, { send: CONTROL_CONTRACT.toHost, receive: CONTROL_CONTRACT.toWorker })
    process.once('exit', () => this.#markStopped())
  }

  #answer<Payload>(
    context: BrokerContext,
    request: RequestDefinition<Payload, void, unknown>,
    work: (payload: Payload) => Promise<Result<void, unknown>>
  ): void {
    this.#hub.provide(context, request, (payload, call) => {
      work(payload as Payload).then(
        (result) => (result.isOk() ? call.resolve(undefined) : call.reject(result.error)),
        (thrown: unknown) => call.reject(thrown)
      )
    })
  }

  async #serve({ context: contextData, data, lane: laneId }: ServeRequest): Promise<Result<void, unknown>> {
    const context = BrokerContext.from(contextData)
    const lane = laneId === undefined ? this.#mainLane : this.#lanes.open(laneId)
    const settingUp: SettingUp = { givenUp: false }
    this.#settingUp.set(context.id, settingUp)
    try {
      const { share } = lane
      const call = { hub: this.#hub, context, data, urgent: this.#urgent, share }
      const answer = await lane.run(() => this.#setup(call))
      if (isResult(answer) && answer.isErr()) {
        lane.close()
        return err(answer.error)
      }
      const service = isResult(answer) ? answer._unsafeUnwrap() : answer
      const { toHost: send, toWorker: receive } = this.#contract
      const unroute = lane.link.route(context, { send, receive })
      this.#served.set(context.id, { service: service ?? undefined, lane, unroute })
    } catch (thrown) {
      lane.close()
      throw thrown
    } finally {
      this.#settingUp.delete(context.id)
    }
    return settingUp.givenUp ? await this.#release(context.id) : ok(undefined)
  }

  /** Contexts without a lane of their own travel together. */
  get #mainLane(): Lane {
    return { link: this.#link, share: undefined, run: async (work) => await work(), close: () => {} }
  }

  async #release(contextId: string): Promise<Result<void, unknown>> {
    const served = this.#served.get(contextId)
    this.#served.delete(contextId)
    if (served === undefined) return ok(undefined)
    try {
      await served.lane.run(() => served.service?.close())
    } finally {
      served.unroute()
      served.lane.close()
    }
    return ok(undefined)
  }

  /** The host does not know whether the context is served: it is to be over either way. */
  #abandon(contextId: string): void {
    const settingUp = this.#settingUp.get(contextId)
    if (settingUp !== undefined) settingUp.givenUp = true
    else this.#release(contextId).catch(() => {})
  }

  async #stop(): Promise<void> {
    try {
      await Promise.all([...this.#served.keys()].map((contextId) => this.#release(contextId)))
    } finally {
      this.#peers.close()
      this.#link.flush()
      this.#link.close('the worker was stopped')
      this.#markStopped()
      this.#port.close()
    }
  }

  readonly #urgent = (): boolean => Atomics.load(this.#state, StateIndex.urgent) === 1

  #markStopped(): void {
    Atomics.store(this.#state, StateIndex.stopped, 1)
    Atomics.notify(this.#state, StateIndex.stopped)
  }
}

function isResult(answer: SetupAnswer): answer is Result<Service | void, unknown> {
  return typeof answer === 'object' && answer !== null && 'isErr' in answer
}
