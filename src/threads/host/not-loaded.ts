/** Owns why a worker serves nothing: its module has not come to `serveBrokers`. */
import { BrokerError } from '../../brokers/errors.js'
import { messageOf } from '../../runtime/message-of.js'
import type { ModuleUrl } from '../../runtime/platform.js'
import { entryText } from './entry.js'

const TYPESCRIPT = /\.[cm]?tsx?($|[?#])/

const NO_LOADER =
  'a worker has none of the loaders of its program: start a module of JavaScript that registers one, see "Workers in TypeScript" in docs/threads.md'

/**
 * The error of a thread that ended before.
 *
 * @param error what it died of, if it threw
 */
export function notLoaded(entry: ModuleUrl | string, code: number, error: unknown): BrokerError {
  const at = entryText(entry)
  const module = `the worker module ${at}`
  if (error === undefined) {
    return new BrokerError('startFailed', `${module} ended with code ${code} before it called serveBrokers()`)
  }
  const needsLoader = codeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION' || TYPESCRIPT.test(at)
  const remedy = needsLoader ? ` (${NO_LOADER})` : ''
  const message = `${module} could not be loaded: ${messageOf(error)}${remedy}`
  return new BrokerError('startFailed', message, { cause: error })
}

/** Whether it was terminated, or ran out of memory: that says nothing about its module. */
export function wasEnded(terminated: boolean, error: unknown, online: boolean): boolean {
  return error === undefined ? terminated || !online : isOutOfMemory(error)
}

export function isOutOfMemory(error: unknown): boolean {
  return codeOf(error) === 'ERR_WORKER_OUT_OF_MEMORY'
}

/** What a thread throws need not be an error, and may be nothing. */
function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException | null | undefined)?.code
}
