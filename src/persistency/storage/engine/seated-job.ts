/** Owns the storage of one job on a thread: its opening and its release, and with `restart` its way to the next thread. */
import { err, type Result, ResultAsync } from 'neverthrow'
import type { BrokerContext } from '../../../brokers/context.js'
import { BrokerError } from '../../../brokers/errors.js'
import { messageOf } from '../../../runtime/message-of.js'
import type { WorkerExit } from '../../../threads/host/context-host.js'
import { afterDrain } from '../../../threads/host/exit-drain.js'
import type { ServedContext } from '../../../threads/host/host-contexts.js'
import { isPersistencyErrorData, PersistencyError } from '../../errors.js'
import type { OpenedStorage, OpenStorage } from '../../storage-engine.js'
import { STORAGE_CONTRACT } from '../contract.js'
import { OUTSIDE_BUNDLES } from '../outside-bundles.js'
import type { StorageStart } from '../start.js'
import type { Seat } from './thread-pool.js'

export interface SeatedJobParts {
  readonly request: OpenStorage
  /** Takes a place on a thread. */
  readonly seat: () => Result<Seat, PersistencyError>
  /** What the thread is to be told; `again` when it takes the place of another one. */
  readonly start: (seat: Seat, again: boolean) => StorageStart
}

/** A place on a thread that serves the job. */
interface Place {
  readonly seat: Seat
  readonly served: ServedContext
  readonly start: StorageStart
  /** Stops watching for the end of the thread. */
  readonly unwatch: () => void
}

type Placed = Promise<Result<Place, PersistencyError>>

export class SeatedJob implements OpenedStorage {
  readonly #parts: SeatedJobParts
  /** Where the job is served, or will be once the next thread is there. */
  #place: Placed
  #closing = false
  /** Why the job has failed, once its thread has died for good. */
  #failure: PersistencyError | undefined
  /** Stops watching for the end of the process. */
  readonly #unwatchProcess: () => void

  private constructor(parts: SeatedJobParts) {
    this.#parts = parts
    this.#unwatchProcess = afterDrain(() => parts.request.onProcessEnd?.())
    this.#place = this.#take(false)
  }

  static open(parts: SeatedJobParts): ResultAsync<SeatedJob, PersistencyError> {
    const job = new SeatedJob(parts)
    return new ResultAsync(job.#place)
      .map(() => job)
      .mapErr((error) => {
        job.#unwatchProcess()
        return error
      })
  }

  close(): ResultAsync<void, PersistencyError> {
    this.#closing = true
    return new ResultAsync(this.#close().finally(this.#unwatchProcess))
  }

  async #close(): Promise<Result<void, PersistencyError>> {
    for (;;) {
      const attempt = this.#place
      const place = await attempt
      if (place.isErr()) return err(place.error)
      const { seat, served, start, unwatch } = place.value
      if (this.#failure !== undefined) {
        await seat.leave()
        return err(this.#failure)
      }
      const released = await served.release()
      unwatch()
      await seat.leave()
      // The thread may have died over it, and another one be about to finish what was left.
      if (this.#place === attempt) return released.mapErr((error) => toError(error, start, 'ERR_STORAGE'))
    }
  }

  /** Has a thread serve the job. */
  async #take(again: boolean): Placed {
    const { request, seat: takeSeat } = this.#parts
    const seat = takeSeat()
    if (seat.isErr()) return err(seat.error)
    const start = this.#parts.start(seat.value, again)
    const { context, options } = request
    let unwatch = (): void => {}
    const carried = (): void => {
      unwatch = seat.value.host.onExit((exit) => this.#died(seat.value, exit))
      if (again) request.onRestart?.resumed()
    }
    const served = await serve(seat.value, context, start, options.openTimeoutMs, carried)
    return served.map((serving) => ({ seat: seat.value, served: serving, start, unwatch }))
  }

  #died({ host }: Seat, exit: WorkerExit): void {
    const { jobId, onRestart } = this.#parts.request
    const error = died(jobId, exit, '')
    if (onRestart?.interrupted(error) === true) this.#place = host.exited.then(() => this.#takeAnother(error))
    else {
      // Whoever opens the job again in answer to that must find the thread gone.
      const failure = died(
        jobId,
        exit,
        '; writes that were not acknowledged may be lost, openJob starts it again'
      )
      this.#failure = failure
      void host.exited.then(() => this.#fail(failure))
    }
  }

  /** A thread that dies as it opens the file counts like one that dies later. Any other failure is the end. */
  async #takeAnother(error: PersistencyError): Placed {
    const { jobId, onRestart } = this.#parts.request
    let cause = error
    for (;;) {
      const place = await this.#take(true)
      if (place.isOk()) return place
      cause = place.error
      if (cause.code !== 'ERR_STORAGE_DIED' || onRestart?.interrupted(cause) !== true) break
    }
    const message = `the storage thread of job "${jobId}" died, and no other could take its place: ${cause.message}; writes that were not acknowledged may be lost, openJob starts it again`
    const failure = new PersistencyError('ERR_STORAGE_DIED', message, { cause })
    this.#fail(failure)
    return err(failure)
  }

  #fail(failure: PersistencyError): void {
    this.#unwatchProcess()
    if (!this.#closing) this.#parts.request.onFailed(failure)
  }
}

/** Has a thread take a task on; a seat whose task cannot be started is given back when the error comes back. */
export function serve(
  seat: Seat,
  context: BrokerContext,
  start: StorageStart,
  timeoutMs: number,
  onCarried?: () => void
): ResultAsync<ServedContext, PersistencyError> {
  return seat.host
    .serve(context, STORAGE_CONTRACT, start, timeoutMs, onCarried)
    .orElse(
      (error) =>
        new ResultAsync(
          seat
            .leave(true)
            .then(() =>
              err<never, PersistencyError>(seat.host.loaded ? toError(error, start) : notLoaded(error, start))
            )
        )
    )
}

/** The modules of the storage have not come up. */
function notLoaded(error: BrokerError, start: StorageStart): PersistencyError {
  if (error.kind !== 'startFailed') return toError(error, start)
  const message = `the storage of job "${start.jobId}" cannot be started: ${error.message}; ${OUTSIDE_BUNDLES}`
  return new PersistencyError('ERR_OPEN', message, { cause: error })
}

function died(jobId: string, exit: WorkerExit, remedy: string): PersistencyError {
  const why = exit.error === undefined ? `ended with code ${exit.code}` : `died: ${messageOf(exit.error)}`
  const message = `the storage thread of job "${jobId}" ${why}${remedy}`
  return new PersistencyError('ERR_STORAGE_DIED', message, { cause: exit.error })
}

/** The worker answers its own errors as plain data; anything else comes from the framework. */
export function toError(
  error: unknown,
  { jobId, file }: StorageStart,
  otherwise: 'ERR_OPEN' | 'ERR_STORAGE' = 'ERR_OPEN'
): PersistencyError {
  const cause = BrokerError.is(error) && error.kind === 'startFailed' ? error.cause : error
  if (isPersistencyErrorData(cause)) return PersistencyError.from(cause)
  const message = `the storage of job "${jobId}" (${file}): ${messageOf(error)}`
  return new PersistencyError(codeOf(error) ?? otherwise, message, { cause: error })
}

function codeOf(error: unknown): 'ERR_TIMEOUT' | 'ERR_STORAGE_DIED' | undefined {
  if (!BrokerError.is(error)) return undefined
  if (error.kind === 'timeout') return 'ERR_TIMEOUT'
  return error.kind === 'disconnected' ? 'ERR_STORAGE_DIED' : undefined
}
