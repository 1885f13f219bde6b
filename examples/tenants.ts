// Two tenants: the same category and key hold different rows, and an event of one is not seen by the other.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  defineEvent,
  EventBroker,
  JobClosed,
  JobFailed,
  JobOpened,
  key,
  PersistCommitted,
  Persistency,
  unwrap
} from 'persistency'

const SettingChanged = defineEvent<{ name: string }>('setting-changed')
const rootDir = mkdtempSync(join(tmpdir(), 'tenants-'))
const persistency = unwrap(Persistency.open(rootDir))

// Who watches every tenant begins anew with each opening, because a context is never used again, and stops with its end.
new EventBroker(persistency.hub, persistency.context).listen(JobOpened, ({ jobId }) => {
  const { context } = unwrap(persistency.job(jobId))
  const ofJob = new EventBroker(persistency.hub, context)
  const listeners = [
    ofJob.listen(PersistCommitted, ({ ops }) => console.log(`${jobId} stored ${ops} operation`)),
    ofJob.listen(JobClosed, () => stop()),
    ofJob.listen(JobFailed, () => stop())
  ]
  const stop = () => {
    for (const listener of listeners) void listener.drop()
  }
})

for (const [id, colour] of [
  ['acme', 'red'],
  ['globex', 'green']
] as const) {
  const job = await unwrap(persistency.openJob(id))
  const events = new EventBroker().in(job.context)
  events.listen(SettingChanged, ({ name }) => console.log(`${id} changed its ${name}`))
  await unwrap(job.persistPut('settings', key('colour'), Buffer.from(colour)))
}

// Every method of a job exists on Persistency too, with the id in front. There, table, at and subscriptions answer a
// Result, because the job may not be open. A stream, events and a watch are iterated as they are.
for (const id of ['acme', 'globex', 'initech']) {
  const colour = await persistency.get(id, 'settings', key('colour'))
  console.log(
    `${id}:`,
    colour.match(
      (bytes) => Buffer.from(bytes ?? []).toString(),
      (error) => error.code
    )
  )
}

const acme = unwrap(persistency.job('acme'))
new EventBroker().in(acme.context).emit(SettingChanged, { name: 'colour' })

await persistency.closeJob('acme')
console.log('still open:', [...persistency.jobs.keys()].join(', '))
console.log('stored:', (await unwrap(persistency.listJobs())).join(', '))
await persistency.close()
rmSync(rootDir, { recursive: true })
