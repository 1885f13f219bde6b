/**
 * What many open jobs on few threads cost: `node bench/storage/many-jobs.mjs [jobs] [threads] [--quick]`, after
 * `npm run build`. Brief with `--quick`, to see that it runs.
 * Prints JSON: milliseconds to open each, memory of the process, processor time while nothing happens, open files.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { key, Persistency } from 'persistency'

const quick = process.argv.includes('--quick')
const numbers = process.argv.slice(2).filter((argument) => argument !== '--quick')
const [jobs = quick ? 50 : 1000, shared = 2] = numbers.map(Number)
const IDLE_MS = quick ? 200 : 3000
const rootDir = mkdtempSync(join(tmpdir(), 'many-jobs-'))
try {
  const persistency = Persistency.open({ rootDir, threads: { shared } })._unsafeUnwrap()
  const from = performance.now()
  for (let n = 0; n < jobs; n++) (await persistency.openJob(`tenant-${n}`))._unsafeUnwrap()
  const openMsEach = (performance.now() - from) / jobs
  for (const job of persistency.jobs.values()) (await job.persistAcked(put(1)))._unsafeUnwrap()
  if (!quick) await settled(rootDir)
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

/**
 * Resolves a while after every job has brought its log into its file, which follows a second without writes: the
 * engine collects garbage once more when it falls idle.
 */
async function settled(folder) {
  const logs = () => readdirSync(folder).filter((name) => name.endsWith('-wal'))
  do await delay(500)
  while (logs().some((name) => statSync(join(folder, name)).size > 0))
  await delay(2000)
}

function put(n) {
  return { kind: 'put', category: 'c', key: key(n), payload: new Uint8Array(100) }
}
