// Owns a program whose storage threads die, one after the other, each at a point and in a way of its own. It prints a
// line of JSON for each death: what became of every call that was under way, and of every write.

import { faultOfNextThread, okOf, outcomeOf } from './faulty-threads.mjs'

const { deaths, root, jobOptions = {} } = JSON.parse(process.argv[2])
const OPEN_MS = 30_000

const { EventBroker, JobFailed, key, Persistency, PersistCommitted, PersistFailed } = await import(
  'persistency'
)

const put = (n) => ({ kind: 'put', category: 'c', key: key(n), payload: new Uint8Array(32).fill(n) })

const owner = Persistency.open({ rootDir: root, ...jobOptions })._unsafeUnwrap()
const sibling = await okOf(owner.openJob('sibling'))

async function die(at, index) {
  const id = `victim${index}`
  const fault = faultOfNextThread(at)
  const report = { ...at, calls: {}, committed: [], failed: [], jobFailed: [], rows: [] }
  if (at.point === 'opening') fault.arm()
  const opened = await owner.openJob(id, { openTimeoutMs: OPEN_MS })
  if (opened.isErr()) report.calls.openJob = opened.error.code
  else await work(opened.value, at, fault, report)
  report.struck = fault.struck
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

async function work(job, at, fault, report) {
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
  fault.arm()
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
