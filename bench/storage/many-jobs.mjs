/**
 * What many open jobs on few threads cost: `node bench/storage/many-jobs.mjs [jobs] [threads]`, after `npm run build`.
 * Prints JSON: milliseconds to open each, memory of the process, processor time while nothing happens, open files.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { key, Persistency } from 'persistency'

const [jobs = 1000, shared = 2] = process.argv.slice(2).map(Number)
const IDLE_MS = 3000
const rootDir = mkdtempSync(join(tmpdir(), 'many-jobs-'))
try {
  const persistency = Persistency.open({ rootDir, threads: { shared } })._unsafeUnwrap()
  const from = performance.now()
  for (let n = 0; n < jobs; n++) (await persistency.openJob(`tenant-${n}`))._unsafeUnwrap()
  const openMsEach = (performance.now() - from) / jobs
  for (const job of persistency.jobs.values()) (await job.persistAcked(put(1)))._unsafeUnwrap()
  // Beyond the tidying up that follows a second without writes.
  await delay(2500)
  const before = process.cpuUsage()
  await delay(IDLE_MS)
  const { user, system } = process.cpuUsage(before)
  const idleCpuMsPerSecond = (user + system) / 1000 / (IDLE_MS / 1000)
  const rssMb = process.memoryUsage.rss() / 1024 / 1024
  const fds = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : undefined
  const closing = performance.now()
  await persistency.close()
  const closeMsEach = (performance.now() - closing) / jobs
  console.log(JSON.stringify({ jobs, shared, openMsEach, closeMsEach, rssMb, idleCpuMsPerSecond, fds }))
} finally {
  rmSync(rootDir, { recursive: true, force: true })
}

function put(n) {
  return { kind: 'put', category: 'c', key: key(n), payload: new Uint8Array(100) }
}
