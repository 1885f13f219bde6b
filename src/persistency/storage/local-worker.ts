/** Entry of a storage without a thread, as `worker.ts` is that of one with a thread. Loads SQLite. */
import type { LocalWorker } from '../../threads/local-side.js'
import { LocalThread } from '../../threads/worker/local-thread.js'
import { STORAGE_CONTRACT } from './contract.js'
import { serveStorage } from './serve-storage.js'

export const localWorker: LocalWorker = (parts) =>
  new LocalThread(parts, STORAGE_CONTRACT, serveStorage({ alone: true }))
