// One tenant: open its storage, write, read, scan in key order, close.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key, Persistency } from 'persistency'

const rootDir = mkdtempSync(join(tmpdir(), 'quick-start-'))
const opened = await Persistency.open(rootDir).asyncAndThen((persistency) => persistency.openJob('acme'))
if (opened.isErr()) throw opened.error
const job = opened.value

const read = await job
  .persistPut('orders', key(2026, 2), Buffer.from('two lamps'))
  .andThen(() => job.persistPut('orders', key(2026, 1), Buffer.from('a chair')))
  .andThen(() => job.get('orders', key(2026, 2)))
console.log(read.match((bytes) => `order 2: ${Buffer.from(bytes ?? [])}`, String))

const rows = await job.scanPrefix('orders', key(2026))
for (const { payload } of rows.unwrapOr([])) console.log(`in order: ${Buffer.from(payload)}`)

const closed = await job.close()
console.log(closed.match(() => 'closed', String))
rmSync(rootDir, { recursive: true })
