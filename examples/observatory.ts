/**
 * Every tenant of a root in a browser: throughput, queue, commits and failures as plots over time, the last events, and
 * the keys.
 *
 *   node --import tsx examples/observatory.ts            looks at the page the way a browser would, and ends
 *   node --import tsx examples/observatory.ts --serve    stays up, with traffic to look at, until Ctrl-C
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Persistency, unwrap } from 'persistency'
import { openObservatory } from './observatory/server.js'
import { readSome } from './observatory-demo/read-some.js'
import { startTraffic } from './observatory-demo/traffic.js'

const rootDir = mkdtempSync(join(tmpdir(), 'observatory-'))
const persistency = unwrap(Persistency.open(rootDir))

const serve = process.argv.includes('--serve')
const port = Number(process.env['PORT'] ?? 0)
const observatory = await openObservatory(persistency, serve ? { port } : { intervalMs: 100 })
const traffic = startTraffic(persistency)

if (serve) {
  console.log(`the observatory is at ${observatory.url} until Ctrl-C`)
  await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve))
} else {
  await readSome(observatory.url)
}

await traffic.stop()
await observatory.close()
await persistency.close()
rmSync(rootDir, { recursive: true })
console.log('closed')
