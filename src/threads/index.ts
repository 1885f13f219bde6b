/// <reference lib="esnext.disposable" preserve="true" />
/** 'persistency/threads': brokers across worker threads. */

export type { ModuleUrl } from '../brokers/platform.js'
export type { CarriedMessage, Routes, ThreadContract } from './carried.js'
export { cloneCodec } from './clone-codec.js'
export type { Frame } from './frame.js'
export type { ServedContext } from './hosted-contexts.js'
export { Link, type LinkOptions } from './link.js'
export type { OutboxOptions } from './outbox.js'
export type { LinkPort, PortEvent } from './port.js'
export type { ThreadShare } from './rota.js'
export { serveBrokers } from './serve.js'
export type { ServeCall, Service, Setup, SetupAnswer } from './setup.js'
export { type StartWorkerOptions, startWorker } from './start-worker.js'
export {
  type PeerRoutes,
  type ThreadLimits,
  type WorkerExit,
  WorkerHost,
  type WorkerHostOptions
} from './worker-host.js'
