// Owns a program in which the threads for checks and compactions go wrong for a while, in one way. It prints what came of
// every call as JSON.

import { createRequire, syncBuiltinESMExports } from 'node:module'

const { root, way } = JSON.parse(process.argv[2])
const threads = createRequire(import.meta.url)('node:worker_threads')
const FIXTURE = new URL('./storage-with-faulty-asides.mjs', import.meta.url)
const RealWorker = threads.Worker
const armed = new Int32Array(new SharedArrayBuffer(4))
const exits = []

threads.Worker = class extends RealWorker {
  constructor(entry, options) {
    const faults = { storage: entry.href, armed, way }
    super(FIXTURE, { ...options, workerData: { ...options.workerData, faults } })
    this.once('exit', (code) => exits.push(code))
  }
}
syncBuiltinESMExports()

const { key, Persistency } = await import('persistency')

const owner = Persistency.open({ rootDir: root })._unsafeUnwrap()
const job = (await owner.openJob('tenant'))._unsafeUnwrap()
const write = (n) => job.persistAcked({ kind: 'put', category: 'c', key: key(n), payload: Uint8Array.of(n) })
const outcomesOf = async (calls) => {
  const outcomes = {}
  for (const [name, call] of Object.entries(calls)) {
    const result = await call()
    outcomes[name] = result.isOk() ? 'ok' : result.error.toJSON()
  }
  return outcomes
}

const before = await outcomesOf({ write: () => write(1) })
armed[0] = 1
const meanwhile = await outcomesOf({
  verify: () => job.verify(),
  compact: () => job.compact(),
  write: () => write(2),
  backup: () => job.backup(`${root}/copy`)
})
armed[0] = 0
const after = await outcomesOf({
  verify: () => job.verify(),
  compact: () => job.compact(),
  write: () => write(3)
})
const rows = (await job.count('c', key()))._unsafeUnwrap()
const closing = await outcomesOf({ job: () => job.close(), owner: () => owner.close() })
console.log(JSON.stringify({ before, meanwhile, after, rows, closing, exits }))
