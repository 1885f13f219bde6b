// Two tenants: the same category and key hold different rows, and an event of one is not seen by the other.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineEvent, EventBroker, key, Persistency } from 'persistency'

const SettingChanged = defineEvent<{ name: string }>('setting-changed')
const rootDir = mkdtempSync(join(tmpdir(), 'tenants-'))
const opened = Persistency.open(rootDir)
if (opened.isErr()) throw opened.error
const persistency = opened.value

for (const [id, colour] of [
  ['acme', 'red'],
  ['globex', 'green']
] as const) {
  const job = await persistency.openJob(id)
  if (job.isErr()) throw job.error
  const events = new EventBroker().in(job.value.context)
  events.listen(SettingChanged, ({ name }) => console.log(`${id} changed its ${name}`))
  const stored = await job.value.persistAcked({
    kind: 'put',
    category: 'settings',
    key: key('colour'),
    payload: Buffer.from(colour)
  })
  if (stored.isErr()) throw stored.error
}

// Every method of a job exists on Persistency too, with the id in front.
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

const acme = persistency.job('acme')
if (acme.isOk()) new EventBroker().in(acme.value.context).emit(SettingChanged, { name: 'colour' })

await persistency.closeJob('acme')
console.log('still open:', [...persistency.jobs.keys()].join(', '))
await persistency.close()
console.log('files:', readdirSync(rootDir).sort().join(', '))
rmSync(rootDir, { recursive: true })
