// Watches the writes of a job as RxJS streams: what is accepted, and what is committed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventBroker, key, PersistCommitted, PersistEvent, Persistency, toPayload } from 'persistency'
import { filter, first, lastValueFrom, mergeMap, scan } from 'rxjs'

const rootDir = mkdtempSync(join(tmpdir(), 'persist-events-'))
const opened = await Persistency.open(rootDir).asyncAndThen((persistency) => persistency.openJob('station-7'))
if (opened.isErr()) throw opened.error
const job = opened.value
const events = new EventBroker().in(job.context)

// Accepted: emitted within the persist call, one per write.
const alarms = events.on(PersistEvent).pipe(
  mergeMap(({ seq, ops }) => ops.map((op) => ({ seq, op }))),
  filter(({ op }) => op.category === 'alarms')
)
const watching = alarms.subscribe(({ seq, op }) =>
  console.log(`accepted write ${seq}: ${op.kind} ${op.category}`)
)

// Committed: emitted once per transaction, which covers one write or many.
const allStored = lastValueFrom(
  events.on(PersistCommitted).pipe(
    scan((total, { ops }) => total + ops, 0),
    first((total) => total === 4)
  )
)

for (const degrees of [20, 21, 90]) {
  const category = degrees > 80 ? 'alarms' : 'readings'
  const accepted = await job.persistPut(category, key(degrees), toPayload(degrees))
  if (accepted.isErr()) throw accepted.error
}
const cleared = await job.persistDelete('alarms', key(90))
if (cleared.isErr()) throw cleared.error

console.log('operations committed:', await allStored)
watching.unsubscribe()
await job.close()
rmSync(rootDir, { recursive: true })
