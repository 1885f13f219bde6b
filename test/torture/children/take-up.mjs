// Has a storage thread die between the commit of a write that failed and telling of it, while a read stands in front of
// that write and another write behind it. Prints what came of them, in the order in which it was told. How the write
// fails is the last argument: `conflict` leaves the transaction as it is, `rollback` ends it.

import Database from 'better-sqlite3'
import { faultOfNextThread, okOf, outcomeOf } from './faulty-threads.mjs'

const { EventBroker, key, PersistCommitted, Persistency, PersistFailed } = await import('persistency')
const [, , rootDir, how] = process.argv
const persistency = await okOf(Persistency.open({ rootDir }))
const fault = faultOfNextThread({ point: 'committed', how: 'exit' })
const job = await okOf(persistency.openJob('tenant', { restart: true }))
const told = []
const events = new EventBroker().in(job.context)
const put = (n, text = 'x') => ({ kind: 'put', category: 'c', key: key(n), payload: Buffer.from(text) })
const refusable = {
  conflict: [{ kind: 'check', category: 'c', key: key(1) }, put(2)],
  rollback: [put(2, 'bad')]
}
await okOf(job.persistAcked(put(1)))
const db = new Database(`${rootDir}/tenant.db`)
db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON kv WHEN NEW.payload = CAST('bad' AS BLOB)
  BEGIN SELECT RAISE(ROLLBACK, 'refused by trigger'); END`)
db.close()
events.listen(PersistFailed, ({ seq }) => told.push(`failed ${seq}`))
events.listen(PersistCommitted, ({ firstSeq, lastSeq }) => told.push(`committed ${firstSeq} to ${lastSeq}`))
fault.arm()
const read = job.get('c', key(1))
const refused = job.persistAcked(refusable[how])
if (how === 'conflict') await new Promise((resolve) => setImmediate(resolve))
const next = job.persistAcked(put(3))
const outcomes = await Promise.all([read, refused, next, job.flush()].map(outcomeOf))
console.log(JSON.stringify({ outcomes, told, rows: await okOf(job.count('c', key())), struck: fault.struck }))
await persistency.close()
