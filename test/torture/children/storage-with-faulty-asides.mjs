// Owns a storage thread that is the real one, except that its threads for a check or a compaction go wrong in the way
// that `workerData.faults` names, while the number there is 1.

import { createRequire, syncBuiltinESMExports } from 'node:module'
import { workerData } from 'node:worker_threads'

const { storage, armed, way } = workerData.faults
const threads = createRequire(import.meta.url)('node:worker_threads')
const RealWorker = threads.Worker

const moduleOf = (source) => new URL(`data:text/javascript,${encodeURIComponent(source)}`)

const WAYS = {
  refused: () => {
    throw Object.assign(new Error('no room for a thread'), { code: 'ERR_WORKER_INIT_FAILED' })
  },
  silent: () => moduleOf('process.exit(0)'),
  broken: () => moduleOf('throw new Error("broken on purpose")')
}

threads.Worker = class extends RealWorker {
  constructor(entry, options) {
    const faulty = entry.href.endsWith('/aside-worker.js') && Atomics.load(armed, 0) === 1
    super(faulty ? WAYS[way]() : entry, options)
  }
}
syncBuiltinESMExports()

await import(storage)
