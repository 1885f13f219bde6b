// Watching a range: the rows that are there, then every committed change, without a gap between the two.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key, Persistency, prefixRange, unwrap } from 'persistency'

const rootDir = mkdtempSync(join(tmpdir(), 'watch-'))
const persistency = unwrap(Persistency.open(rootDir))
const job = await unwrap(persistency.openJob('kitchen'))
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()

await job.persistPut('orders', key('table 1'), Buffer.from('soup'))

/** What happens once the watching has begun. A batch is told as one item. */
function takeOrders(): void {
  void job.persist([
    { kind: 'put', category: 'orders', key: key('table 2'), payload: Buffer.from('fish') },
    { kind: 'put', category: 'orders', key: key('table 3'), payload: Buffer.from('cake') }
  ])
  void job.persistPut('bills', key('table 1'), Buffer.from('12'))
  void job.deleteAcked('orders', key('table 1'))
}

for await (const item of job.watch('orders', prefixRange(key()), { initial: true })) {
  if (item.kind === 'changes') {
    for (const op of item.changes) console.log(op.kind, op.kind === 'put' ? text(op.payload) : '')
    if (item.changes.some(({ kind }) => kind === 'delete')) break
  } else {
    const orders = item.rows.map(({ payload }) => text(payload))
    console.log(`there are ${orders.length} orders:`, orders.join(', '))
    takeOrders()
  }
}

await persistency.close()
rmSync(rootDir, { recursive: true })
