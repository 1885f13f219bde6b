// Owns a program that offers more than its disk takes, and tells as a line of JSON what that did to memory and to reads.

import { setTimeout as pause } from 'node:timers/promises'
import { key, Persistency } from 'persistency'

const { root, kind, seconds, tenants, operations, jobOptions = {} } = JSON.parse(process.argv[2])
const LIMIT_BYTES = 4 * 1024 * 1024

const okOf = async (answer) => {
  const result = await answer
  if (result.isErr()) throw result.error
  return result.value
}

const owner = Persistency.open({ rootDir: root, ...jobOptions })._unsafeUnwrap()

function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}

/** Offers ten writes for each that is committed, for a while, and reads meanwhile. */
async function overload() {
  const job = await okOf(
    owner.openJob('tenant', { maxQueueBytes: LIMIT_BYTES, whenFull: 'refuse', durability: 'full' })
  )
  const payload = new Uint8Array(1000)
  const told = { offered: 0, accepted: 0, mostQueued: 0, mostResident: 0 }
  const latencies = []
  const deadline = performance.now() + seconds * 1000
  const reads = (async () => {
    while (performance.now() < deadline) {
      const started = performance.now()
      await okOf(job.get('c', key(0), { timeoutMs: 60_000 }))
      latencies.push(performance.now() - started)
      await pause(1)
    }
  })()
  let refused = 0
  while (performance.now() < deadline) {
    // Once the queue is full nearly all is refused; until ten times what is taken has been offered, there is no pause.
    for (let left = Math.max(500, told.accepted * 10 - told.offered); left > 0; left--) {
      const at = told.offered++
      job.persistPut('c', key(at), payload).match(
        () => told.accepted++,
        () => refused++
      )
      if (left % 5000 === 0) await null
    }
    told.mostQueued = Math.max(told.mostQueued, job.queued.bytes)
    told.mostResident = Math.max(told.mostResident, process.memoryUsage.rss())
    await pause(0)
  }
  await reads
  const started = performance.now()
  await okOf(job.flush({ timeoutMs: 120_000 }))
  latencies.sort((a, b) => a - b)
  const rows = await okOf(job.count('c', key(), { timeoutMs: 60_000 }))
  return {
    ...told,
    refused,
    rows,
    flushMs: performance.now() - started,
    reads: latencies.length,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    max: latencies.at(-1)
  }
}

/** Many tenants that all write and read at once. */
async function crowd() {
  const started = performance.now()
  const jobs = await Promise.all(
    Array.from({ length: tenants }, (_, at) => okOf(owner.openJob(`tenant${at}`, { openTimeoutMs: 300_000 })))
  )
  const openMs = performance.now() - started
  const each = Math.ceil(operations / tenants)
  const counts = await Promise.all(
    jobs.map(async (job, at) => {
      for (let n = 0; n < each; n++) await okOf(job.persistPut('c', key(n), new Uint8Array(50).fill(at)))
      await okOf(job.flush({ timeoutMs: 300_000 }))
      const rows = await okOf(job.scan('c', key(), { timeoutMs: 300_000 }))
      return rows.filter(({ payload }) => payload.every((byte) => byte === (at & 0xff))).length
    })
  )
  const allMs = performance.now() - started
  return {
    openMs,
    allMs,
    complete: counts.filter((count) => count === each).length,
    resident: process.memoryUsage.rss()
  }
}

/** Very many operations, and the heap at ten moments on the way. */
async function marathon() {
  const job = await okOf(owner.openJob('tenant'))
  const heaps = []
  let seen = 0
  const started = performance.now()
  for (let tenth = 0; tenth < 10; tenth++) {
    const end = Math.floor((operations * (tenth + 1)) / 10)
    for (; seen < end; seen++) {
      await okOf(job.persistPut('c', key(seen % 20_000), new Uint8Array(64)))
      if (seen % 1000 === 0) await okOf(job.get('c', key(seen % 20_000), { timeoutMs: 60_000 }))
    }
    await okOf(job.flush({ timeoutMs: 120_000 }))
    for (let pass = 0; pass < 3; pass++) globalThis.gc()
    heaps.push(process.memoryUsage().heapUsed)
  }
  const distinct = await okOf(job.count('c', key(), { timeoutMs: 60_000 }))
  return { heaps, distinct, tookMs: performance.now() - started, resident: process.memoryUsage.rss() }
}

const answer = await { overload, crowd, marathon }[kind]()
await okOf(owner.close())
console.log(JSON.stringify(answer))
