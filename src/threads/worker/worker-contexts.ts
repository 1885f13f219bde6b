/** Owns the contexts that a worker serves: sets them up and closes them when the host asks for it. */
import { err, ok, type Result } from 'neverthrow'
import { BrokerContext } from '../../brokers/context.js'
import type { RequestDefinition } from '../../brokers/definitions.js'
import { BrokerError } from '../../brokers/errors.js'
import type { BrokerHub } from '../../brokers/hub.js'
import { isResult } from '../../runtime/is-result.js'
import { AbandonContext, ReleaseContext, ServeContext, type ServeRequest, servedAlready } from '../control.js'
import type { ThreadContract } from '../link/carried.js'
import type { LaneId } from '../port/lanes.js'
import { startFailed } from '../start-failed.js'
import type { Service, Setup, SetupAnswer } from './setup.js'
import type { WorkerLane } from './worker-lanes.js'

export interface WorkerContextsParts {
  readonly hub: BrokerHub
  readonly contract: ThreadContract
  readonly setup: Setup
  /** See `ServeCall`; likewise the next one. */
  readonly urgent: () => boolean
  readonly exiting: () => boolean
  /** The lane that carries the messages of a context. */
  readonly laneOf: (id: LaneId | undefined) => WorkerLane
  /** Called when a context has been closed. */
  readonly onClosed?: (context: BrokerContext) => void
}

/** What the host thinks of a context that it had set up. */
interface Wanted {
  /** It no longer waits for the set-up. */
  givenUp: boolean
}

interface Served {
  readonly context: BrokerContext
  readonly wanted: Wanted
  readonly service: Service | undefined
  readonly lane: WorkerLane
  readonly unroute: () => void
}

export class WorkerContexts {
  readonly #parts: WorkerContextsParts
  readonly #settingUp = new Map<number, Wanted>()
  readonly #served = new Map<number, Served>()
  /** The ids of the contexts from set-up to the end of their closing: each is served once at a time. */
  readonly #taken = new Set<string>()
  /** Services that are not closed, including those that are being closed. */
  readonly #open = new Set<Service>()
  /** The closings under way. */
  readonly #releasing = new Set<Promise<unknown>>()
  #ending = false

  constructor(parts: WorkerContextsParts) {
    this.#parts = parts
  }

  /** Provides the requests of the control context. */
  answer(control: BrokerContext): void {
    const { hub } = this.#parts
    answerWith(hub, control, ServeContext, (request) => this.#serve(request))
    answerWith(hub, control, ReleaseContext, ({ serving }) => this.#release(serving))
    hub.listen(control, AbandonContext, ({ serving }) => this.#abandon(serving))
  }

  /**
   * Closes all contexts, after the work that has arrived for them, and waits for those being closed already. A context that
   * is still being set up is not waited for: it is closed when its set-up ends. All are closed even when some fail; the first
   * failure is thrown at the end.
   */
  async releaseAll(): Promise<void> {
    this.#ending = true
    const failures: unknown[] = []
    while (this.#served.size > 0 || this.#releasing.size > 0) {
      for (const serving of [...this.#served.keys()]) {
        this.#release(serving).catch((failure: unknown) => failures.push(failure))
      }
      await Promise.allSettled(this.#releasing)
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Closes at once all services that have a `closeNow`. */
  closeNow(): void {
    for (const service of this.#open) {
      try {
        service.closeNow?.()
      } catch {
        // There is no one left to report it to, and the others must be closed, too.
      }
    }
    this.#open.clear()
  }

  async #serve(request: ServeRequest): Promise<Result<void, unknown>> {
    const { hub, contract, setup, urgent, exiting, laneOf } = this.#parts
    const { serving, data } = request
    const context = BrokerContext.from(request.context)
    if (this.#taken.has(context.id)) return err(servedAlready())
    this.#taken.add(context.id)
    const lane = laneOf(request.lane)
    const wanted: Wanted = { givenUp: false }
    this.#settingUp.set(serving, wanted)
    const givenUp = (): boolean => wanted.givenUp
    let unroute = (): void => {}
    const letGo = (): Promise<void> => this.#close({ context, service: undefined, lane, unroute })
    try {
      // Before the set-up, which may already emit events and make requests.
      unroute = lane.link.route(context, { send: contract.toHost, receive: contract.toWorker })
      const { share } = lane
      const answer: SetupAnswer = await lane
        .run(() => setup({ hub, context, data, urgent, exiting, givenUp, share }))
        .catch((thrown: unknown) => err(thrown))
      if (isResult(answer) && answer.isErr()) {
        await letGo()
        return err(asOwnFailure(`context ${context.toString()} could not be set up`, answer.error))
      }
      const service: Service | undefined = (isResult(answer) ? answer.value : answer) ?? undefined
      if (service !== undefined) this.#open.add(service)
      this.#served.set(serving, { context, wanted, service, lane, unroute })
    } catch (thrown) {
      await letGo()
      throw thrown
    } finally {
      this.#settingUp.delete(serving)
    }
    if (!wanted.givenUp && !this.#ending) return ok(undefined)
    await this.#release(serving)
    return err(new BrokerError('disconnected', 'the context was closed as soon as it was set up'))
  }

  async #release(serving: number): Promise<Result<void, unknown>> {
    const served = this.#served.get(serving)
    this.#served.delete(serving)
    if (served === undefined) return ok(undefined)
    const closing = this.#close(served)
    this.#releasing.add(closing)
    try {
      await closing
    } finally {
      this.#releasing.delete(closing)
    }
    return ok(undefined)
  }

  async #close({ context, service, lane, unroute }: Omit<Served, 'wanted'>): Promise<void> {
    try {
      await lane.run(() => service?.close())
    } catch (thrown) {
      throw asOwnFailure(`context ${context.toString()} was not closed cleanly`, thrown)
    } finally {
      if (service !== undefined) this.#open.delete(service)
      unroute()
      lane.close()
      this.#parts.onClosed?.(context)
      this.#taken.delete(context.id)
    }
  }

  /** The host does not know whether the set-up has ended: the context is closed in either case. */
  #abandon(serving: number): void {
    const settingUp = this.#settingUp.get(serving)
    const wanted = settingUp ?? this.#served.get(serving)?.wanted
    if (wanted !== undefined) wanted.givenUp = true
    if (settingUp === undefined) this.#release(serving).catch(() => {})
  }
}

/** A failure of the application: an error of the framework would pass for one of the call of the host. */
function asOwnFailure(what: string, failure: unknown): unknown {
  return BrokerError.is(failure) ? startFailed(what, failure) : failure
}

/** Provides a request: answers with the result of `work`. */
export function answerWith<Payload>(
  hub: BrokerHub,
  context: BrokerContext,
  request: RequestDefinition<Payload, void, unknown>,
  work: (payload: Payload) => Promise<Result<void, unknown>>
): void {
  hub.provide(context, request, (payload, call) => {
    work(payload as Payload).then(
      (result) => (result.isOk() ? call.resolve(undefined) : call.reject(result.error)),
      (thrown: unknown) => call.reject(thrown)
    )
  })
}
