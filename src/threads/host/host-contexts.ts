/** Owns the contexts of a host: has the worker set them up, and carries their messages until they are released. */
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import { BrokerError } from '../../brokers/errors.js'
import type { BrokerHub } from '../../brokers/hub.js'
import { RequestBroker } from '../../brokers/request-broker.js'
import { AbandonContext, ReleaseContext, ServeContext, servedAlready } from '../control.js'
import type { CarriedMessage, ThreadContract } from '../link/carried.js'
import type { Link } from '../link/link.js'
import { startFailed } from '../start-failed.js'
import type { HostLane, HostLinks } from './host-links.js'

/** A context that a worker serves. */
export interface ServedContext {
  /**
   * Has the worker close the context, after everything sent to it before. Takes as long as that does, without a limit.
   * Repeating it is harmless.
   * Errors: `disconnected`, and `startFailed` with whatever closing threw as `cause`.
   */
  release(): ResultAsync<void, BrokerError>
}

export interface HostContextsParts {
  /** The hub of the control context, and that context. */
  readonly hub: BrokerHub
  readonly control: BrokerContext
  readonly links: HostLinks
  /** Whether each context has a link of its own. */
  readonly lanes: boolean
  /** Why nothing can be served, once the worker has ended. */
  readonly ended: () => BrokerError | undefined
}

/** A context that the worker sets up or serves. */
interface Carried {
  readonly context: BrokerContext
  readonly serving: number
  readonly lane: HostLane | undefined
  readonly link: Link
  /** Stops receiving what the worker sends in the context. */
  readonly unroute: () => void
}

/** For requests that take as long as the worker is busy, and end with it. */
export const NO_LIMIT = { timeoutMs: Number.POSITIVE_INFINITY }

export class HostContexts {
  readonly #parts: HostContextsParts
  readonly #requests: RequestBroker
  /** The ids of the contexts from set-up to release: each is carried once at a time. */
  readonly #taken = new Set<string>()
  #lastServing = 0

  constructor(parts: HostContextsParts) {
    this.#parts = parts
    this.#requests = new RequestBroker(parts.hub, parts.control)
  }

  /** See `WorkerHost.serve`. */
  serve(
    context: BrokerContext,
    contract: ThreadContract,
    data: unknown,
    timeoutMs: number,
    onCarried?: () => void
  ): ResultAsync<ServedContext, BrokerError> {
    const { hub, control, links, lanes, ended } = this.#parts
    const end = ended()
    if (end !== undefined) return errAsync(end)
    const failed = (error: unknown): BrokerError =>
      asBrokerError(`context ${context.toString()} could not be set up`, error)
    if (this.#taken.has(context.id)) return errAsync(failed(servedAlready()))
    this.#taken.add(context.id)
    const lane = lanes ? links.open() : undefined
    const link = lane?.link ?? links.main
    // Before the request: a set-up may already emit events and make requests.
    const unroute = link.route(context, { send: [], receive: contract.toHost })
    const carried = { context, serving: ++this.#lastServing, lane, link, unroute }
    const { serving } = carried
    return this.#requests
      .request(ServeContext, { serving, context: context.toJSON(), data, lane: lane?.id }, { timeoutMs })
      .mapErr((error) => {
        if (BrokerError.is(error) && error.kind === 'timeout') {
          hub.emit(control, AbandonContext, { serving })
        }
        this.#letGo(carried, 'its context was not set up')
        const why = ended()
        return why?.kind === 'startFailed' ? why : failed(error)
      })
      .andThen(() => this.#carry(carried, contract.toWorker, onCarried))
  }

  /** Sends to the context, now that it is set up; when this thread has a provider or handler itself, closes it again. */
  #carry(
    carried: Carried,
    send: readonly CarriedMessage[],
    onCarried: (() => void) | undefined
  ): ResultAsync<ServedContext, BrokerError> {
    // The worker may have answered and died in one turn.
    const end = this.#parts.ended()
    if (end !== undefined) return errAsync(end)
    let unroute: () => void
    try {
      unroute = carried.link.route(carried.context, { send, receive: [] })
    } catch (taken) {
      const release = this.#served(carried, () => {}).release()
      return release.orElse(() => ok(undefined)).andThen(() => err(taken as BrokerError))
    }
    onCarried?.()
    return okAsync(this.#served(carried, unroute))
  }

  /** @param unroute stops sending to the worker */
  #served(carried: Carried, unroute: () => void): ServedContext {
    const { context, serving, lane } = carried
    let released: ResultAsync<void, BrokerError> | undefined
    const release = async (): Promise<Result<void, BrokerError>> => {
      lane?.link.flush()
      const result = await this.#requests.request(ReleaseContext, { serving }, NO_LIMIT)
      // Only now: what the worker sent before its answer has been delivered.
      unroute()
      this.#letGo(carried, 'its context was released')
      return result.mapErr((error) =>
        asBrokerError(`context ${context.toString()} was not closed cleanly`, error)
      )
    }
    return {
      release() {
        released ??= new ResultAsync(release())
        return released
      }
    }
  }

  #letGo({ context, lane, unroute }: Carried, reason: string): void {
    unroute()
    lane?.close(reason)
    this.#taken.delete(context.id)
  }
}

/** The error of a host whose worker has ended. */
export function gone(): BrokerError {
  return new BrokerError('disconnected', 'the worker thread has ended')
}

/** Any failure of a set-up, as an error of the framework. */
export function asBrokerError(what: string, error: unknown): BrokerError {
  return BrokerError.is(error) ? error : startFailed(what, error)
}
