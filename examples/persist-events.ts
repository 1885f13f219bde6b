// Watches the writes of a job as RxJS streams: what is accepted, and what is committed.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  EventBroker,
  JobClosed,
  JobFailed,
  key,
  PersistCommitted,
  PersistEvent,
  Persistency,
  toPayload,
  unwrap
} from 'persistency'
import { bufferTime, filter, first, lastValueFrom, mergeMap, mergeWith, scan, takeUntil } from 'rxjs'

const rootDir = mkdtempSync(join(tmpdir(), 'persist-events-'))
const persistency = unwrap(Persistency.open(rootDir))
const job = await unwrap(persistency.openJob('station-7'))
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

// A timer of RxJS would hold the process when the job has closed: no stream of events completes by itself.
const ended = events.on(JobClosed).pipe(mergeWith(events.on(JobFailed)))
events
  .on(PersistCommitted)
  .pipe(takeUntil(ended), bufferTime(1000)) // in this order, what is in the buffer still comes
  .subscribe((commits) => console.log('commits within a second:', commits.length))

for (const degrees of [20, 21, 90]) {
  const category = degrees > 80 ? 'alarms' : 'readings'
  await unwrap(job.persistPut(category, key(degrees), toPayload(degrees)))
}
await unwrap(job.persistDelete('alarms', key(90)))

console.log('operations committed:', await allStored)
watching.unsubscribe()
await job.close()
rmSync(rootDir, { recursive: true })
