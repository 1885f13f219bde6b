/** Owns starting a worker in one call. */
import { err, ok, type Result, ResultAsync } from 'neverthrow'
import { checkOptionNames } from '../../brokers/check-options.js'
import { gotForContext } from '../../brokers/check-place.js'
import { BrokerContext, isContext } from '../../brokers/context.js'
import { checkTimeout } from '../../brokers/definitions.js'
import { BrokerError } from '../../brokers/errors.js'
import { messageOf } from '../../runtime/message-of.js'
import type { ModuleUrl } from '../../runtime/platform.js'
import type { ThreadContract } from '../link/carried.js'
import { checkContract } from '../link/check-contract.js'
import { checkEntry } from './entry.js'
import { checkMaxPending } from './host-links.js'
import { HOST_OPTIONS, WorkerHost, type WorkerHostOptions } from './worker-host.js'

export interface StartWorkerOptions extends WorkerHostOptions {
  /** The context, or contexts, that the worker serves. Default: the current one. */
  readonly context?: BrokerContext | readonly BrokerContext[] | undefined
  /** Passed to the set-up of each context, as a clone. */
  readonly data?: unknown
  /** How long starting may take, in milliseconds; `Infinity` for no limit. Default 30 000. */
  readonly startTimeoutMs?: number | undefined
}

const DEFAULT_START_TIMEOUT_MS = 30_000

const START_OPTIONS: readonly (keyof StartWorkerOptions)[] = [
  'context',
  'data',
  'startTimeoutMs',
  ...HOST_OPTIONS
]

/**
 * Starts a worker thread that runs `entry`, a module which calls `serveBrokers(contract, ...)`, and has it serve the
 * contexts. From then on the brokers of these contexts reach it; call sites do not change.
 *
 * Name the module by a URL, which is found from wherever the program is started. A text is a path, absolute or, with `./` or
 * `../` in front, from the working directory; that of a `file:` URL is `startFailed`.
 *
 * Errors: those of `WorkerHost.serve`. The thread is gone when an error comes back; it is not started again.
 *
 * @throws TypeError for what is neither a URL nor a path, no contract or no context, for an option with an unknown name, and
 *   for a contract that has a message twice, or a request or signal in both lists; RangeError for a time limit or a number of
 *   requests that is none
 * @example
 * const entry = new URL('../thumbnails.worker.js', import.meta.url)
 * const worker = await unwrap(startWorker(entry, thumbnails))
 */
export function startWorker(
  entry: ModuleUrl | string,
  contract: ThreadContract,
  options: StartWorkerOptions = {}
): ResultAsync<WorkerHost, BrokerError> {
  checkEntry(entry)
  checkOptionNames(options, START_OPTIONS, 'a worker')
  const {
    context = BrokerContext.current,
    data,
    startTimeoutMs = DEFAULT_START_TIMEOUT_MS,
    ...rest
  } = options
  checkTimeout(startTimeoutMs)
  checkContract(contract)
  checkMaxPending(rest.maxPendingRequests)
  const contexts = contextsOf(context)
  return new ResultAsync(start(entry, contract, contexts, data, startTimeoutMs, rest))
}

async function start(
  entry: ModuleUrl | string,
  contract: ThreadContract,
  contexts: readonly BrokerContext[],
  data: unknown,
  timeoutMs: number,
  options: WorkerHostOptions
): Promise<Result<WorkerHost, BrokerError>> {
  let host: WorkerHost
  try {
    host = new WorkerHost(entry, options)
  } catch (cause) {
    return err(new BrokerError('startFailed', `the worker cannot be started: ${messageOf(cause)}`, { cause }))
  }
  const served = await serveAll(host, contract, contexts, data, timeoutMs)
  if (served.isOk()) return ok(host)
  await host.stop()
  return err(served.error)
}

async function serveAll(
  host: WorkerHost,
  contract: ThreadContract,
  contexts: readonly BrokerContext[],
  data: unknown,
  timeoutMs: number
): Promise<Result<void, BrokerError>> {
  for (const context of contexts) {
    const served = await host.serve(context, contract, data, timeoutMs)
    if (served.isErr()) return err(served.error)
  }
  return ok(undefined)
}

/** The contexts may be of another copy of this package. */
function contextsOf(given: BrokerContext | readonly BrokerContext[]): readonly BrokerContext[] {
  const contexts: readonly unknown[] = Array.isArray(given) ? given : [given]
  const wrong = contexts.findIndex((context) => !isContext(context))
  if (wrong === -1) return contexts as readonly BrokerContext[]
  throw new TypeError(`a worker serves BrokerContexts; ${gotForContext(contexts[wrong])}`)
}
