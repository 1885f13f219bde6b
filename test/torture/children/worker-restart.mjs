// Owns a program whose storage threads die while jobs with `restart` are at work, and die again as they are started. It
// prints a line of JSON for each series of deaths: what became of every call and write, and what the file holds.
//
// Each write demands that the counter is where the write before left it, and moves it on: one that is lost, applied
// twice or out of order makes all that follow fail.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { faultOfNextThread, okOf, outcomeOf } from './faulty-threads.mjs'

/** On a machine that is busy with other things a thread takes its time to start. */
const PATIENT = { restart: true, requestTimeoutMs: 60_000 }

const Database = createRequire(import.meta.url)('better-sqlite3')
const { series, steps, refusals, root, threads } = JSON.parse(process.argv[2])
const {
  EventBroker,
  JobFailed,
  JobRestarted,
  jsonEvents,
  key,
  Persistency,
  PersistCommitted,
  PersistFailed
} = await import('persistency')

/** Every so many writes one is to fail, because what it demands does not hold. */
const FAILING = 7
const WRITES = 60

const counter = key('counter')
const number = (n) => new Uint8Array([n >> 8, n & 255])
const check = (n) => ({
  kind: 'check',
  category: 'c',
  key: counter,
  equals: n === undefined ? undefined : number(n)
})
const put = (at, n) => ({ kind: 'put', category: 'c', key: at, payload: number(n) })

/** Moves the counter of a job on, or fails to. */
function counting() {
  let value
  let writes = 0
  return () => {
    writes++
    if (writes % FAILING === 0) return [check(60_000), put(key(writes), writes)]
    const ops = [check(value), put(counter, writes), put(key(writes), writes)]
    value = writes
    return ops
  }
}

async function run(deaths, index) {
  const owner = Persistency.open({ rootDir: join(root, String(index)), threads })._unsafeUnwrap()
  const report = { deaths, calls: {}, committed: [], failed: [], resent: [], jobFailed: [], seen: [] }
  const [first, ...others] = deaths
  const faults = [faultOfNextThread(first)]
  const victim = await okOf(owner.openJob('victim', { ...PATIENT, journal: true }))
  const sibling = await okOf(owner.openJob('sibling', PATIENT))
  const bystander = await okOf(owner.openJob('bystander'))
  faults.push(...others.map(faultOfNextThread))
  await work(victim, sibling, faults, report)
  report.bystander = await outcomeOf(bystander.persistAcked(put(counter, 1)))
  report.closed = await outcomeOf(victim.close())
  report.sibling.closed = await outcomeOf(sibling.close())
  await report.live
  delete report.live
  report.queued = victim.queued
  await okOf(owner.close())
  report.struck = faults.map(({ struck }) => struck)
  report.file = contentsOf(owner.rootDir, 'victim')
  report.sibling.file = contentsOf(owner.rootDir, 'sibling')
  console.log(JSON.stringify(report))
}

async function work(victim, sibling, faults, report) {
  watch(victim, report)
  const next = counting()
  const nextOfSibling = counting()
  // What is acknowledged before anything happens must be there afterwards.
  for (let n = 1; n <= 2; n++) await okOf(victim.persistAcked(next()))
  await okOf(sibling.persistAcked(nextOfSibling()))
  const struck = new Promise((resolve) => {
    new EventBroker(undefined, victim.context).listen(JobRestarted, resolve)
    new EventBroker(undefined, victim.context).listen(JobFailed, resolve)
  })
  for (const fault of faults) fault.arm()
  const { point } = report.deaths[0]
  if (point === 'idle') await struck
  const calls = point === 'reading' ? reads(victim) : {}
  for (let n = 3; n <= WRITES; n++) {
    const ops = next()
    if (n % 3 === 0) calls[`persistAcked ${n}`] = victim.persistAcked(ops)
    else calls[`persist ${n}`] = victim.persist(ops)
  }
  calls.deleteAcked = victim.deleteAcked('c', key('none'))
  Object.assign(calls, reads(victim))
  calls.flush = victim.flush()
  const ofSibling = sibling.persistAcked(nextOfSibling())
  if (point === 'closing') calls.close = victim.close()
  for (const [name, call] of Object.entries(calls)) report.calls[name] = await outcomeOf(call)
  report.sibling = { write: await outcomeOf(ofSibling), read: await outcomeOf(sibling.get('c', counter)) }
}

function reads(job) {
  return {
    get: job.get('c', counter),
    getMany: job.getMany('c', [counter, key(1)]),
    exists: job.exists('c', counter),
    count: job.count('c', key()),
    scan: job.scan('c', key()),
    journalStatus: job.journalStatus()
  }
}

function watch(job, report) {
  const events = new EventBroker(undefined, job.context)
  events.listen(PersistCommitted, ({ firstSeq, lastSeq }) => report.committed.push([firstSeq, lastSeq]))
  events.listen(PersistFailed, ({ seq, error }) => report.failed.push([seq, error.code]))
  events.listen(JobRestarted, ({ resent }) => report.resent.push(resent))
  events.listen(JobFailed, ({ error }) => report.jobFailed.push(error.code))
  const follow = async () => {
    for await (const event of job.events({ live: true })) {
      if (event.kind !== 'caughtUp') report.seen.push(event.seq)
    }
  }
  report.live = follow().catch((thrown) => {
    report.ended = thrown.code
  })
}

/** A thread dies while the step of a subscription is stored, the only thing that is under way. */
async function step(at, index) {
  const owner = Persistency.open({ rootDir: join(root, `step${index}`), threads })._unsafeUnwrap()
  const fault = faultOfNextThread(at)
  const job = await okOf(owner.openJob('victim', { ...PATIENT, journal: true }))
  const report = { ...at, handled: [] }
  const next = counting()
  const subscription = await okOf(
    job.subscription('counting', ({ seq }) => {
      report.handled.push(seq)
      if (report.handled.length === 3) fault.arm()
      return next()
    })
  )
  const events = jsonEvents('added')
  const added = Array.from({ length: 5 }, (_, n) => events.encode({ type: 'added', data: { n } }))
  await okOf(job.append(added))
  report.caughtUp = await outcomeOf(subscription.caughtUp())
  report.struck = fault.struck
  report.closed = await outcomeOf(owner.close())
  report.file = contentsOf(owner.rootDir, 'victim')
  console.log(JSON.stringify(report))
}

/** A thread dies behind the commit of a transaction in which every write has failed. */
async function refuse(at, index) {
  const owner = Persistency.open({ rootDir: join(root, `refusal${index}`), threads })._unsafeUnwrap()
  const fault = faultOfNextThread(at)
  const job = await okOf(owner.openJob('victim', PATIENT))
  const report = { ...at, failed: [] }
  new EventBroker(undefined, job.context).listen(PersistFailed, ({ seq }) => report.failed.push(seq))
  await okOf(job.persistAcked([put(counter, 1)]))
  fault.arm()
  const refused = Array.from({ length: 5 }, () => job.persistAcked([check(60_000), put(counter, 2)]))
  report.refused = await Promise.all(refused.map(outcomeOf))
  report.after = await outcomeOf(job.persistAcked([check(1), put(counter, 3)]))
  report.struck = fault.struck
  report.closed = await outcomeOf(owner.close())
  report.file = contentsOf(owner.rootDir, 'victim')
  console.log(JSON.stringify(report))
}

/** What is in the file, without the journal but for its length, and what is left of the restarting. */
function contentsOf(rootDir, id) {
  const db = new Database(join(rootDir, `${id}.db`), { readonly: true })
  const rows = db.prepare("SELECT count(*) FROM kv WHERE category = CAST('c' AS BLOB)").pluck().get()
  const at = db.prepare('SELECT payload FROM kv WHERE key = ?').pluck().get(counter.bytes)
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all()
  const sum = (table) =>
    tables.includes(table) ? db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() : 0
  const left = sum('restart_sessions') + sum('restart_failures')
  const events = tables.includes('journal')
    ? db.prepare('SELECT sum(events) FROM journal').pluck().get()
    : undefined
  db.close()
  return { rows, counter: at[0] * 256 + at[1], events, left }
}

// An idle storage thread keeps no process alive, and here one dies idle.
const awake = setInterval(() => {}, 1000)
for (const [index, deaths] of series.entries()) await run(deaths, index)
for (const [index, at] of steps.entries()) await step(at, index)
for (const [index, at] of refusals.entries()) await refuse(at, index)
clearInterval(awake)
