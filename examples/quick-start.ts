// One tenant: open its storage, write, read, scan in key order, close.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineTable, integer, key, Persistency, string, tuple, unwrap } from 'persistency'

const Orders = defineTable('orders', { key: tuple(integer, integer), value: string }) // year, number

const rootDir = mkdtempSync(join(tmpdir(), 'quick-start-'))
const persistency = unwrap(Persistency.open(rootDir))
const job = await unwrap(persistency.openJob('acme'))

const orders = job.table(Orders)
await unwrap(orders.put([2026, 2], 'two lamps'))
await unwrap(orders.put([2026, 1], 'a chair'))

const read = await orders.get([2026, 2])
console.log(read.match((order) => `order 2: ${order}`, String))

for (const { value } of await unwrap(orders.scan(key(2026)))) {
  console.log(`in order: ${value}`)
}

await unwrap(persistency.close())
console.log('closed')
rmSync(rootDir, { recursive: true })
