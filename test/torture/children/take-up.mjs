// Has a storage thread die between the commit of a write that failed and telling of it, while a read stands in front of
// that write and another write behind it. Prints what came of them, in the order in which it was told.

import { faultOfNextThread, okOf, outcomeOf } from './faulty-threads.mjs'

const { EventBroker, key, PersistCommitted, Persistency, PersistFailed } = await import('persistency')
const [, , rootDir] = process.argv
const persistency = await okOf(Persistency.open({ rootDir }))
const fault = faultOfNextThread({ point: 'committed', how: 'exit' })
const job = await okOf(persistency.openJob('tenant', { restart: true }))
const told = []
const events = new EventBroker().in(job.context)
const put = (n) => ({ kind: 'put', category: 'c', key: key(n), payload: Buffer.from('x') })
await okOf(job.persistAcked(put(1)))
events.listen(PersistFailed, ({ seq }) => told.push(`failed ${seq}`))
events.listen(PersistCommitted, ({ firstSeq, lastSeq }) => told.push(`committed ${firstSeq} to ${lastSeq}`))
fault.arm()
const read = job.get('c', key(1))
const refused = job.persistAcked([{ kind: 'check', category: 'c', key: key(1) }, put(2)])
await new Promise((resolve) => setImmediate(resolve))
const next = job.persistAcked(put(3))
const outcomes = await Promise.all([read, refused, next, job.flush()].map(outcomeOf))
console.log(JSON.stringify({ outcomes, told, rows: await okOf(job.count('c', key())), struck: fault.struck }))
await persistency.close()
