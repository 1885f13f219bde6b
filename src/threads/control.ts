/** Owns what a worker host and its worker say to each other about contexts. These travel like any other message. */
import type { BrokerContextData } from '../brokers/context.js'
import {
  defineEvent,
  defineRequest,
  type EventDefinition,
  type RequestDefinition
} from '../brokers/definitions.js'

/** What a worker is started with. */
export interface WorkerStart {
  /** The context in which host and worker talk about all others. */
  readonly control: BrokerContextData
  /** One counter, shared by both threads; see {@link STOPPED}. */
  readonly state: SharedArrayBuffer
}

/** Value of the shared counter once the worker has closed everything it served. */
export const STOPPED = 1

/** Asks the worker to set up a context. Answered with the error of the set-up, whatever its type. */
export const ServeContext: RequestDefinition<{ context: BrokerContextData; data: unknown }, void, unknown> =
  defineRequest('threads.serveContext')

/** Asks the worker to close what it set up for a context. */
export const ReleaseContext: RequestDefinition<{ contextId: string }, void, unknown> =
  defineRequest('threads.releaseContext')

/** Tells the worker to close everything and end. */
export const StopWorker: EventDefinition<void> = defineEvent<void>('threads.stopWorker')
