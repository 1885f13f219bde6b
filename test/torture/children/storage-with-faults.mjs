// Owns a storage thread that can be made to die: it is the real one, but each statement and each opening and closing of
// its database passes a check first, which kills the thread when its moment has come. `workerData.fault` names the point
// and the way; the numbers in `workerData.gate` let the other thread arm it, and learn that it struck.

import { workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

const { point, how, storage, gate } = workerData.fault
const Gate = { armed: 0, struck: 1 }
const numbers = new Int32Array(gate)

const WAYS = {
  exit: () => process.exit(7),
  exception: () => {
    // Thrown in a statement it would be the failure of a statement; here it is nobody's.
    process.nextTick(() => {
      throw new Error('the storage thread broke on purpose')
    })
  },
  memory: () => {
    const hoard = []
    for (;;) hoard.push(new Array(100_000).fill(hoard.length))
  },
  terminate: () => {
    // The other thread terminates this one, which must not get further meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20_000)
  }
}

function pass(here) {
  if (here !== point || Atomics.load(numbers, Gate.armed) === 0) return
  if (Atomics.exchange(numbers, Gate.struck, 1) === 1) return
  Atomics.notify(numbers, Gate.struck)
  WAYS[how]()
}

function guard(prototype, method, here) {
  const original = prototype[method]
  prototype[method] = function (...args) {
    pass(here(this))
    return original.apply(this, args)
  }
}

const probe = new Database(':memory:')
const statements = Object.getPrototypeOf(probe.prepare('SELECT 1'))
probe.close()

const WRITES = /^\s*(INSERT|DELETE|COMMIT|SAVEPOINT)/i
const READS = /^\s*(SELECT|WITH)/i
for (const method of ['run', 'get', 'all']) {
  guard(statements, method, ({ source }) =>
    WRITES.test(source) ? 'writing' : READS.test(source) ? 'reading' : 'other'
  )
}
// Committed, and nobody has been told.
const run = statements.run
statements.run = function (...args) {
  const done = run.apply(this, args)
  if (/^\s*COMMIT/i.test(this.source)) pass('committed')
  return done
}
guard(Database.prototype, 'pragma', () => 'opening')
guard(Database.prototype, 'close', () => 'closing')

if (point === 'idle') {
  const look = setInterval(() => {
    if (Atomics.load(numbers, Gate.armed) === 0) return
    clearInterval(look)
    pass('idle')
  }, 2)
  look.unref()
}

await import(storage)
