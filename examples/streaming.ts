// Reads a category of many rows in bounded memory: page by page, with a limit, backwards, by prefix, until a break.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key, Persistency, PersistencyError, type TxOp, toPayload, unwrap } from 'persistency'

const rootDir = mkdtempSync(join(tmpdir(), 'streaming-'))
const persistency = unwrap(Persistency.open(rootDir))
const job = await unwrap(persistency.openJob('station-7'))

// 24 hours for each of 90 days, one batch per day: all of a day or nothing of it.
for (let day = 1; day <= 90; day++) {
  const ops: TxOp[] = []
  for (let hour = 0; hour < 24; hour++) {
    ops.push({ kind: 'put', category: 'hours', key: key(day, hour), payload: toPayload(day * 100 + hour) })
  }
  await unwrap(job.persist(ops))
}

let rows = 0
for await (const _ of job.stream('hours', key(), { pageSize: 500 })) rows++
console.log('all rows:', rows)

let last = 0
for await (const _ of job.stream('hours', key(), { reverse: true, limit: 30 })) last++
console.log('the last 30:', last)

let noon = 0
for await (const row of job.stream('hours', key(45))) {
  noon++
  if (row.key.equals(key(45, 12))) break // no further page is read
}
console.log('day 45 until noon:', noon)

const january = { start: key(1), stop: key(32) } // the stop is excluded
console.log('days 1 to 31:', await unwrap(job.count('hours', january)))
console.log('day 2 by scan:', (await unwrap(job.scanPrefix('hours', key(2)))).length)

await job.close()
try {
  for await (const _ of job.stream('hours', key())) rows++
} catch (error) {
  if (PersistencyError.is(error)) console.log('after close:', error.code) // only streams throw
}
rmSync(rootDir, { recursive: true })
