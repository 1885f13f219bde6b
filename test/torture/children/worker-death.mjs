// Owns a program whose storage threads die, one after the other, each at a point and in a way of its own. It prints a
// line of JSON for each death: what became of every call that was under way, and of every write.

import { createRequire, syncBuiltinESMExports } from 'node:module'

const require = createRequire(import.meta.url)
const threads = require('node:worker_threads')
const { deaths, root, jobOptions = {} } = JSON.parse(process.argv[2])
const PLAIN = new URL('./storage-with-faults.mjs', import.meta.url)
const Gate = { armed: 0, struck: 1 }
const SETTLE_MS = 30_000

/** The fault of the next storage thread that starts; threads are as they are without one. */
let next
const RealWorker = threads.Worker

threads.Worker = class extends RealWorker {
  constructor(entry, options) {
    const fault = next
    next = undefined
    if (fault === undefined) {
      super(entry, options)
      return
    }
    const workerData = {
      ...options.workerData,
      fault: { ...fault.at, storage: entry.href, gate: fault.gate.buffer }
    }
    super(PLAIN, { ...options, workerData, resourceLimits: { maxOldGenerationSizeMb: 24 }, stderr: true })
    this.stderr.resume()
    if (fault.at.how === 'terminate') {
      void struck(fault.gate).then(() => this.terminate())
    }
  }
}
syncBuiltinESMExports()

const { EventBroker, JobFailed, key, Persistency, PersistCommitted, PersistFailed } = await import(
  'persistency'
)

/** Resolves when a fault has struck. */
async function struck(gate) {
  while (Atomics.load(gate, Gate.struck) === 0) await Atomics.waitAsync(gate, Gate.struck, 0).value
}

const okOf = async (answer) => {
  const result = await answer
  if (result.isErr()) throw result.error
  return result.value
}

/** `ok`, the code of the error, or `hung`. */
async function outcomeOf(call) {
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

const put = (n) => ({ kind: 'put', category: 'c', key: key(n), payload: new Uint8Array(32).fill(n) })

const owner = Persistency.open({ rootDir: root, ...jobOptions })._unsafeUnwrap()
const sibling = await okOf(owner.openJob('sibling'))

async function die(at, index) {
  const id = `victim${index}`
  const gate = new Int32Array(new SharedArrayBuffer(8))
  const report = { ...at, calls: {}, committed: [], failed: [], jobFailed: [], rows: [] }
  next = { at, gate }
  if (at.point === 'opening') gate[Gate.armed] = 1
  const opened = await owner.openJob(id, { openTimeoutMs: SETTLE_MS })
  if (opened.isErr()) report.calls.openJob = opened.error.code
  else await work(opened.value, at, gate, report)
  report.struck = gate[Gate.struck] === 1
  report.has = owner.hasJob(id)
  report.sibling = await outcomeOf(sibling.persistAcked(put(index)))
  const again = await owner.openJob(id)
  report.again = again.isOk() ? 'ok' : again.error.code
  if (again.isOk()) {
    report.after = await outcomeOf(again.value.persistAcked(put(999)))
    report.rows = (await okOf(again.value.scan('c', key()))).map(({ payload }) => payload[0])
    await okOf(again.value.close())
  }
  console.log(JSON.stringify(report))
}

async function work(job, at, gate, report) {
  const events = new EventBroker(undefined, job.context)
  events.listen(PersistCommitted, ({ firstSeq, lastSeq }) => report.committed.push([firstSeq, lastSeq]))
  events.listen(PersistFailed, ({ seq }) => report.failed.push(seq))
  const gone = new Promise((resolve) => {
    events.listen(JobFailed, ({ error }) => {
      report.jobFailed.push(error.code)
      resolve()
    })
  })
  // Two writes that are acknowledged before anything happens; they must be there afterwards.
  await okOf(job.persistAcked(put(1)))
  await okOf(job.persistAcked(put(2)))
  gate[Gate.armed] = 1
  if (at.point === 'idle') await gone
  const reads = () => ({
    get: job.get('c', key(1)),
    getMany: job.getMany('c', [key(1), key(2)]),
    count: job.count('c', key()),
    scan: job.scan('c', key()),
    exists: job.exists('c', key(1))
  })
  const writes = () => {
    const writing = {}
    for (let n = 3; n < 9; n++) {
      writing[`persist ${n}`] = job.persist(put(n))
    }
    writing.persistAcked = job.persistAcked([put(9), put(10)])
    writing.deleteAcked = job.deleteAcked('c', key(77))
    return writing
  }
  const calls = at.point === 'reading' ? { ...reads(), ...writes() } : { ...writes(), ...reads() }
  calls.flush = job.flush()
  calls.close = job.close()
  for (const [name, call] of Object.entries(calls)) report.calls[name] = await outcomeOf(call)
  report.afterwards = await outcomeOf(job.get('c', key(1)))
  report.queued = job.queued
}

// An idle storage thread keeps no process alive, and here one dies idle.
const awake = setInterval(() => {}, 1000)
for (const [index, at] of deaths.entries()) await die(at, index)
await okOf(owner.close())
clearInterval(awake)
