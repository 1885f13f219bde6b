/** Owns the contexts of a host: has its thread set them up, and carries their messages until they are released. */
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../brokers/context.js'
import { BrokerError, messageOf } from '../brokers/errors.js'
import type { BrokerHub } from '../brokers/hub.js'
import { RequestBroker } from '../brokers/request-broker.js'
import type { Routes, ThreadContract } from './carried.js'
import { AbandonContext, ReleaseContext, ServeContext } from './control.js'
import type { HostLane, HostLinks } from './host-links.js'

/** A context that a worker serves. */
export interface ServedContext {
  /**
   * Has the worker close the context, after everything sent to it before. Repeating it is harmless.
   * Errors: `disconnected`, and `startFailed` with whatever closing threw as `cause`.
   */
  release(): ResultAsync<void, BrokerError>
}

export interface HostedContextsParts {
  /** Where host and thread talk about contexts. */
  readonly hub: BrokerHub
  readonly control: BrokerContext
  readonly links: HostLinks
  /** Whether each context has a link of its own. */
  readonly lanes: boolean
  /** Whether the thread has ended. */
  readonly ended: () => boolean
}

/** A context that the thread has set up. */
interface Carried {
  readonly context: BrokerContext
  readonly serving: number
  readonly lane: HostLane | undefined
}

/** For what takes as long as the thread is busy, and ends with it. */
export const NO_LIMIT = { timeoutMs: Number.POSITIVE_INFINITY }

export class HostedContexts {
  readonly #parts: HostedContextsParts
  readonly #requests: RequestBroker
  #lastServing = 0

  constructor(parts: HostedContextsParts) {
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
    if (ended()) return errAsync(gone())
    const routes = { send: contract.toWorker, receive: contract.toHost }
    const lane = lanes ? links.open() : undefined
    const serving = ++this.#lastServing
    return this.#requests
      .request(ServeContext, { serving, context: context.toJSON(), data, lane: lane?.id }, { timeoutMs })
      .mapErr((error) => {
        if (BrokerError.is(error) && error.kind === 'timeout') {
          hub.emit(control, AbandonContext, { serving })
        }
        lane?.close('its context was not set up')
        return asBrokerError(`context ${context.toString()} could not be set up`, error)
      })
      .andThen(() => this.#carry({ context, serving, lane }, routes, onCarried))
  }

  /** The thread has set the context up; when the host has no place for its messages, it must be closed again. */
  #carry(
    carried: Carried,
    routes: Routes,
    onCarried: (() => void) | undefined
  ): ResultAsync<ServedContext, BrokerError> {
    // It may have answered and died in one turn.
    if (this.#parts.ended()) return errAsync(gone())
    let unroute: () => void
    try {
      unroute = (carried.lane?.link ?? this.#parts.links.main).route(carried.context, routes)
    } catch (taken) {
      const release = this.#served(carried, () => {}).release()
      return release.orElse(() => ok(undefined)).andThen(() => err(taken as BrokerError))
    }
    onCarried?.()
    return okAsync(this.#served(carried, unroute))
  }

  #served({ context, serving, lane }: Carried, unroute: () => void): ServedContext {
    let released: ResultAsync<void, BrokerError> | undefined
    const release = async (): Promise<Result<void, BrokerError>> => {
      lane?.link.flush()
      const result = await this.#requests.request(ReleaseContext, { serving }, NO_LIMIT)
      // Only now: what the thread had to say before its answer has been delivered.
      unroute()
      lane?.close('its context was released')
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
}

/** Nothing can be served any more. */
export function gone(): BrokerError {
  return new BrokerError('disconnected', 'the worker thread has ended')
}

/** Whatever went wrong with a context, as an error of the framework. */
export function asBrokerError(what: string, error: unknown): BrokerError {
  if (BrokerError.is(error)) return error
  return new BrokerError('startFailed', `${what}: ${messageOf(error)}`, { cause: error })
}
