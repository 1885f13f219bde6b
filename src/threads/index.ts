/// <reference lib="esnext.disposable" preserve="true" />
/** 'persistency/threads': brokers across worker threads. */

export type { ModuleUrl } from '../runtime/platform.js'
export type { WorkerExit } from './host/context-host.js'
export type { ServedContext } from './host/host-contexts.js'
export { type StartWorkerOptions, startWorker } from './host/start-worker.js'
export {
  type PeerRoutes,
  type ThreadLimits,
  WorkerHost,
  type WorkerHostOptions
} from './host/worker-host.js'
export type { CarriedMessage, Routes, ThreadContract } from './link/carried.js'
export { cloneCodec } from './link/clone-codec.js'
export type { OutboxOptions } from './link/frame-sender.js'
export { Link, type LinkOptions } from './link/link.js'
export type { Frame } from './port/frame.js'
export type { LinkPort, PortEvent } from './port/link-port.js'
export type { ThreadShare } from './worker/rota.js'
export { serveBrokers } from './worker/serve.js'
export type { ServeCall, Service, Setup, SetupAnswer } from './worker/setup.js'
