// Owns a program that opens, uses and closes jobs over and over, and tells what it holds on to, as a line of JSON.

import { readdirSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { key, Persistency } from 'persistency'

const { root, cycles, jobOptions = {} } = JSON.parse(process.argv[2])

const okOf = async (answer) => {
  const result = await answer
  if (result.isErr()) throw result.error
  return result.value
}

async function cycle(n) {
  const owner = Persistency.open({ rootDir: root, ...jobOptions })._unsafeUnwrap()
  const job = await okOf(owner.openJob('tenant'))
  await okOf(job.persistPut('c', key(n % 100), new Uint8Array(100)))
  await okOf(job.get('c', key(n % 100)))
  if (n % 2 === 0) await okOf(job.close())
  if (n % 10 === 0) await okOf(owner.dropJob('tenant'))
  await okOf(owner.close())
}

const linux = process.platform === 'linux'

/** Threads and open files by number, where the system tells; memory in megabytes, after a collection. */
async function held() {
  // Threads end a moment after they have been told to.
  await pause(50)
  for (let pass = 0; pass < 3; pass++) globalThis.gc()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    handles: process.getActiveResourcesInfo().filter((kind) => kind !== 'Timeout' && !kind.startsWith('Pipe'))
      .length,
    exitListeners: process.listenerCount('exit'),
    threads: linux ? readdirSync('/proc/self/task').length : 0,
    files: linux ? readdirSync('/proc/self/fd').length : 0,
    heapMb: heapUsed / 2 ** 20,
    rssMb: rss / 2 ** 20
  }
}

// The first cycles load what is loaded once.
const warmUp = Math.ceil(cycles / 5)
for (let n = 0; n < warmUp; n++) await cycle(n)
const before = await held()
for (let n = warmUp; n < cycles; n++) await cycle(n)
console.log(JSON.stringify({ before, after: await held() }))
