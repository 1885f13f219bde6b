/** Owns the contexts of a host: has the worker set them up, and carries their messages until they are released. */
import { err, errAsync, ok, okAsync, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../brokers/context.js'
import { checkTimeout } from '../../brokers/definitions.js'
import { BrokerError } from '../../brokers/errors.js'
import type { BrokerHub } from '../../brokers/hub.js'
import { RequestBroker } from '../../brokers/request-broker.js'
import { AbandonContext, ReleaseContext, ServeContext, servedAlready } from '../control.js'
import type { CarriedMessage, ThreadContract } from '../link/carried.js'
import { checkContract } from '../link/check-contract.js'
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
  /** The contracts of the contexts from set-up to release, by id: each is carried once at a time. */
  readonly #taken = new Map<string, ThreadContract>()
  #lastServing = 0

  constructor(parts: HostContextsParts) {
    this.#parts = parts
    this.#requests = new RequestBroker(parts.hub, parts.control)
  }

  /** What is carried in a context, if it is. */
  contractOf(context: BrokerContext): ThreadContract | undefined {
    return this.#taken.get(context.id)
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
    checkContract(contract)
    checkTimeout(timeoutMs)
    const end = ended()
    if (end !== undefined) return errAsync(end)
    const failed = (error: unknown): BrokerError => ofContext(context, 'could not be set up', error)
    if (this.#taken.has(context.id)) return errAsync(failed(servedAlready()))
    this.#taken.set(context.id, contract)
    const lane = lanes ? links.open() : undefined
    const link = lane?.link ?? links.main
    // Before the request: a set-up may already emit events and make requests.
    const unroute = link.route(context, { send: [], receive: contract.toHost })
    const carried = { context, serving: ++this.#lastServing, lane, link, unroute }
    const { serving } = carried
    return this.#requests
      .request(ServeContext, { serving, context: context.toJSON(), data, lane: lane?.id }, { timeoutMs })
      .mapErr((error) => {
        const late = BrokerError.is(error) && error.kind === 'timeout'
        if (late) hub.emit(control, AbandonContext, { serving })
        this.#letGo(carried, 'its context was not set up')
        const why = ended()
        if (why?.kind === 'startFailed') return why
        if (!late) return failed(error)
        return new BrokerError(
          'timeout',
          `context ${context.toString()} was not set up within ${timeoutMs} ms`
        )
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
      return result.mapErr(
        (error) => this.#isGone(error) ?? ofContext(context, 'was not closed cleanly', error)
      )
    }
    return {
      release() {
        released ??= new ResultAsync(release())
        return released
      }
    }
  }

  /** A worker that has ended has no provider of these requests any more. */
  #isGone(error: unknown): BrokerError | undefined {
    return BrokerError.is(error) && error.kind === 'noProvider' ? this.#parts.ended() : undefined
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

/** A failure that says which context it is about: the requests between host and worker tell a user nothing. */
function ofContext(context: BrokerContext, what: string, error: unknown): BrokerError {
  const told = `context ${context.toString()} ${what}`
  if (!BrokerError.is(error)) return startFailed(told, error)
  const { kind, message, cause } = error
  return new BrokerError(kind, `${told}: ${message}`, cause === undefined ? undefined : { cause })
}

/** Any failure of a set-up, as an error of the framework. */
export function asBrokerError(what: string, error: unknown): BrokerError {
  return BrokerError.is(error) ? error : startFailed(what, error)
}
