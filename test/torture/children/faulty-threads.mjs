// Owns giving faults to the storage threads of this process: those that are asked for, one after the other, die as
// `storage-with-faults.mjs` says. To be imported before the package, whose threads are then made here.

import { createRequire, syncBuiltinESMExports } from 'node:module'

const require = createRequire(import.meta.url)
const threads = require('node:worker_threads')
const FAULTY = new URL('./storage-with-faults.mjs', import.meta.url)
const Gate = { armed: 0, struck: 1 }

/** The faults of the next storage threads that start; threads are as they are without one. */
const next = []
const RealWorker = threads.Worker

threads.Worker = class extends RealWorker {
  constructor(entry, options) {
    const fault = next.shift()
    if (fault === undefined) {
      super(entry, options)
      return
    }
    const { at, gate } = fault
    const workerData = { ...options.workerData, fault: { ...at, storage: entry.href, gate: gate.buffer } }
    super(FAULTY, { ...options, workerData, resourceLimits: { maxOldGenerationSizeMb: 24 }, stderr: true })
    this.stderr.resume()
    if (at.how === 'terminate') void struckBy(gate).then(() => this.terminate())
  }
}
syncBuiltinESMExports()

/** Resolves when a fault has struck. */
async function struckBy(gate) {
  while (Atomics.load(gate, Gate.struck) === 0) await Atomics.waitAsync(gate, Gate.struck, 0).value
}

/** Has the next storage thread without a fault die at a point, in a way, once it is armed. */
export function faultOfNextThread(at) {
  const gate = new Int32Array(new SharedArrayBuffer(8))
  next.push({ at, gate })
  return {
    arm() {
      gate[Gate.armed] = 1
    },
    get struck() {
      return gate[Gate.struck] === 1
    }
  }
}

const SETTLE_MS = 30_000

/** `ok`, the code of the error, or `hung`. */
export async function outcomeOf(call) {
  let timer
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, SETTLE_MS, 'hung')
  })
  const settled = Promise.resolve(call).then(
    (result) => (result === undefined || result.isOk() ? 'ok' : result.error.code),
    (thrown) => `threw ${thrown}`
  )
  const outcome = await Promise.race([settled, late])
  clearTimeout(timer)
  return outcome
}

/** The value of a call that must be ok. */
export async function okOf(answer) {
  const result = await answer
  if (result.isErr()) throw result.error
  return result.value
}
