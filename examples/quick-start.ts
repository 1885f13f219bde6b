// One tenant: open its storage, write, read, scan in key order, close.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key, Persistency, unwrap } from 'persistency'

const rootDir = mkdtempSync(join(tmpdir(), 'quick-start-'))
const persistency = unwrap(Persistency.open(rootDir))
const job = await unwrap(persistency.openJob('acme'))

await unwrap(job.persistPut('orders', key(2026, 2), Buffer.from('two lamps')))
await unwrap(job.persistPut('orders', key(2026, 1), Buffer.from('a chair')))

const read = await job.get('orders', key(2026, 2))
console.log(read.match((bytes) => `order 2: ${Buffer.from(bytes ?? [])}`, String))

for (const { payload } of await unwrap(job.scanPrefix('orders', key(2026)))) {
  console.log(`in order: ${Buffer.from(payload)}`)
}

await unwrap(persistency.close())
console.log('closed')
rmSync(rootDir, { recursive: true })
