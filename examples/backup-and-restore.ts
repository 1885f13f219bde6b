// Backs a job up while it is written to, verifies it, restores the backup as another job, and gives unused space back.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key, Persistency, unwrap } from 'persistency'

const rootDir = mkdtempSync(join(tmpdir(), 'backup-and-restore-'))
const persistency = unwrap(Persistency.open({ rootDir, exclusive: true, closeOnSignal: true }))
const job = await unwrap(persistency.openJob('acme'))
for (let n = 1; n <= 5000; n++) await job.persistPut('orders', key(n), new Uint8Array(500))

const path = join(rootDir, 'acme.backup')
let done = 0
const backup = await job.backup(path, {
  signal: AbortSignal.timeout(60_000),
  onProgress: (progress) => {
    done = progress.done / (progress.total ?? 1)
  }
})
console.log(
  'backup:',
  backup.match(({ bytes }) => `${bytes > 2_500_000 ? 'whole' : 'short'}, ${done * 100} %`, String)
)
console.log(
  'once more:',
  (await job.backup(path)).match(
    () => 'replaced',
    ({ code }) => code
  )
)
const kept = await unwrap(Persistency.verifyFile(path))
console.log('the backup is sound:', kept.ok, kept.rows, 'rows')

const report = await unwrap(job.verify())
console.log('verified:', report.ok, report.rows, 'rows', report.problems)

await job.persistDeletePrefix('orders', key())
const compacted = await unwrap(job.compact())
const stats = await unwrap(job.stats())
console.log(
  'compacted:',
  compacted.bytesAfter < compacted.bytesBefore / 10,
  'rows:',
  stats.rows,
  'free:',
  stats.freeBytes
)

const restored = await persistency.restore('acme-as-it-was', path)
console.log('restored:', restored.isOk())
const former = await unwrap(persistency.openJob('acme-as-it-was'))
console.log('rows of the backup:', await unwrap(former.count('orders', key())))

await persistency.close()
rmSync(rootDir, { recursive: true })
