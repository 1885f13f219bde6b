/** Owns an observatory with tenants to look at, some of whose content is hostile, and a browser on its page. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventBroker, type Job, key, Persistency, PersistencyError, PersistFailed } from 'persistency'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { type Observatory, openObservatory } from '../../examples/observatory/server.js'

/** Markup that would tell on itself if anything took it for markup. */
export const HOSTILE = '<img src=x onerror="window.taken=1"><script>window.taken=1</script>'
/** A job id that is the name of something else in JavaScript. */
export const ODD_ID = '__proto__'

const INTERVAL_MS = 150

export interface Scene {
  /** Always the same one. */
  readonly url: string
  /** Closes the observatory and opens another one in its place. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Two tenants that write all the time, with failures among it. */
export async function openScene(): Promise<Scene> {
  const rootDir = mkdtempSync(join(tmpdir(), 'observatory-'))
  const persistency = Persistency.open(rootDir)._unsafeUnwrap()
  let observatory: Observatory = await openObservatory(persistency, { intervalMs: INTERVAL_MS })
  const jobs = [await open(persistency, 'acme'), await open(persistency, ODD_ID)]
  await storeRows(jobs[0] as Job)
  let turn = 0
  const writing = setInterval(() => {
    turn++
    for (const [i, job] of jobs.entries()) {
      for (let n = 0; n < 5 + ((turn + i) % 20); n++) {
        void job.persistPut('readings', key('north', n), Buffer.from(`${turn}`))
      }
    }
    if (turn % 10 === 0) loseWrite(jobs[1] as Job)
  }, 20)
  const { url } = observatory
  return {
    url,
    async restart() {
      await observatory.close()
      const port = Number(new URL(url).port)
      observatory = await openObservatory(persistency, { port, intervalMs: INTERVAL_MS })
    },
    async close() {
      clearInterval(writing)
      await observatory.close()
      await persistency.close()
      rmSync(rootDir, { recursive: true })
    }
  }
}

/** A page of the observatory that has drawn itself, and everything that its console has complained about. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {}
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.goto(url)
  await page.waitForSelector('#plot-operations .line')
  await page.waitForSelector('#keys tbody tr')
  return { page, complaints }
}

async function open(persistency: Persistency, id: string): Promise<Job> {
  const job = await persistency.openJob(id)
  if (job.isErr()) throw job.error
  return job.value
}

async function storeRows(job: Job): Promise<void> {
  for (let n = 0; n < 120; n++) await job.persistPut('orders', key('lamp', n), Buffer.from(`order ${n}`))
  await job.persistPut(HOSTILE, key(HOSTILE), Buffer.from(HOSTILE))
  // Shown as it is, the override would turn around what follows it.
  await job.persistPut(HOSTILE, key('\u202egnp.exe'), Buffer.from('\u202eevil'))
  await job.flush()
}

function loseWrite(job: Job): void {
  const error = new PersistencyError('ERR_STORAGE', `disk of ${HOSTILE} is full\u202e`)
  new EventBroker().in(job.context).emit(PersistFailed, { jobId: job.id, seq: 0, ops: [], error })
}
